// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/distribution/distribution/v3/configuration"
	"github.com/go-jose/go-jose/v4"
	"golang.org/x/crypto/bcrypt"
)

const (
	realmName = "regproof lab" // Basic realm
	service   = "regproof-lab" // token service and audience
	issuer    = "regproof-lab-issuer"
	keyID     = "lab-1"
)

// keys are a lab's secrets and the files in which distribution reads them.
type keys struct {
	ci, dev        user
	signing        *ecdsa.PrivateKey // of tokens
	secret         string            // of upload locations and presigned URLs
	htpasswd, jwks string            // paths
}

// user is one of the lab's two: ci may do everything, dev may pull team-b/**
// where rights are known at all.
type user struct {
	name, password string
	rights         rights
}

// rights say what a subject of a token may do; the resource is a type and a
// name of the scope grammar.
type rights func(resource, name, action string) bool

func everything(resource, name, action string) bool {
	switch resource {
	case "repository":
		return slices.Contains([]string{"pull", "push", "delete"}, action)
	case "registry":
		return name == "catalog" && action == "*"
	}
	return false
}

func pullsTeamB(resource, name, action string) bool {
	return resource == "repository" && action == "pull" && strings.HasPrefix(name, "team-b/")
}

func newKeys(dir string) (*keys, error) {
	k := &keys{
		ci: user{"ci", randomHex(12), everything}, dev: user{"dev", randomHex(12), pullsTeamB},
		secret: randomHex(16),
	}
	var lines []byte
	for _, u := range []user{k.ci, k.dev} {
		hash, err := bcrypt.GenerateFromPassword([]byte(u.password), bcrypt.MinCost)
		if err != nil {
			return nil, err
		}
		lines = fmt.Appendf(lines, "%s:%s\n", u.name, hash)
	}
	var err error
	if k.signing, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		return nil, err
	}
	set, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{
		{Key: k.signing.Public(), KeyID: keyID, Algorithm: string(jose.ES256), Use: "sig"},
	}})
	if err != nil {
		return nil, err
	}
	k.htpasswd, k.jwks = filepath.Join(dir, "htpasswd"), filepath.Join(dir, "jwks.json")
	if err := os.WriteFile(k.htpasswd, lines, 0o600); err != nil {
		return nil, err
	}
	return k, os.WriteFile(k.jwks, set, 0o600)
}

// basic is distribution's htpasswd guard. It knows no rights: whoever has a
// password may do everything, and anonymous nothing, public or not.
func (k *keys) basic() configuration.Auth {
	return configuration.Auth{"htpasswd": {"realm": realmName, "path": k.htpasswd}}
}

// token is distribution's token guard. The algorithm is named because the
// default list holds HS256, too.
func (k *keys) token(realm string) configuration.Auth {
	return configuration.Auth{"token": {
		"realm": realm, "service": service, "issuer": issuer, "jwks": k.jwks,
		"signingalgorithms": []any{string(jose.ES256)},
	}}
}

// knows is the user whose Basic credential the request carries.
func (k *keys) knows(r *http.Request) (user, bool) {
	name, password, ok := r.BasicAuth()
	for _, u := range []user{k.ci, k.dev} {
		sameName := subtle.ConstantTimeCompare([]byte(name), []byte(u.name))
		if ok && subtle.ConstantTimeCompare([]byte(password), []byte(u.password))&sameName == 1 {
			return u, true
		}
	}
	return user{}, false
}

// entitled tells whether the request carries a Basic credential of the lab.
func (k *keys) entitled(r *http.Request) bool { _, ok := k.knows(r); return ok }

func randomHex(bytes int) string {
	b := make([]byte, bytes)
	_, _ = rand.Read(b) // documented never to fail
	return hex.EncodeToString(b)
}
