// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"sync"

	"github.com/distribution/distribution/v3/configuration"
	"github.com/go-jose/go-jose/v4"
)

const (
	realmName = "regproof lab" // Basic realm
	service   = "regproof-lab" // token service and audience
	issuer    = "regproof-lab-issuer"
	// otherIssuer signs with the same key, for other registries. It answers at
	// /other/token of the doors that verify tokens themselves.
	otherIssuer = "regproof-lab-other"
	keyID1      = "lab-1"
	keyID2      = "lab-2"
)

// keys are a lab's secrets and the files in which distribution reads them.
type keys struct {
	ci, dev        user
	signing        *ecdsa.PrivateKey               // of tokens
	rsa            func() (*rsa.PrivateKey, error) // the second one, made when it is wanted
	secret         string                          // of upload locations and presigned URLs
	htpasswd, jwks string                          // paths

	mu   sync.Mutex
	gone []string // names of the revoked
}

func newKeys(dir string) (*keys, error) {
	k := &keys{
		secret: randomHex(16), htpasswd: filepath.Join(dir, "htpasswd"), jwks: filepath.Join(dir, "jwks.json"),
		rsa: sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) }),
	}
	var err error
	if k.ci, err = newUser("ci", everything); err != nil {
		return nil, err
	}
	if k.dev, err = newUser("dev", pullsTeamB); err != nil {
		return nil, err
	}
	if k.signing, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		return nil, err
	}
	set, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{k.public()}})
	if err != nil {
		return nil, err
	}
	if err := k.writePasswords(); err != nil {
		return nil, err
	}
	return k, os.WriteFile(k.jwks, set, 0o600)
}

// SigningKey is what the token services of this lab sign with, and the name by
// which registries know it: whoever tests can make a token of any kind.
func (l *Lab) SigningKey() (keyID string, key crypto.Signer) { return keyID1, l.keys.signing }

// public is the key that every registry of the lab trusts.
func (k *keys) public() jose.JSONWebKey {
	return jose.JSONWebKey{Key: k.signing.Public(), KeyID: keyID1, Algorithm: string(jose.ES256), Use: "sig"}
}

// trusted are all the keys that a registry trusts which verifies by itself:
// distribution takes the first one alone.
func (k *keys) trusted() []jose.JSONWebKey {
	second, err := k.rsa()
	if err != nil {
		return []jose.JSONWebKey{k.public()}
	}
	return []jose.JSONWebKey{k.public(), {Key: second.Public(), KeyID: keyID2, Algorithm: string(jose.RS256), Use: "sig"}}
}

// set is the document in which the token service publishes them.
func (k *keys) set() []byte {
	set, _ := json.Marshal(jose.JSONWebKeySet{Keys: k.trusted()}) // public keys that were made here
	return set
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

func randomHex(bytes int) string {
	b := make([]byte, bytes)
	_, _ = rand.Read(b) // documented never to fail
	return hex.EncodeToString(b)
}
