// SPDX-License-Identifier: Apache-2.0

package token

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"fmt"
	"maps"
	"strings"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/probe"
)

// signed makes a token with the key of the token service, where the
// configuration gives it: good in all but what is changed. It is a secret until
// it was refused, and after.
func (m *template) signed(t *probe.Trial, name, cause string, claims, header map[string]any) (form, bool) {
	return m.signedOver(t, name, cause, m.base.claiming(claims).payload, header)
}

// signedOver is the same for a payload as it stands.
func (m *template) signedOver(t *probe.Trial, name, cause string, payload []byte, header map[string]any) (form, bool) {
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
	token := jws{m.base.with(h).header, payload}.by(p.sign)
	return form{name: name, token: token, cause: cause, with: "a token that its issuer would not make", secret: true}, true
}

// signs says why what the given key signs proves nothing, "" where it does or none
// is given: a token that is good in all is taken, so that the denial of another one
// is for what is wrong in it.
func (m *template) signs(ctx context.Context, t *probe.Trial) string {
	return probe.Remember(t, "token/signs", func() string {
		good, ok := m.signed(t, "signed well, and good", "", nil, nil)
		if !ok || t.Planning() || opens(ctx, t, good, t.Plain()) {
			return ""
		}
		return "no control: a token that tokens.signingKey signs and that is good in all is not taken either, so tokens that it signs prove nothing"
	})
}

// signable are the tokens that the given key signs, if what it signs proves
// anything; why says that it does not.
func (m *template) signable(ctx context.Context, t *probe.Trial, forms []form) (out []form, why string) {
	if len(forms) == 0 {
		return nil, ""
	}
	if why := m.signs(ctx, t); why != "" {
		return nil, why
	}
	return forms, ""
}

// uncontrolled turns a pass into none where no key was of use.
func uncontrolled(r probe.Result, why string) probe.Result {
	if why != "" && r.Outcome == finding.Pass {
		r.Outcome, r.Observed, r.Reason = finding.Unknown, "unknown", why
	}
	return r
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
