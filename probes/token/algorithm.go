// SPDX-License-Identifier: Apache-2.0

package token

import (
	"context"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"strings"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/probe"
)

// Algorithm lets the header of a token choose how it is verified.
var Algorithm = probe.Probe{
	ID:    "token/algorithm",
	Title: "A token cannot choose how it is verified",
	Why: "A verifier that does what the header says accepts a token that calls itself unsigned, or " +
		"takes the public key, which everybody has, for the secret of an HMAC.",
	How: []string{
		"tokens for the image of alg none in three spellings and of an empty one, unsigned, and once signed at random",
		"HS256 with the issuer's public key as the secret: PEM with and without its last line break, DER, JWK, the whole JWKS, the bare numbers; HS512 with the PEM; HS256 with an empty secret",
		"the key is that of the configuration (tokens.publicKey, tokens.signingKey), or looked for in the header of tokens, at the usual paths of the token service and below the name of the issuer (nine requests at most), in the TLS certificates of the token service and of the registry, and for ECDSA computed from two signatures; where the issuer has one and it is not found, the result is no pass",
	},
	Fix:      "Name the algorithms that the issuer uses in the verifier (distribution: auth.token.signingalgorithms), and let no header add to them.",
	NotWhen:  "Never.",
	Severity: finding.Critical,
	Control:  "token-algorithm",
	Effect:   probe.Read,
	Per:      probe.Once,
	Run: func(ctx context.Context, t *probe.Trial) probe.Result {
		m := templateOf(ctx, t)
		if m.result.Outcome != "" {
			return m.result
		}
		var keys []public
		l := beside(func() { keys = keysOf(ctx, t) }, func() lenient { return lenience(ctx, t) })
		if r, known := l.forging(t); known {
			return r
		}
		hmacs := m.confused(keys)
		return m.confusable(m.say(present(ctx, t, append(m.unsigned(l), hmacs...), false)), keys, len(hmacs))
	},
}

const byHeader = "The header of a token says how it is verified."

// confusable says what HMAC was tried with. Where the issuer has a public key, and
// it was not tried, nothing is proven: the PEM of that key is what the best known
// of these forgeries is made with.
func (m *template) confusable(r probe.Result, keys []public, forms int) probe.Result {
	if r.Outcome != finding.Pass {
		return r
	}
	alg := m.alg()
	switch {
	case len(keys) > 0 && keys[0].strange:
		r.Outcome, r.Observed = finding.Unknown, "unknown"
		r.Reason = "the key of the file (" + keys[0].from + ") does not verify the tokens of the issuer, so that HMAC was tried with another key than the registry has"
	case len(keys) > 0:
		r.Reason += fmt.Sprintf("; HMAC was tried in %d forms, with the public key (%s)", forms, keys[0].from)
	case len(m.tokens()) > 0 && !symmetricAlg(alg):
		r.Outcome, r.Observed = finding.NotChecked, "unknown"
		r.Reason = fmt.Sprintf("HMAC with the public key of the issuer, which signs with %.20q, was not tried: the key was found neither in its tokens, nor where token services publish it, nor in a TLS certificate; "+
			"name its PEM file as tokens.publicKey in the configuration. Tried and denied: %s", alg, r.Reason)
	default:
		r.Reason += "; no public key of the issuer was found, so that HMAC was tried with an empty secret alone"
	}
	return r
}

// symmetricAlg says whether an algorithm has no public key.
func symmetricAlg(alg string) bool {
	return strings.HasPrefix(alg, "HS") || strings.EqualFold(alg, "none") || alg == ""
}

// unsigned are the tokens that call themselves so. Where a missing signature is
// accepted whatever the algorithm, only what is signed says anything.
func (m *template) unsigned(l lenient) (forms []form) {
	add := func(name string, alg any, s signer) {
		forms = append(forms, m.made(name, m.base.with(map[string]any{"alg": alg}).by(s), byHeader))
	}
	add("alg none, signed at random", "none", bytesOf(m.junk))
	if l.stripped {
		return forms
	}
	forms = append(forms, m.none())
	for _, alg := range []string{"None", "nOnE", ""} {
		add(fmt.Sprintf("alg %q, not signed", alg), alg, unsigned)
	}
	if real, ok := m.faithful(); ok {
		forms = append(forms, form{name: "alg none with the claims of a real token, not signed", token: real.with(map[string]any{"alg": "none"}).by(unsigned), cause: byHeader, secret: true})
	}
	return forms
}

// confused are the tokens whose HMAC is made with what everybody knows.
func (m *template) confused(keys []public) (forms []form) {
	add := func(alg, name string, secret []byte) {
		forms = append(forms, m.made(alg+" with "+name+" for the secret", m.base.with(map[string]any{"alg": alg}).by(symmetric(alg, secret)), byHeader))
	}
	add("HS256", "nothing", nil)
	tried := map[string]bool{}
	once := func(alg string, s spelling) {
		if key := alg + string(s.bytes); !tried[key] {
			tried[key] = true
			add(alg, s.name, s.bytes)
		}
	}
	for _, k := range keys {
		for _, s := range k.spellings() {
			once("HS256", s)
		}
		if s := k.spellings(); len(s) > 0 {
			once("HS512", s[0])
		}
	}
	return forms
}

type spelling struct {
	name  string
	bytes []byte
}

// spellings are the forms of a public key that a verifier may have at hand.
func (k public) spellings() (out []spelling) {
	if der, err := x509.MarshalPKIXPublicKey(k.key); err == nil {
		text := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
		out = append(out,
			spelling{"the public key in PEM", text},
			spelling{"the public key in PEM without its last line break", []byte(strings.TrimSpace(string(text)))},
			spelling{"the public key in DER", der},
		)
	}
	switch key := k.key.(type) {
	case *rsa.PublicKey:
		out = append(out,
			spelling{"the public key in PEM of PKCS #1", pem.EncodeToMemory(&pem.Block{Type: "RSA PUBLIC KEY", Bytes: x509.MarshalPKCS1PublicKey(key)})},
			spelling{"the modulus", key.N.Bytes()})
	case *ecdsa.PublicKey:
		if raw, err := key.ECDH(); err == nil { // 4, x, y
			out = append(out, spelling{"the point of the public key", raw.Bytes()})
		}
	}
	if k.raw != nil {
		out = append(out, spelling{"the JWK", k.raw})
	}
	if k.set != nil {
		out = append(out, spelling{"the JWKS", k.set})
	}
	if k.file != nil {
		out = append(out, spelling{"the file of the public key", k.file})
	}
	if k.certificate != nil {
		out = append(out, spelling{"the certificate in PEM", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: k.certificate})})
	}
	return out
}
