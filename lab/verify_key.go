// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/hmac"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"path"
	"regexp"
	"strings"

	"github.com/go-jose/go-jose/v4"
)

// signed tells whether the signature is good, as far as the verifier looks.
func (v *verifier) signed(ctx context.Context, j jws) error {
	check, alg := text(j.header.first("alg")), text(j.header.last("alg"))
	if v.has(checksLast) {
		check, alg = alg, check
	}
	twice := j.header.twice() && !v.has(checksFirst|checksLast|checksFirstName)
	if twice || (j.header.first("crit") != nil && !v.has(ignoresCritical)) {
		return errToken
	}
	known := check == "ES256" || check == "RS256"
	switch {
	case v.has(takesNone) && strings.EqualFold(alg, "none"), v.has(checksFirst|checksLast) && known && alg == "none":
		return nil
	case v.has(takesHMAC) && alg == "HS256":
		return v.publicSecret(j)
	case v.has(readsKeyFile|readsAnyFile|checksFirstName) && alg == "HS256":
		return v.secretFile(j)
	case v.has(selectsKey) && alg == "HS256":
		return selected(j)
	case !known:
		return errToken
	}
	key, err := v.key(ctx, j)
	if err != nil || key == nil || v.has(ignoresSignature) || (v.has(takesStripped) && len(j.signature) == 0) {
		return err
	}
	return verifySignature(alg, key, j)
}

// verifySignature checks ES256 and RS256 (RFC 7518 sections 3.3 and 3.4).
func verifySignature(alg string, key any, j jws) error {
	sum := sha256.Sum256([]byte(j.signing))
	switch k := key.(type) {
	case *ecdsa.PublicKey:
		if alg == "ES256" && len(j.signature) == 64 &&
			ecdsa.Verify(k, sum[:], new(big.Int).SetBytes(j.signature[:32]), new(big.Int).SetBytes(j.signature[32:])) {
			return nil
		}
	case *rsa.PublicKey:
		if alg == "RS256" {
			return rsa.VerifyPKCS1v15(k, crypto.SHA256, sum[:], j.signature)
		}
	}
	return errToken
}

// key is the one to verify with: a trusted one by its kid, or what the header
// offers to a verifier that takes it.
func (v *verifier) key(ctx context.Context, j jws) (any, error) {
	kid := text(j.header.first("kid"))
	if key, err := v.offered(ctx, j, kid); key != nil || err != nil {
		return key, err
	}
	if k, ok := v.trusts(kid); ok {
		return k.Key, nil
	}
	if v.missing != nil {
		return v.missing(ctx, kid)
	}
	return nil, errToken
}

func (v *verifier) trusts(kid string) (jose.JSONWebKey, bool) {
	all := v.keys.trusted
	if v.trusted != nil {
		all = v.trusted
	}
	for _, k := range all() {
		if k.KeyID == kid {
			return k, true
		}
	}
	return jose.JSONWebKey{}, false
}

// offered is a key that the header brings or names, nil when the verifier does
// not look there.
func (v *verifier) offered(ctx context.Context, j jws, kid string) (any, error) {
	if raw := j.header.first("jwk"); raw != nil && v.has(takesEmbedded|takesAnyEmbedded) {
		var k jose.JSONWebKey
		if err := json.Unmarshal(raw, &k); err != nil {
			return nil, err
		}
		// CVE-2025-24976: the kid is looked up, and the key beside it is used.
		_, trusted := v.trusts(k.KeyID)
		if !trusted {
			_, trusted = v.trusts(kid)
		}
		if v.has(takesAnyEmbedded) || trusted {
			return k.Key, nil
		}
	}
	var chain []string
	if raw := j.header.first("x5c"); raw != nil && v.has(takesChain) && json.Unmarshal(raw, &chain) == nil && len(chain) > 0 {
		der, err := base64.StdEncoding.DecodeString(chain[0])
		if err != nil {
			return nil, err
		}
		return certified(der)
	}
	if at := text(j.header.first("jku")); at != "" && v.has(fetchesSet) {
		return setAt(ctx, at, kid, false)
	}
	if at := text(j.header.first("x5u")); at != "" && v.has(fetchesChain) {
		return chainAt(ctx, at)
	}
	return nil, nil
}

func certified(der []byte) (any, error) {
	c, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	return c.PublicKey, nil
}

// publicSecret: every form in which the public key is to be had is tried as the
// secret of HS256.
func (v *verifier) publicSecret(j jws) error {
	k, ok := v.trusts(text(j.header.first("kid")))
	if !ok {
		return errToken
	}
	der, err := x509.MarshalPKIXPublicKey(k.Key)
	if err != nil {
		return err
	}
	one, err := json.Marshal(k)
	if err != nil {
		return err
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	for _, secret := range [][]byte{text, text[:len(text)-1], der, one, v.keys.set()} {
		if authentic(secret, j) {
			return nil
		}
	}
	return errToken
}

// contents are the files of this machine that are read, if one may say so, and what is
// in them.
var contents = map[flaw]map[string]string{
	readsKeyFile: {"/dev/null": ""}, checksFirstName: {"/dev/null": ""},
	readsAnyFile: {"/proc/sys/kernel/ostype": "Linux\n"},
}

// secretFile: kid is a path below the directory of the secrets, or should be.
func (v *verifier) secretFile(j jws) error {
	at := text(j.header.last("kid"))
	if _, ok := v.trusts(text(j.header.first("kid"))); v.has(checksFirstName) && !ok {
		return errToken
	}
	if !path.IsAbs(at) {
		at = path.Join("/keys", at)
	}
	for f, all := range contents {
		if secret, ok := all[path.Clean(at)]; ok && v.has(f) && authentic([]byte(secret), j) {
			return nil
		}
	}
	return errToken
}

// union is what a kid has to be for SELECT key FROM keys WHERE id = '...' to give
// what it holds itself.
var union = regexp.MustCompile(`^[^']*' (?i:union select) '([^']*)'\s*--\s`)

// selected: the secret is what the query says.
func selected(j jws) error {
	if found := union.FindStringSubmatch(text(j.header.first("kid"))); found != nil && authentic([]byte(found[1]), j) {
		return nil
	}
	return errToken
}

func authentic(secret []byte, j jws) bool {
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(j.signing))
	return hmac.Equal(mac.Sum(nil), j.signature)
}
