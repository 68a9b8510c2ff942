// SPDX-License-Identifier: Apache-2.0

package token

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"maps"
	"net/url"
	"strings"
	"time"

	"github.com/regproof/regproof/login"
	"github.com/regproof/regproof/probe"
)

// template is what a token for the image looks like at this issuer.
type template struct {
	issuer   probe.Issuer
	real     string     // the token of who may read the image, "" when it cannot be had or read
	jwt      login.JWT  // the same, read
	stranger *login.JWT // what a stranger is given, nil when it cannot be had or read
	anybody  string     // the same as it stands
	base     jws        // to forge from: for the image, not signed yet; by a made-up subject, where the issuer's tokens say what they are for
	secret   bool       // base holds claims that may tell of a user
	own      pair       // a key of our own, for the same algorithm
	junk     []byte     // a signature of the right length that nobody made
	result   probe.Result
}

// maxTemplate is how large a token may be to be taken for a template, in bytes:
// dozens are made like it.
const maxTemplate = 8 << 10

// jws is a token before it is signed. Its parts are JSON texts, so that forms
// which no library makes can be made.
type jws struct{ header, payload []byte }

// templateOf finds it once for all probes of an image at an endpoint. Its result
// says why there is nothing to ask.
func templateOf(ctx context.Context, t *probe.Trial) template {
	return probe.Remember(t, "token/template", func() template {
		m := template{}
		if m.issuer, m.result = t.Issuer(ctx); m.result.Outcome != "" {
			return m
		}
		var anybody string
		own := beside(func() { anybody, _, _ = t.Token(ctx, nil) }, func() (own string) {
			if id := t.Entitlement(); id != nil {
				own, _, _ = t.Token(ctx, id)
			}
			return own
		})
		if j, err := login.ParseJWT(own); err == nil && len(own) <= maxTemplate {
			m.real, m.jwt = own, j
		}
		if j, err := login.ParseJWT(anybody); err == nil && len(anybody) <= maxTemplate {
			m.stranger, m.anybody = &j, anybody
		}
		m.shape(t)
		return m
	})
}

// shape makes the base of the forgeries.
func (m *template) shape(t *probe.Trial) {
	header, claims := map[string]any{"typ": "JWT", "alg": "ES256"}, map[string]any{"iss": m.guessed(), "aud": m.issuer.Service}
	switch {
	case m.real != "":
		header, claims = maps.Clone(m.jwt.Header), maps.Clone(m.jwt.Claims)
	case m.stranger != nil:
		header, claims = maps.Clone(m.stranger.Header), maps.Clone(m.stranger.Claims)
	}
	now, end := time.Now().Unix(), int64(0)
	for _, key := range []string{"iat", "nbf"} {
		if _, ok := claims[key]; !ok {
			claims[key] = now - 300 // clocks differ by minutes
		}
	}
	if n, ok := claims["exp"].(json.Number); ok {
		end, _ = n.Int64()
	}
	claims["exp"], claims["jti"] = max(end, now+300), hex.EncodeToString(random(16))
	if _, ok := m.jwt.Grants(); m.real != "" && !ok { // what its subject may do decides, and a made-up one may do nothing
		m.secret = true
	} else {
		claims["sub"], claims["access"] = t.Nonce(), []any{allows(t.Name(t.Repository()), "pull")}
	}
	for key := range claims {
		m.secret = m.secret || !harmless[key]
	}
	m.base = jws{text(header), text(claims)}
	alg, _ := header["alg"].(string)
	m.own = newPair(alg)
	m.junk = random(64)
	if n := len(m.signature()); n >= 32 {
		m.junk = random(n)
	}
}

// harmless are the claims that are the issuer's, or that are made up here.
var harmless = map[string]bool{"iss": true, "aud": true, "exp": true, "iat": true, "nbf": true, "jti": true, "sub": true, "access": true}

// guessed is what an issuer of which no token can be read may be called: the
// host of its realm.
func (m *template) guessed() string {
	if u, err := url.Parse(m.issuer.Realm); err == nil && u.Hostname() != "" {
		return u.Hostname()
	}
	return m.issuer.Service
}

// signature is that of a token which the issuer made, nil without one.
func (m *template) signature() []byte {
	raw := m.jwt.RawSignature
	if m.real == "" && m.stranger != nil {
		raw = m.stranger.RawSignature
	}
	b, _ := base64.RawURLEncoding.DecodeString(strings.TrimRight(raw, "="))
	return b
}

// alg is the algorithm of the issuer.
func (m *template) alg() string { s, _ := m.base.get("alg").(string); return s }

// kid is the name of the issuer's key, "" when its tokens name none.
func (m *template) kid() string { s, _ := m.base.get("kid").(string); return s }

// faithful is the token of who may read the image as it could be signed anew:
// with all its claims, and the real subject. It is a secret.
func (m *template) faithful() (jws, bool) {
	if m.real == "" {
		return jws{}, false
	}
	return jws{text(m.jwt.Header), text(m.jwt.Claims)}, true
}

// allows is one entry of an access claim (distribution docs/spec/auth/jwt.md).
func allows(name string, actions ...string) map[string]any {
	return map[string]any{"type": "repository", "name": name, "actions": actions}
}

// get is a member of the header.
func (j jws) get(key string) any { return object(j.header)[key] }

// header changes members of the header; nil takes one away.
func (j jws) with(change map[string]any) jws { return jws{edited(j.header, change), j.payload} }

// claiming changes claims; nil takes one away.
func (j jws) claiming(change map[string]any) jws { return jws{j.header, edited(j.payload, change)} }

// input is what is signed.
func (j jws) input() string { return encode(j.header) + "." + encode(j.payload) }

// by is the token, signed.
func (j jws) by(s signer) string { return j.input() + "." + encode(s(j.input())) }

func edited(doc []byte, change map[string]any) []byte {
	m := object(doc)
	for k, v := range change {
		if v == nil {
			delete(m, k)
		} else {
			m[k] = v
		}
	}
	return text(m)
}

func object(doc []byte) map[string]any {
	m := map[string]any{}
	d := json.NewDecoder(bytes.NewReader(doc))
	d.UseNumber()
	_ = d.Decode(&m) // of what text made
	return m
}

func text(v any) []byte {
	b, _ := json.Marshal(v) // of maps of plain values
	return b
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // documented never to fail
	return b
}
