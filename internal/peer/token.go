// SPDX-License-Identifier: Apache-2.0

package peer

import (
	"crypto"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// Stranger is what a token service does for someone without a credential.
type Stranger int

// Refuse answers 401. Nothing gives a token without rights, which the token
// specification wants. Pull gives everybody the right to pull: the weakness.
const (
	Refuse Stranger = iota
	Nothing
	Pull
)

// TokenService is a Docker token service with one user, who may do anything, and
// those that were added.
type TokenService struct {
	URL      string // of the service, http://host:port/token
	jwks     string
	signer   jose.Signer
	users    map[string]tokenUser
	stranger Stranger
}

type tokenUser struct {
	password string
	rights   Rights // nil is everything
}

// Rights say what a user may do: kind, name and action of a scope.
type Rights func(kind, name, action string) bool

// AddUser adds a user, before anybody asks.
func (s *TokenService) AddUser(name, password string, rights Rights) {
	s.users[name] = tokenUser{password, rights}
}

const (
	tokenIssuer   = "peer token service"
	tokenAudience = "peer registry"
)

// NewTokenService runs one in this process, on a port of its own.
func NewTokenService(tb testing.TB, user, password string, stranger Stranger) *TokenService {
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
	s := &TokenService{signer: signer, users: map[string]tokenUser{user: {password: password}}, stranger: stranger}
	s.jwks = write(tb, tb.TempDir(), "jwks.json", string(set))
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

// Auth is the auth section of a registry that trusts this service, which
// clients reach at realm ("" is its own URL).
func (s *TokenService) Auth(realm string) Auth {
	if realm == "" {
		realm = s.URL
	}
	return Auth{"token": map[string]any{
		"realm": realm, "service": tokenAudience, "issuer": tokenIssuer, "jwks": s.jwks, "signingalgorithms": []string{"ES256"},
	}}
}

// ServeHTTP implements the token specification as far as clients need it.
func (s *TokenService) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	user, password, known := r.BasicAuth()
	who, registered := s.users[user]
	switch {
	case known && (!registered || password != who.password), !known && s.stranger == Refuse:
		w.Header().Set("Www-Authenticate", `Basic realm="peer token service"`)
		http.Error(w, `{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}`, http.StatusUnauthorized)
		return
	}
	access := []any{}
	for _, scope := range r.URL.Query()["scope"] {
		for one := range strings.FieldsSeq(scope) {
			access = append(access, s.grant(one, known, who.rights)...)
		}
	}
	now := time.Now()
	token, err := jwt.Signed(s.signer).Claims(map[string]any{
		"iss": tokenIssuer, "sub": user, "aud": tokenAudience, "iat": now.Unix(), "nbf": now.Add(-time.Minute).Unix(), "exp": now.Add(5 * time.Minute).Unix(),
		"jti": fmt.Sprintf("%x", random(8)), "access": access,
	}).Serialize()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{"token": token, "expires_in": 300})
}

// grant is what comes of one scope, type:name:actions.
func (s *TokenService) grant(scope string, known bool, rights Rights) []any {
	kind, rest, _ := strings.Cut(scope, ":")
	at := strings.LastIndex(rest, ":")
	if at < 0 {
		return nil
	}
	actions := strings.Split(rest[at+1:], ",")
	if !known {
		if s.stranger != Pull || kind != "repository" {
			return nil
		}
		actions = []string{"pull"}
	}
	if rights != nil {
		actions = slices.DeleteFunc(actions, func(action string) bool { return !rights(kind, rest[:at], action) })
	}
	if len(actions) == 0 {
		return nil
	}
	return []any{map[string]any{"type": kind, "name": rest[:at], "actions": actions}}
}
