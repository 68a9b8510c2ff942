// SPDX-License-Identifier: Apache-2.0

package token

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/hex"
	"maps"
	"strings"
	"time"
)

// withWorkload is what a token of a workload is called in findings.
const withWorkload = "a workload's token that must be refused"

// What brokers and registries do wrong with the tokens of workloads.
const (
	unverifiedWorkload = "The signature of the workload's token is not verified with the keys of its issuer."
	anyIssuer          = "The issuer is not compared with the one that is trusted."
	anyAudience        = "The audience is not compared: a token that was made for something else is good here."
	anyTime            = "The time of the token is not looked at."
	looseSubject       = "The rule for subjects is wider than the workload that it is for: a prefix, a wildcard or a part of the claims."
)

// unkeyed are forgeries for which nobody's key is needed. All but the last carry
// the claims of a workload that is let in: they open what only a signature holds
// shut.
func (w *workload) unkeyed(nonce string) []form {
	unsignedBase := w.base.with(map[string]any{"alg": "none"})
	own := w.base.with(map[string]any{"alg": w.own.alg})
	made := func(name, token, cause string) form { return w.form(name, token, cause) }
	out := []form{
		made("alg none, not signed", unsignedBase.by(unsigned), "The header of a token says how it is verified."),
		made("alg nOnE, not signed", w.base.with(map[string]any{"alg": "nOnE"}).by(unsigned), "The header of a token says how it is verified."),
		made("the signature left out", w.base.by(unsigned), unverifiedWorkload),
		made("signed by a key that the issuer does not have, under the name of its own", own.by(w.own.sign), unverifiedWorkload),
		made("signed by a key that the issuer does not have, under another name", own.with(map[string]any{"kid": nonce}).by(w.own.sign),
			unverifiedWorkload+" Where the keys cannot be had, or lack this one, it must be refused."),
		made("an issuer that nobody knows, with a key of its own", own.with(map[string]any{"kid": nonce}).
			claiming(map[string]any{"iss": "https://issuer.regproof.invalid"}).by(w.own.sign), anyIssuer),
		made("an unsigned token in an unsigned envelope", jws{text(map[string]any{"alg": "none", "cty": "JWT"}), []byte(unsignedBase.by(unsigned))}.by(unsigned),
			"What is in an envelope is taken for verified."),
		made("another subject under the old signature", join(w.jwt.RawHeader, encode(w.base.claiming(map[string]any{"sub": w.jwt.Text("sub") + alike}).payload), w.jwt.RawSignature), unverifiedWorkload),
	}
	for i := range out {
		out[i].layer = i < maxLayers
	}
	return out
}

// keyed are those that only the issuer can make: with the key of a test issuer.
func (w *workload) keyed(now time.Time, meant []string) []form {
	fresh := w.renewed(now)
	made := func(name, cause string, change map[string]any) form {
		return w.form(name, fresh.claiming(change).by(w.trusted.sign), cause)
	}
	issuer, audience := w.jwt.Text("iss"), w.audience()
	hour := now.Add(time.Hour).Unix()
	past := now.Add(-time.Hour).Unix()
	out := []form{
		made("another audience", anyAudience, map[string]any{"aud": "https://regproof-other.example"}),
		made("no audience", anyAudience, map[string]any{"aud": nil}),
		made("an audience that begins alike", anyAudience, map[string]any{"aud": audience + ".evil.example"}),
		made("another issuer with the key of the right one", anyIssuer, map[string]any{"iss": "https://issuer.regproof.invalid"}),
		made("an issuer that begins alike, with the key of the right one", anyIssuer, map[string]any{"iss": issuer + ".evil.example"}),
		made("over for an hour", anyTime, map[string]any{"iat": past - 300, "nbf": past - 300, "exp": past}),
		made("not valid before an hour from now", anyTime, map[string]any{"iat": hour, "nbf": hour, "exp": hour + 300}),
		made("without an end", anyTime, map[string]any{"exp": nil}),
		made("no subject", looseSubject, map[string]any{"sub": nil}),
	}
	for _, o := range outsiders(w.jwt.Text("sub")) {
		if o.subject != w.jwt.Text("sub") && !admitted(o.subject, meant) {
			out = append(out, made("the subject of "+o.name, looseSubject, w.of(o)))
		}
	}
	return out
}

// of is the change of claims for a subject: those that the token does not have
// stay away.
func (w *workload) of(o outsider) map[string]any {
	out := map[string]any{"sub": o.subject}
	for k, v := range o.claims {
		if _, has := w.jwt.Claims[k]; has {
			out[k] = v
		}
	}
	return out
}

// renewed is the workload's token as the issuer would make it now.
func (w *workload) renewed(now time.Time) jws {
	claims := maps.Clone(w.jwt.Claims)
	claims["iat"], claims["exp"], claims["jti"] = now.Unix()-1, now.Add(5*time.Minute).Unix(), hex.EncodeToString(random(16))
	if _, has := claims["nbf"]; has {
		claims["nbf"] = now.Unix() - 1
	}
	return jws{w.base.header, text(claims)}.with(map[string]any{"alg": w.trusted.alg})
}

func (w *workload) audience() string {
	switch a := w.jwt.Claims["aud"].(type) {
	case string:
		return a
	case []any:
		for _, one := range a {
			if s, ok := one.(string); ok {
				return s
			}
		}
	}
	return ""
}

func (w *workload) form(name, token, cause string) form {
	if w.several {
		name = w.id.Name + ": " + name
	}
	return form{name: name, token: token, cause: cause, with: withWorkload, secret: true}
}

// named is the forgery of that name.
func (w *workload) named(name string) form {
	for _, fo := range w.forms {
		if fo.name == name {
			return fo
		}
	}
	return form{}
}

// pairOf is a key with the algorithm that its issuer uses with it.
func pairOf(key crypto.Signer, alg string) pair {
	switch k := key.(type) {
	case *rsa.PrivateKey:
		if !strings.HasPrefix(alg, "RS") && !strings.HasPrefix(alg, "PS") {
			alg = "RS256"
		}
	case ed25519.PrivateKey:
		alg = "EdDSA"
	case *ecdsa.PrivateKey:
		alg = map[int]string{384: "ES384", 521: "ES512"}[k.Curve.Params().BitSize]
		if alg == "" {
			alg = "ES256"
		}
	}
	return pair{alg, key}
}
