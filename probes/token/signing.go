// SPDX-License-Identifier: Apache-2.0

package token

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"fmt"
	"maps"
	"strings"

	"github.com/regproof/regproof/probe"
)

// signed makes a token with the key of the token service, where the
// configuration gives it: good in all but what is changed. It is a secret until
// it was refused, and after.
func (m *template) signed(t *probe.Trial, name, cause string, claims, header map[string]any) (form, bool) {
	s := t.Signing()
	if s == nil {
		return form{}, false
	}
	p := pair{algorithmOf(s.Key, m.alg()), s.Key}
	h := map[string]any{"alg": p.alg}
	if s.KeyID != "" {
		h["kid"] = s.KeyID
	}
	maps.Copy(h, header)
	token := m.base.with(h).claiming(claims).by(p.sign)
	return form{name: name, token: token, cause: cause, with: "a token that its issuer would not make", secret: true}, true
}

// algorithmOf is what a key signs with: the issuer's own algorithm where it can.
func algorithmOf(key crypto.Signer, alg string) string {
	switch k := key.(type) {
	case *rsa.PrivateKey:
		if strings.HasPrefix(alg, "RS") || strings.HasPrefix(alg, "PS") {
			return alg
		}
		return "RS256"
	case ed25519.PrivateKey:
		return "EdDSA"
	case *ecdsa.PrivateKey:
		switch n := k.Curve.Params().BitSize; n {
		case 384:
			return "ES384"
		case 521:
			return "ES512"
		case 256:
			return "ES256"
		default:
			return fmt.Sprintf("an unknown curve of %d bits", n)
		}
	}
	return alg
}
