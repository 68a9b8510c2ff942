// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"

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
	user, password string
	signing        *ecdsa.PrivateKey // of tokens
	secret         string            // of upload locations and presigned URLs
	htpasswd, jwks string            // paths
}

func newKeys(dir string) (*keys, error) {
	k := &keys{user: "ci", password: randomHex(12), secret: randomHex(16)}
	hash, err := bcrypt.GenerateFromPassword([]byte(k.password), bcrypt.MinCost)
	if err != nil {
		return nil, err
	}
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
	if err := os.WriteFile(k.htpasswd, append([]byte(k.user+":"), append(hash, '\n')...), 0o600); err != nil {
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

// entitled tells whether the request carries the entitled Basic credential.
func (k *keys) entitled(r *http.Request) bool {
	user, password, ok := r.BasicAuth()
	sameUser := subtle.ConstantTimeCompare([]byte(user), []byte(k.user))
	return subtle.ConstantTimeCompare([]byte(password), []byte(k.password))&sameUser == 1 && ok
}

func randomHex(bytes int) string {
	b := make([]byte, bytes)
	_, _ = rand.Read(b) // documented never to fail
	return hex.EncodeToString(b)
}
