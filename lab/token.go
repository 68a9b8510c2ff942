// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// lifetime of a token, in seconds.
const lifetime = 300

// tokenService is a token server as the Docker token specification describes
// it: fewer rights than asked for are not an error, wrong credentials are.
type tokenService struct {
	keys      *keys
	anonymous func(repository string) bool // where anonymous may pull
}

// grant is one entry of a token's "access" claim.
type grant struct {
	Type    string   `json:"type"`
	Name    string   `json:"name"`
	Actions []string `json:"actions"`
}

// at serves tokens at one path, everything else goes to next.
func (s *tokenService) at(path string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != path {
			next.ServeHTTP(w, r)
			return
		}
		s.serve(w, r)
	})
}

func (s *tokenService) serve(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	switch {
	case r.Method != http.MethodGet:
		// Clients fall back from POST (OAuth2) to GET on this.
		w.Header().Set("Allow", http.MethodGet)
		deny(w, r, http.StatusMethodNotAllowed, "UNSUPPORTED", "the operation is unsupported")
		return
	case q.Get("service") != "" && q.Get("service") != service:
		deny(w, r, http.StatusBadRequest, "UNSUPPORTED", "unknown service")
		return
	}
	who, known := s.keys.knows(r)
	if !anonymous(r) && !known {
		w.Header().Set("WWW-Authenticate", `Basic realm="`+realmName+`"`)
		deny(w, r, http.StatusUnauthorized, "UNAUTHORIZED", "authentication required")
		return
	}
	now := time.Now()
	token, err := s.sign(who.name, now, s.rights(who, q["scope"]))
	if err != nil {
		deny(w, r, http.StatusInternalServerError, "UNKNOWN", "unknown error")
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_ = json.NewEncoder(w).Encode(map[string]any{
		"token": token, "access_token": token, "expires_in": lifetime, "issued_at": now.UTC().Format(time.RFC3339),
	})
}

// rights is the intersection of what was asked with what the user may do.
// It is never nil: an empty claim is "[]", as the specification shows it.
func (s *tokenService) rights(who user, scopes []string) []grant {
	granted := []grant{}
	for _, scope := range strings.Fields(strings.Join(scopes, " ")) {
		// A name may hold colons (host:port/name): cut at the first and the last.
		first, last := strings.Index(scope, ":"), strings.LastIndex(scope, ":")
		if first < 0 || first == last {
			continue
		}
		g := grant{Type: scope[:first], Name: scope[first+1 : last]}
		for _, action := range strings.Split(scope[last+1:], ",") {
			if s.may(who, g.Type, g.Name, action) && !slices.Contains(g.Actions, action) {
				g.Actions = append(g.Actions, action)
			}
		}
		if len(g.Actions) > 0 {
			granted = append(granted, g)
		}
	}
	return granted
}

// may: whoever is known has at least the rights of a stranger.
func (s *tokenService) may(who user, resource, name, action string) bool {
	if who.rights != nil && who.rights(resource, name, action) {
		return true
	}
	return resource == "repository" && action == "pull" && s.anonymous(name)
}

func (s *tokenService) sign(subject string, now time.Time, access []grant) (string, error) {
	signer, err := jose.NewSigner(
		jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: s.keys.signing, KeyID: keyID}},
		(&jose.SignerOptions{}).WithType("JWT"))
	if err != nil {
		return "", err
	}
	return jwt.Signed(signer).Claims(jwt.Claims{
		Issuer: issuer, Subject: subject, Audience: jwt.Audience{service}, ID: randomHex(16),
		IssuedAt: jwt.NewNumericDate(now), NotBefore: jwt.NewNumericDate(now.Add(-time.Second)),
		Expiry: jwt.NewNumericDate(now.Add(lifetime * time.Second)),
	}).Claims(map[string]any{"access": access}).Serialize()
}
