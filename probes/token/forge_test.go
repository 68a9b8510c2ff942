// SPDX-License-Identifier: Apache-2.0

package token_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"net/url"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/regproof/regproof/login"
	"github.com/regproof/regproof/probes/token"
)

// minted is a token over a payload, by the package's own signer.
func minted(t *testing.T, alg, payload string, sign func(string) []byte) (string, login.JWT) {
	t.Helper()
	enc := base64.RawURLEncoding
	input := enc.EncodeToString([]byte(`{"alg":"`+alg+`"}`)) + "." + enc.EncodeToString([]byte(payload))
	s := input + "." + enc.EncodeToString(sign(input))
	j, err := login.ParseJWT(s)
	if err != nil {
		t.Fatal(err)
	}
	return s, j
}

// TestPairs: what is signed here is what others verify.
func TestPairs(t *testing.T) {
	for _, alg := range []string{"ES256", "ES384", "ES512", "RS256", "PS384", "EdDSA", "none", ""} {
		key, used, sign := token.Pair(alg)
		s, j := minted(t, used, `{"sub":"a"}`, sign)
		parsed, err := jose.ParseSigned(s, []jose.SignatureAlgorithm{jose.SignatureAlgorithm(used)})
		if err != nil {
			t.Fatalf("%s: %v", alg, err)
		}
		if _, err := parsed.Verify(key.Public()); err != nil {
			t.Errorf("%s: %v", alg, err)
		}
		if !token.Verifies(key.Public(), j) {
			t.Errorf("%s is not verified here", alg)
		}
		j.RawPayload = base64.RawURLEncoding.EncodeToString([]byte(`{"sub":"b"}`))
		if token.Verifies(key.Public(), j) {
			t.Errorf("%s: another payload is verified", alg)
		}
	}
}

// TestRecovered: two signatures tell the key of ECDSA, and one does not.
func TestRecovered(t *testing.T) {
	for _, alg := range []string{"ES256", "ES384", "ES512"} {
		key, _, sign := token.Pair(alg)
		_, one := minted(t, alg, `{"sub":"a"}`, sign)
		_, two := minted(t, alg, `{"sub":"b"}`, sign)
		got := token.Recovered(one, two)
		if len(got) != 1 || !key.Public().(*ecdsa.PublicKey).Equal(got[0]) {
			t.Errorf("%s: %v", alg, got)
		}
		if got := token.Recovered(one); got != nil {
			t.Errorf("%s: of one token: %v", alg, got)
		}
		_, _, other := token.Pair(alg)
		if _, three := minted(t, alg, `{"sub":"c"}`, other); len(token.Recovered(one, three)) > 0 {
			t.Errorf("%s: a key for the tokens of two", alg)
		}
	}
	_, odd := minted(t, "ES256", `{"sub":"a"}`, func(string) []byte { return make([]byte, 64) })
	if got := token.Recovered(odd, odd); got != nil {
		t.Errorf("of zeros: %v", got)
	}
}

func FuzzRecovered(f *testing.F) {
	f.Add(make([]byte, 64), "ES256")
	f.Fuzz(func(t *testing.T, signature []byte, alg string) {
		j := login.JWT{Header: map[string]any{"alg": alg}, RawHeader: "e30", RawPayload: "e30", RawSignature: base64.RawURLEncoding.EncodeToString(signature)}
		token.Recovered(j, j)
	})
}

func jwk(t *testing.T, key any, kid string) string {
	t.Helper()
	b, err := json.Marshal(jose.JSONWebKey{Key: key, KeyID: kid})
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestKeys(t *testing.T) {
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	good := jwk(t, ec.Public(), "a")
	huge := jwk(t, &rsa.PublicKey{N: new(big.Int).Lsh(big.NewInt(1), 9000), E: 65537}, "huge")
	for _, c := range []struct {
		name, doc string
		n         int
	}{
		{"one", `{"keys":[` + good + `]}`, 1},
		{"a private one", `{"keys":[` + jwk(t, ec, "private") + `]}`, 0},
		{"a symmetric one", `{"keys":[{"kty":"oct","k":"AAAA"}]}`, 0},
		{"one that is too large", `{"keys":[` + huge + `]}`, 0},
		{"a point that is not of the curve", `{"keys":[{"kty":"EC","crv":"P-256","x":"AAAA","y":"AAAA"},` + good + `]}`, 1},
		{"more than are read", `{"keys":[` + strings.Repeat(good+",", 50) + good + `]}`, 20},
		{"no list", `{"keys":{}}`, 0}, {"a page", `<html>`, 0}, {"nothing", ``, 0}, {"null", `null`, 0}, {"deep", strings.Repeat("[", 20000), 0},
	} {
		if got := token.Keys(c.doc); len(got) != c.n {
			t.Errorf("%s: %d keys, want %d", c.name, len(got), c.n)
		}
	}
}

// TestNamed: keys are fetched from the token service's own host alone.
func TestNamed(t *testing.T) {
	at, _ := url.Parse("https://auth.example/token?x=1")
	for doc, want := range map[string]string{
		`{"jwks_uri":"https://auth.example/keys"}`: "/keys", `{"jwks_uri":"/keys"}`: "/keys", `{"jwks_uri":"https://other.example/keys"}`: "",
		`{"jwks_uri":"http://auth.example/keys"}`: "", `{"jwks_uri":"https://auth.example:444/keys"}`: "", `{"jwks_uri":"file:///etc/passwd"}`: "",
		`{"jwks_uri":7}`: "", `{}`: "", ``: "", `{"jwks_uri":"https://auth.example@other.example/"}`: "",
	} {
		if got := token.Named([]byte(doc), at); got != want {
			t.Errorf("%s: %q, want %q", doc, got, want)
		}
	}
}

// TestSealed: the issuer can open it, with either kind of key.
func TestSealed(t *testing.T) {
	for _, alg := range []string{"ES256", "RS256"} {
		key, _, _ := token.Pair(alg)
		e, err := jose.ParseEncryptedCompact(token.Sealed(key.Public(), "inner"), []jose.KeyAlgorithm{jose.ECDH_ES, jose.RSA_OAEP_256}, []jose.ContentEncryption{jose.A256GCM})
		if err != nil {
			t.Fatalf("%s: %v", alg, err)
		}
		if got, err := e.Decrypt(key); err != nil || string(got) != "inner" {
			t.Errorf("%s: %q %v", alg, got, err)
		}
	}
}
