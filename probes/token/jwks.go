// SPDX-License-Identifier: Apache-2.0

package token

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"

	"github.com/regproof/regproof/login"
	"github.com/regproof/regproof/probe"
)

// public is a key of the issuer as anybody can have it.
type public struct {
	key         crypto.PublicKey
	raw         []byte // the JWK as it was published, nil when it was not
	set         []byte // the document in which it was
	certificate []byte // DER, nil without one
	file        []byte // in which it was given, nil when it was not
	from        string // where it is from, in the words of a result
	strange     bool   // it was given, and verifies no token of the issuer
}

// maxKeys bounds how many keys of a document are looked at.
const maxKeys = 20

// keysOf finds the public keys of the issuer once: in the configuration, in the
// header of its tokens, where token services publish them (nine requests at most),
// in the certificates of the token service and of the registry (two handshakes at
// most), and in the signatures themselves. A key counts when it verifies a token of
// the issuer; where none can be read, when it has a usual place.
func keysOf(ctx context.Context, t *probe.Trial) []public {
	return probe.Remember(t, "token/keys", func() []public {
		m := templateOf(ctx, t)
		var out, leaves []public
		together(func() { out = published(ctx, t, &m) }, func() { leaves = certified(ctx, t) })
		said := configured(t)
		found := slices.Concat(said, m.carried(), out)
		tokens := m.tokens()
		if len(tokens) == 0 {
			return found[:min(len(found), 2)]
		}
		// The same key may be had in several forms, each of which a verifier may hold.
		fitting := slices.DeleteFunc(append(found, leaves...), func(k public) bool { return !fits(k.key, tokens) })
		if len(fitting) > 0 {
			return fitting[:min(len(fitting), 4)]
		}
		if len(tokens) == 1 && strings.HasPrefix(m.alg(), "ES") {
			tokens = append(tokens, m.another(ctx, t)...)
		}
		for _, k := range recovered(tokens) {
			if fits(k, tokens) {
				return []public{{key: k, from: "computed from the signatures of two tokens"}}
			}
		}
		for i := range said {
			said[i].strange = true
		}
		return said
	})
}

// another is one more token of the issuer: of one alone no key can be computed.
func (m *template) another(ctx context.Context, t *probe.Trial) []login.JWT {
	g := ask(ctx, t, m.issuer, []wish{{"", probe.Mint{As: t.Entitlement(), Scopes: []string{t.Scope("pull")}}}})[0]
	if g.JWT == nil || len(g.Token) > maxTemplate || slices.ContainsFunc(m.tokens(), func(j login.JWT) bool { return j.RawSignature == g.JWT.RawSignature }) {
		return nil // of one token handed out twice both candidates verify
	}
	return []login.JWT{*g.JWT}
}

// tokens are those of the issuer that can be read.
func (m *template) tokens() (out []login.JWT) {
	if m.real != "" {
		out = append(out, m.jwt)
	}
	if m.stranger != nil {
		out = append(out, *m.stranger)
	}
	return out
}

// fits says whether a key verifies one of the tokens.
func fits(key crypto.PublicKey, tokens []login.JWT) bool {
	return slices.ContainsFunc(tokens, func(j login.JWT) bool { return verifiesToken(key, j) })
}

func verifiesToken(key crypto.PublicKey, j login.JWT) bool {
	alg, _ := j.Header["alg"].(string)
	signature, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(j.RawSignature, "="))
	return err == nil && verifies(key, alg, j.RawHeader+"."+j.RawPayload, signature)
}

// carried are the keys that tokens bring along (RFC 7515 sections 4.1.3, 4.1.6).
func (m *template) carried() (out []public) {
	for _, j := range m.tokens() {
		if raw := j.Header["jwk"]; raw != nil {
			out = append(out, parseKey(text(raw), nil, "in the header of its tokens")...)
		}
		chain, _ := j.Header["x5c"].([]any)
		if len(chain) == 0 {
			continue
		}
		first, _ := chain[0].(string)
		der, err := base64.StdEncoding.DecodeString(first)
		if err != nil {
			continue
		}
		if c, err := x509.ParseCertificate(der); err == nil && asymmetric(c.PublicKey) {
			out = append(out, public{key: c.PublicKey, certificate: der, from: "in the header of its tokens"})
		}
	}
	return out
}

// named is the path of the keys that a discovery document names, "" unless they
// are on the same host.
func named(doc []byte, at *url.URL) string {
	var d struct {
		Keys string `json:"jwks_uri"`
	}
	if json.Unmarshal(doc, &d) != nil {
		return ""
	}
	u, err := at.Parse(d.Keys)
	if err != nil || d.Keys == "" || !strings.EqualFold(u.Host, at.Host) || u.Scheme != at.Scheme {
		return ""
	}
	return u.EscapedPath()
}

func parseSet(doc []byte, from string) (out []public) {
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if json.Unmarshal(doc, &set) != nil {
		return nil
	}
	for _, raw := range set.Keys[:min(len(set.Keys), maxKeys)] {
		out = append(out, parseKey(raw, doc, from)...)
	}
	return out
}

// parseKey reads one public key; what is no such key is left out.
func parseKey(raw, set []byte, from string) []public {
	var k jose.JSONWebKey
	if json.Unmarshal(raw, &k) != nil || !k.Valid() || !k.IsPublic() || !asymmetric(k.Key) {
		return nil
	}
	return []public{{key: k.Key, raw: raw, set: set, from: from}}
}

func asymmetric(key any) bool {
	switch k := key.(type) {
	case *rsa.PublicKey:
		return k.N.BitLen() <= maxModulus
	case *ecdsa.PublicKey, ed25519.PublicKey:
		return true
	}
	return false
}

// maxModulus is the largest RSA key that is tried, in bits: it takes its time.
const maxModulus = 8192
