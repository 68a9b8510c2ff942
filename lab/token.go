// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// lifetime of a token, unless an entry says otherwise.
const lifetime = 300 * time.Second

// tokenService is a token server as the Docker token specification describes
// it: fewer rights than asked for are not an error, wrong credentials are.
// It serves tokens at one path and its keys at another. Only keys and strangers
// must be set; every other field is a flaw, or a thing that few servers do.
type tokenService struct {
	keys      *keys
	prefix    string        // of its paths
	issuer    string        // "" is the lab's
	strangers rights        // of who has no name
	lifetime  time.Duration // 0: as usual

	anyService, accountRules       bool // whom it answers for
	accountBeside                  bool // the account in the query of a POST says who asks
	strangersPost                  bool // a POST without a credential gets what it asks
	emptyUser, emptyPassword       bool // who is let in without a secret
	survives                       bool // a revoked user goes on
	surplus, escalates             bool // more than was asked, more than one may have
	formUnchecked                  bool // a POST gets what it asks
	refreshSurvives                bool // a revoked user's refresh token goes on
	refreshUnchecked               bool // a refresh token gets what it asks
	queryBeside, bodyBeside        bool // one half of a POST is checked, and the other is granted too
	everywhere                     bool // whoever may pull one repository gets all that he may pull
	firstChecked                   bool // of several scopes the first is checked, and the last is granted
	lastService                    bool // the rights are those at the first service, and the token is for the last
	trims                          bool // names are tidied after they were checked
	tells, looksUpFirst, sameDelay bool // what a refused login tells
	throttle                       *throttle
	oauth                          *sessions  // takes POST, and gives refresh tokens
	workloads                      *workloads // whose tokens it exchanges
}

const (
	tokenPath = "/token"
	jwksPath  = "/.well-known/jwks.json"
)

// before serves tokens and keys, and everything else goes to next.
func (s *tokenService) before(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case s.prefix + tokenPath:
			s.serve(w, r)
		case s.prefix + jwksPath:
			w.Header().Set("Content-Type", "application/jwk-set+json")
			_, _ = w.Write(s.keys.set())
		default:
			next.ServeHTTP(w, r)
		}
	})
}

func (s *tokenService) serve(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	q, ok := s.read(r)
	switch {
	case !ok:
		// Clients fall back from POST (OAuth2) to GET on this.
		w.Header().Set("Allow", http.MethodGet)
		deny(w, r, http.StatusMethodNotAllowed, "UNSUPPORTED", "the operation is unsupported")
		return
	case q.service != "" && q.service != service && !s.anyService && !s.lastService:
		deny(w, r, http.StatusBadRequest, "UNSUPPORTED", "unknown service")
		return
	case s.throttle.refuses(q.user):
		w.Header().Set("Retry-After", s.throttle.after())
		deny(w, r, http.StatusTooManyRequests, "TOOMANYREQUESTS", "too many requests")
		return
	}
	who, known := s.identify(r.Context(), q)
	if q.named && !known {
		s.refuse(w, r, q)
		return
	}
	s.answer(w, r, q, who)
}

func (s *tokenService) answer(w http.ResponseWriter, r *http.Request, q asked, who user) {
	now, access := time.Now(), s.grants(who, q)
	token, err := s.sign(who.name, s.audience(q), now, map[string]any{"access": access})
	if err != nil {
		deny(w, r, http.StatusInternalServerError, "UNKNOWN", "unknown error")
		return
	}
	out := map[string]any{
		"access_token": token, "expires_in": int(s.lasts().Seconds()), "issued_at": now.UTC().Format(time.RFC3339),
	}
	if q.form {
		out["scope"] = spell(access)
	} else {
		out["token"] = token
	}
	if s.oauth != nil && q.offline && who.name != "" {
		out["refresh_token"] = s.oauth.add(who.name)
		// As an OpenID provider would, to the client and not to the registry.
		if out["id_token"], err = s.sign(who.name, "client", now, map[string]any{"email": who.name + "@lab.example"}); err != nil {
			delete(out, "id_token")
		}
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(out)
}

func (s *tokenService) audience(q asked) string {
	if s.lastService && len(q.services) > 0 {
		return q.services[len(q.services)-1]
	}
	if q.service != "" {
		return q.service // which was checked, or is not
	}
	return service
}

func (s *tokenService) lasts() time.Duration {
	if s.lifetime > 0 {
		return s.lifetime
	}
	return lifetime
}

func (s *tokenService) sign(subject, audience string, now time.Time, more map[string]any) (string, error) {
	signer, err := jose.NewSigner(
		jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: s.keys.signing, KeyID: keyID1}},
		(&jose.SignerOptions{}).WithType("JWT"))
	if err != nil {
		return "", err
	}
	by := issuer
	if s.issuer != "" {
		by = s.issuer
	}
	return jwt.Signed(signer).Claims(jwt.Claims{
		Issuer: by, Subject: subject, Audience: jwt.Audience{audience}, ID: randomHex(16),
		IssuedAt: jwt.NewNumericDate(now), NotBefore: jwt.NewNumericDate(now.Add(-time.Second)),
		Expiry: jwt.NewNumericDate(now.Add(s.lasts())),
	}).Claims(more).Serialize()
}

// spell is what was granted as the scope member of an OAuth2 answer.
func spell(access []grant) string {
	var all []string
	for _, g := range access {
		all = append(all, g.Type+":"+g.Name+":"+strings.Join(g.Actions, ","))
	}
	return strings.Join(all, " ")
}
