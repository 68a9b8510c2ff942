// SPDX-License-Identifier: Apache-2.0

package token

import (
	"bytes"
	"context"
	"fmt"
	"strings"

	"github.com/go-jose/go-jose/v4"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/probe"
	"github.com/regproof/regproof/wire"
)

// Structure shows tokens of forms that two readers may read in two ways.
var Structure = probe.Probe{
	ID:    "token/structure",
	Title: "A token of a confusing form opens nothing",
	Why: "One part of a verifier decides whether to look at a signature, and another reads the claims. " +
		"Where both do not read the same token, or an error is taken for a yes, nothing was verified.",
	How: []string{
		"a header with two algorithms, none first or last; an unsigned token in an unsigned envelope, in one encrypted to the issuer's public key, and in one of five parts that holds nothing; JSON in place of the compact form, its key beside the signature",
		"claims that are no JSON, or whose expiry is none, under a signature that nobody made",
		"a token that everybody is given before and after a forged one, in two headers",
		"where the key of the token service is given, tokens signed with it: expired ones whose exp is a string or too large a number, one without exp, one with a critical extension that nobody knows, and four that have a claim twice, of which the last is another audience, another issuer, an expiry in 2001, and another repository (RFC 7519 section 4: the last one counts, or the token is refused)",
		"what such a registry does not look at in a plain token is left out, since another probe tells it (token/expiry, token/audience, token/issuer, token/repository)",
		"content is a failure; a token that is good and only spelt oddly is not tried",
	},
	Fix:      "Parse a token once and strictly (RFC 8725): refuse members that are there twice, unknown crit, other serialisations and types, and every error.",
	NotWhen:  "Never.",
	Severity: finding.Critical,
	Control:  "token-structure",
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
		forms := m.enveloped(keys)
		if !l.none && !l.stripped {
			forms = append(forms, m.twofold()...)
		}
		forms = append(forms, m.broken()...)
		if !l.other {
			forms = append(forms, m.paired()...)
		}
		odd, why, aside := m.odd(ctx, t)
		return uncontrolled(aside(m.say(present(ctx, t, append(forms, odd...), false))), why)
	},
}

// twofold are headers with two algorithms.
func (m *template) twofold() (forms []form) {
	plain := edited(m.base.header, map[string]any{"alg": nil})
	rest := strings.TrimPrefix(string(plain), "{")
	if rest != "}" {
		rest = "," + rest
	}
	for _, pair := range [][2]string{{"none", m.alg()}, {m.alg(), "none"}} {
		header := fmt.Sprintf(`{"alg":%s,"alg":%s%s`, text(pair[0]), text(pair[1]), rest)
		forms = append(forms, m.made("alg "+pair[0]+" and then "+pair[1]+", not signed", jws{[]byte(header), m.base.payload}.by(unsigned), "One of two members of the same name is checked, and the other is used."))
	}
	return forms
}

// enveloped are unsigned tokens in something else.
func (m *template) enveloped(keys []public) (forms []form) {
	const cause = "What is in an envelope is taken for verified."
	inner := m.base.with(map[string]any{"alg": "none"}).by(unsigned)
	envelope := jws{text(map[string]any{"alg": "none", "cty": "JWT"}), []byte(inner)}
	forms = append(forms, m.made("an unsigned token in an unsigned envelope", envelope.by(unsigned), cause))
	for _, k := range keys {
		if letter := sealed(k, inner); letter != "" {
			forms = append(forms, m.made("an unsigned token encrypted to the issuer's public key", letter, cause))
		}
	}
	header := encode(text(map[string]any{"alg": "dir", "enc": "A128GCM", "cty": "JWT"}))
	forms = append(forms, m.made("five parts, of which none was encrypted", join(header, "", encode(m.junk[:12]), encode([]byte(inner)), encode(m.junk[:16])), cause))
	flat := text(map[string]any{
		"payload": encode(m.base.payload), "protected": encode(text(map[string]any{"alg": m.own.alg})), "header": map[string]any{"jwk": m.jwk(m.kid()), "kid": m.kid()},
		"signature": encode(m.own.sign(encode(text(map[string]any{"alg": m.own.alg})) + "." + encode(m.base.payload))),
	})
	return append(forms, m.made("JSON, its key beside the signature", string(flat), broughtKey))
}

// sealed encrypts to a public key, which everybody can; "" where it cannot be.
func sealed(k public, inner string) string {
	for _, alg := range []jose.KeyAlgorithm{jose.ECDH_ES, jose.RSA_OAEP_256} {
		e, err := jose.NewEncrypter(jose.A256GCM, jose.Recipient{Algorithm: alg, Key: k.key}, (&jose.EncrypterOptions{}).WithContentType("JWT"))
		if err != nil {
			continue
		}
		if o, err := e.Encrypt([]byte(inner)); err == nil {
			if s, err := o.CompactSerialize(); err == nil {
				return s
			}
		}
	}
	return ""
}

// broken are tokens on which a reader may stumble. None is signed well.
func (m *template) broken() []form {
	const cause = "An error while a token is read is taken for a yes."
	never := bytes.Replace(edited(m.base.payload, map[string]any{"exp": "regproof"}), []byte(`"regproof"`), []byte("1e400"), 1)
	return []form{
		m.made("claims that are no JSON, signed at random", jws{m.base.header, []byte("regproof")}.by(bytesOf(m.junk)), cause),
		m.made("exp 1e400, signed at random", jws{m.base.header, never}.by(bytesOf(m.junk)), cause),
	}
}

// paired puts a token that everybody is given beside a forged one: a front may
// verify the one, and the registry behind it read the other.
func (m *template) paired() []form {
	if m.anybody == "" {
		return nil
	}
	const cause = "Of two tokens one is verified, and the other is used."
	forged := m.base.by(bytesOf(m.junk))
	both := func(first, second string) func(*wire.Request) {
		return func(r *wire.Request) {
			r.Header = append(r.Header, [2]string{"Authorization", "Bearer " + first}, [2]string{"Authorization", "Bearer " + second})
		}
	}
	return []form{
		{name: "a token that everybody is given, and a forged one in a second header", token: forged, cause: cause, secret: true, change: both(m.anybody, forged)},
		{name: "a forged token, and one that everybody is given in a second header", token: forged, cause: cause, secret: true, change: both(forged, m.anybody)},
	}
}
