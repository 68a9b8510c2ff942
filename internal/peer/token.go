// SPDX-License-Identifier: Apache-2.0

package peer

import (
	"cmp"
	"crypto"
	"crypto/subtle"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// Stranger is what a token service does for someone without a credential.
type Stranger int

// Refuse answers 401. Nothing gives a token without rights, which the token
// specification wants. Pull gives everybody the right to pull, Any whatever is
// asked for: the weaknesses.
const (
	Refuse Stranger = iota
	Nothing
	Pull
	Any
)

// Rights say what a user may do: kind, name and action of a scope. Nil is
// everything.
type Rights func(kind, name, action string) bool

type tokenUser struct {
	password string
	rights   Rights
}

// TokenOptions say how a token service gives tokens. The zero value is sound.
type TokenOptions struct {
	Stranger Stranger
	Lifetime time.Duration // 0 is five minutes
	Surplus  bool          // who asks to pull gets all that he may
	AsAsked  bool          // the audience is whatever service is asked for, as docker_auth has it
	Nobody   bool          // tokens have no audience
	Refresh  bool          // refresh tokens are given to who asks for one
	Issuer   string        // "" is that of every other service here
}

// TokenService is a Docker token service with one user, who may do anything, and
// those that were added.
type TokenService struct {
	URL    string // of the service, http://host:port/token
	jwks   string
	key    string // its private key, a PEM file
	keyID  string
	issuer string
	signer jose.Signer
	opts   TokenOptions
	users  map[string]tokenUser

	mu      sync.Mutex
	refresh map[string]string // refresh token: user
}

// AddUser adds a user, before anybody asks.
func (s *TokenService) AddUser(name, password string, rights Rights) {
	s.users[name] = tokenUser{password, rights}
}

const (
	tokenIssuer   = "peer token service"
	tokenAudience = "peer registry"
)

// NewTokenService runs one in this process, with one user who may do anything.
func NewTokenService(tb testing.TB, user, password string, stranger Stranger) *TokenService {
	tb.Helper()
	return NewTokenServiceWith(tb, user, password, TokenOptions{Stranger: stranger})
}

// NewTokenServiceWith runs one in this process, on a port of its own.
func NewTokenServiceWith(tb testing.TB, user, password string, o TokenOptions) *TokenService {
	tb.Helper()
	key := newKey(tb)
	public := jose.JSONWebKey{Key: &key.PublicKey, Algorithm: "ES256", Use: "sig"}
	print, err := public.Thumbprint(crypto.SHA256)
	if err != nil {
		tb.Fatal(err)
	}
	public.KeyID = base64.RawURLEncoding.EncodeToString(print)
	set, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{public}})
	if err != nil {
		tb.Fatal(err)
	}
	options := (&jose.SignerOptions{}).WithType("JWT").WithHeader("kid", public.KeyID)
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: key}, options)
	if err != nil {
		tb.Fatal(err)
	}
	s := &TokenService{signer: signer, opts: o, users: map[string]tokenUser{user: {password: password}}, refresh: map[string]string{}}
	dir := tb.TempDir()
	s.jwks, s.keyID, s.issuer = write(tb, dir, "jwks.json", string(set)), public.KeyID, cmp.Or(o.Issuer, tokenIssuer)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		tb.Fatal(err)
	}
	s.key = write(tb, dir, "issuer.pem", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	server := &httptest.Server{Listener: l, Config: &http.Server{Handler: s}}
	server.Start()
	tb.Cleanup(server.Close)
	s.URL = server.URL + "/token"
	return s
}

// SigningKey is a PEM file with the key that tokens are signed with, and its name.
func (s *TokenService) SigningKey() (file, keyID string) { return s.key, s.keyID }

// Auth is the auth section of a registry that trusts this service, which
// clients reach at realm ("" is its own URL).
func (s *TokenService) Auth(realm string) Auth {
	if realm == "" {
		realm = s.URL
	}
	return Auth{"token": map[string]any{
		"realm": realm, "service": tokenAudience, "issuer": s.issuer, "jwks": s.jwks, "signingalgorithms": []string{"ES256"},
	}}
}

// AuthRC2 is Auth for RegistryRC2, which does not start with a list of
// algorithms.
func (s *TokenService) AuthRC2() Auth {
	a := s.Auth("")
	delete(a["token"].(map[string]any), "signingalgorithms")
	return a
}

// ServeHTTP implements the token specification as far as clients need it, by GET
// and by POST (OAuth 2).
func (s *TokenService) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
	if err := r.ParseForm(); err != nil {
		http.Error(w, "bad request", http.StatusBadRequest)
		return
	}
	user, known, ok := s.who(r)
	if !ok {
		w.Header().Set("Www-Authenticate", `Basic realm="peer token service"`)
		http.Error(w, `{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}`, http.StatusUnauthorized)
		return
	}
	access := []any{}
	for _, scope := range r.Form["scope"] {
		for one := range strings.FieldsSeq(scope) {
			access = append(access, s.grant(one, user, known)...)
		}
	}
	life := cmp.Or(s.opts.Lifetime, 5*time.Minute)
	token, err := jwt.Signed(s.signer).Claims(s.claims(r, user, access, life)).Serialize()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	answer := map[string]any{"token": token, "access_token": token, "expires_in": int(life.Seconds())}
	if s.opts.Refresh && known && (r.Form.Get("offline_token") == "true" || r.Form.Get("access_type") == "offline") {
		answer["refresh_token"] = s.remember(user)
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(answer)
}

// who asks; ok is false for a credential that is wrong, and for a stranger who
// is refused.
func (s *TokenService) who(r *http.Request) (user string, known, ok bool) {
	user, password, known := r.BasicAuth()
	if form := r.PostForm; !known && r.Method == http.MethodPost {
		switch form.Get("grant_type") {
		case "password":
			user, password, known = form.Get("username"), form.Get("password"), true
		case "refresh_token":
			s.mu.Lock()
			defer s.mu.Unlock()
			user, ok = s.refresh[form.Get("refresh_token")]
			return user, ok, ok
		}
	}
	if !known {
		return "", false, s.opts.Stranger != Refuse
	}
	u, is := s.users[user]
	ok = is && subtle.ConstantTimeCompare([]byte(u.password), []byte(password)) == 1
	return user, ok, ok
}

func (s *TokenService) remember(user string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	token := fmt.Sprintf("refresh-%x", random(24))
	s.refresh[token] = user
	return token
}

func (s *TokenService) claims(r *http.Request, user string, access []any, life time.Duration) map[string]any {
	now := time.Now()
	c := map[string]any{
		"iss": s.issuer, "sub": user, "aud": tokenAudience, "iat": now.Unix(), "nbf": now.Add(-time.Minute).Unix(), "exp": now.Add(life).Unix(),
		"jti": fmt.Sprintf("%x", random(8)), "access": access,
	}
	if s.opts.AsAsked {
		c["aud"] = r.Form.Get("service")
	}
	if s.opts.Nobody {
		delete(c, "aud")
	}
	return c
}

// grant is what comes of one scope, type:name:actions: what is asked for and may
// be had.
func (s *TokenService) grant(scope, user string, known bool) []any {
	kind, rest, _ := strings.Cut(scope, ":")
	at := strings.LastIndex(rest, ":")
	if at < 0 {
		return nil
	}
	name, asked := rest[:at], strings.Split(rest[at+1:], ",")
	if s.opts.Surplus && known && kind == "repository" {
		asked = []string{"pull", "push", "delete"}
	}
	actions := slices.DeleteFunc(asked, func(action string) bool { return !s.may(user, known, kind, name, action) })
	if len(actions) == 0 {
		return nil
	}
	return []any{map[string]any{"type": kind, "name": name, "actions": actions}}
}

func (s *TokenService) may(user string, known bool, kind, name, action string) bool {
	if known {
		rights := s.users[user].rights
		return rights == nil || rights(kind, name, action)
	}
	return s.opts.Stranger == Any || s.opts.Stranger == Pull && kind == "repository" && action == "pull"
}
