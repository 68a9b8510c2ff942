// SPDX-License-Identifier: Apache-2.0

package lab_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/regproof/regproof/lab"
)

// forger makes tokens that were never issued, and those that only the issuer can.
type forger struct {
	t       *testing.T
	trusted crypto.Signer
	kid     string
	own     *ecdsa.PrivateKey
	site    string // serves the own key as a set and as a certificate
	own5    []byte // the own key's certificate
	set     []byte // of the token service
}

func newForger(t *testing.T, l *lab.Lab) *forger {
	t.Helper()
	f := &forger{t: t}
	f.kid, f.trusted = l.SigningKey()
	var err error
	if f.own, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	if f.own5, err = x509.CreateCertificate(rand.Reader, template, template, f.own.Public(), f.own); err != nil {
		t.Fatal(err)
	}
	own, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: f.own.Public(), KeyID: "mine"}}})
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/x5u" {
			_ = pem.Encode(w, &pem.Block{Type: "CERTIFICATE", Bytes: f.own5})
			return
		}
		_, _ = w.Write(own)
	}))
	t.Cleanup(s.Close)
	f.site = s.URL
	f.set = ask(t, l, door(t, l, lab.DoorOptions{Auth: lab.Token}), false).do("GET", "/.well-known/jwks.json").body
	return f
}

// payload is a token's for team-a/app, with changes; nil takes a claim away.
func payload(change map[string]any) []byte {
	now := time.Now().Unix()
	claims := map[string]any{
		"iss": "regproof-lab-issuer", "aud": "regproof-lab", "sub": "ci", "exp": now + 300, "nbf": now - 1, "iat": now,
		"access": access("team-a/app", "pull"),
	}
	for k, v := range change {
		if claims[k] = v; v == nil {
			delete(claims, k)
		}
	}
	data, _ := json.Marshal(claims) // made here
	return data
}

func access(name string, actions ...string) []any {
	return []any{map[string]any{"type": "repository", "name": name, "actions": actions}}
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// signed puts a token together: header is JSON.
func (f *forger) signed(key crypto.Signer, header string, payload []byte) string {
	f.t.Helper()
	text := b64([]byte(header)) + "." + b64(payload)
	sum := sha256.Sum256([]byte(text))
	r, s, err := ecdsa.Sign(rand.Reader, key.(*ecdsa.PrivateKey), sum[:])
	if err != nil {
		f.t.Fatal(err)
	}
	return text + "." + b64(append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...))
}

func unsigned(header string, payload []byte) string {
	return b64([]byte(header)) + "." + b64(payload) + "."
}

func withSecret(secret []byte, header string, payload []byte) string {
	text := b64([]byte(header)) + "." + b64(payload)
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(text))
	return text + "." + b64(mac.Sum(nil))
}

func (f *forger) header(more string) string { return `{"typ":"JWT","alg":"ES256"` + more + `}` }

func (f *forger) named(more string) string {
	return f.header(fmt.Sprintf(`,"kid":%q%s`, f.kid, more))
}

// issued is a token that only the key of the token service can make.
func (f *forger) issued(change map[string]any) string {
	return f.signed(f.trusted, f.named(""), payload(change))
}

func (f *forger) jwk(kid string) string {
	data, err := json.Marshal(jose.JSONWebKey{Key: f.own.Public(), KeyID: kid})
	if err != nil {
		f.t.Fatal(err)
	}
	return string(data)
}

// secrets are the forms of the public key that might be taken for a secret.
func (f *forger) secrets() map[string][]byte {
	der, err := x509.MarshalPKIXPublicKey(f.trusted.Public())
	if err != nil {
		f.t.Fatal(err)
	}
	var set struct{ Keys []json.RawMessage }
	if err := json.Unmarshal(f.set, &set); err != nil {
		f.t.Fatal(err)
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	return map[string][]byte{"PEM": text, "PEM without its last line break": []byte(strings.TrimSpace(string(text))), "DER": der, "JWK": set.Keys[0], "JWKS": f.set}
}

func (f *forger) envelope(alg jose.KeyAlgorithm, content []byte) string {
	var set jose.JSONWebKeySet
	if err := json.Unmarshal(f.set, &set); err != nil {
		f.t.Fatal(err)
	}
	key := set.Keys[0].Key
	if strings.HasPrefix(string(alg), "RSA") {
		key = set.Keys[1].Key
	}
	e, err := jose.NewEncrypter(jose.A256GCM, jose.Recipient{Algorithm: alg, Key: key}, (&jose.EncrypterOptions{}).WithContentType("JWT"))
	if err != nil {
		f.t.Fatal(err)
	}
	o, err := e.Encrypt(content)
	if err != nil {
		f.t.Fatal(err)
	}
	out, err := o.CompactSerialize()
	if err != nil {
		f.t.Fatal(err)
	}
	return out
}

// forgery is a token that one weakness takes.
type forgery struct {
	weakness, name string
	token          string
	target         string // the tag of team-a/app unless it is said
	method         string
	status         int // of the weak door, 200 unless it is said
}

func (f *forger) forgeries(l *lab.Lab, app lab.Image) []forgery {
	now := time.Now().Unix()
	real := f.issued(nil)
	part := strings.Split(real, ".")
	wider := payload(map[string]any{"sub": "x"})
	all := []forgery{
		{weakness: "verify-no-signature", name: "changed payload", token: part[0] + "." + b64(wider) + "." + part[2]},
		{weakness: "verify-no-signature", name: "changed signature", token: f.signed(f.own, f.named(""), wider)},
		{weakness: "verify-stripped", token: unsigned(f.named(""), wider)},
		{weakness: "verify-jwk", name: "kid of the key", token: f.signed(f.own, f.header(`,"jwk":`+f.jwk(f.kid)), wider)},
		{weakness: "verify-jwk", name: "kid beside it", token: f.signed(f.own, f.named(`,"jwk":`+f.jwk("")), wider)},
		{weakness: "verify-jwk-any", token: f.signed(f.own, f.header(`,"jwk":`+f.jwk("mine")), wider)},
		{weakness: "verify-jku", name: "its kid", token: f.signed(f.own, f.header(`,"kid":"mine","jku":"`+f.site+`/jwks"`), wider)},
		{weakness: "verify-jku", name: "trusted kid", token: f.signed(f.own, f.named(`,"jku":"`+f.site+`/jwks"`), wider)},
		{weakness: "verify-x5u", token: f.signed(f.own, f.named(`,"x5u":"`+f.site+`/x5u"`), wider)},
		{weakness: "verify-x5c", token: f.signed(f.own, f.header(`,"x5c":["`+base64.StdEncoding.EncodeToString(f.own5)+`"]`), wider)},
		{weakness: "verify-kid-path", name: "relative", token: withSecret(nil, `{"alg":"HS256","kid":"../../dev/null"}`, wider)},
		{weakness: "verify-kid-path", name: "absolute", token: withSecret(nil, `{"alg":"HS256","kid":"/dev/null"}`, wider)},
		{weakness: "verify-kid-file", name: "relative", token: withSecret([]byte("Linux\n"), `{"alg":"HS256","kid":"../proc/sys/kernel/ostype"}`, wider)},
		{weakness: "verify-kid-file", name: "absolute", token: withSecret([]byte("Linux\n"), `{"alg":"HS256","kid":"/proc/sys/kernel/ostype"}`, wider)},
		{weakness: "verify-kid-twice", token: withSecret(nil, `{"alg":"HS256","kid":"`+f.kid+`","kid":"/dev/null"}`, wider)},
		{weakness: "verify-kid-sql", token: withSecret([]byte("secret"), `{"alg":"HS256","kid":"' UNION SELECT 'secret' -- "}`, wider)},
		{weakness: "verify-no-aud", name: "another", token: f.issued(map[string]any{"aud": "another"})},
		{weakness: "verify-no-aud", name: "none", token: f.issued(map[string]any{"aud": nil})},
		{weakness: "verify-aud-prefix", token: f.issued(map[string]any{"aud": []string{"x", "regproof-lab.evil"}})},
		{weakness: "verify-no-iss", name: "another", token: f.issued(map[string]any{"iss": "another"})},
		{weakness: "verify-no-iss", name: "none", token: f.issued(map[string]any{"iss": nil})},
		{weakness: "verify-no-exp", name: "past", token: f.issued(map[string]any{"exp": now - 3600})},
		{weakness: "verify-no-exp", name: "none", token: f.issued(map[string]any{"exp": nil})},
		{weakness: "verify-exp-string", name: "string", token: f.issued(map[string]any{"exp": fmt.Sprint(now - 3600)})},
		{weakness: "verify-exp-string", name: "too large", token: f.issued(map[string]any{"exp": json.RawMessage("1e400")})},
		{weakness: "verify-exp-absent", token: f.issued(map[string]any{"exp": nil})},
		{weakness: "verify-first-claim", token: f.signed(f.trusted, f.named(""), []byte(strings.TrimSuffix(string(payload(nil)), "}")+`,"exp":1000000000}`))},
		{weakness: "verify-no-nbf", token: f.issued(map[string]any{"nbf": now + 3600})},
		{weakness: "verify-first-key", token: unsigned(`{"alg":"ES256","alg":"none","kid":"`+f.kid+`"}`, wider)},
		{weakness: "verify-duplicate-keys", token: unsigned(`{"alg":"none","alg":"ES256","kid":"`+f.kid+`"}`, wider)},
		{weakness: "verify-crit", token: f.signed(f.trusted, f.named(`,"crit":["x"],"x":1`), wider)},
		{weakness: "verify-nested", name: "unsigned in unsigned", token: unsigned(`{"alg":"none","cty":"JWT"}`, []byte(unsigned(`{"alg":"none"}`, wider)))},
		{weakness: "verify-nested", name: "unsigned in ECDH-ES", token: f.envelope(jose.ECDH_ES, []byte(unsigned(`{"alg":"none"}`, wider)))},
		{weakness: "verify-nested", name: "unsigned in RSA-OAEP", token: f.envelope(jose.RSA_OAEP_256, []byte(unsigned(`{"alg":"none"}`, wider)))},
		{weakness: "verify-no-repository", token: f.issued(map[string]any{"access": access("team-b/tool", "pull")})},
		{weakness: "verify-tag-only", name: "manifest", token: f.issued(map[string]any{"access": access("team-b/tool", "pull")}), target: "/v2/team-a/app/manifests/" + app.Digest},
		{weakness: "verify-tag-only", name: "layer", token: f.issued(map[string]any{"access": access("team-b/tool", "pull")}), target: "/v2/team-a/app/blobs/" + app.Private[0]},
		{weakness: "verify-no-action", name: "push", token: real, method: "POST", target: "/v2/team-a/app/blobs/uploads/", status: 202},
		{weakness: "verify-no-action", name: "delete", token: real, method: "DELETE", target: "/v2/team-a/app/manifests/sha256:" + strings.Repeat("0", 64), status: 404},
		{weakness: "verify-push-deletes", token: f.issued(map[string]any{"access": access("team-a/app", "pull", "push")}), method: "DELETE", target: "/v2/team-a/app/manifests/sha256:" + strings.Repeat("0", 64), status: 404},
		{weakness: "verify-mount-source", token: f.issued(map[string]any{"access": access("team-c/app", "pull", "push")}), method: "POST", target: "/v2/team-c/app/blobs/uploads/?from=team-a/app&mount=" + app.Private[0], status: 201},
	}
	for _, alg := range []string{"none", "None", "NONE", "nOnE"} {
		all = append(all, forgery{weakness: "verify-alg-none", name: alg, token: unsigned(`{"alg":"`+alg+`"}`, wider)})
	}
	for name, secret := range f.secrets() {
		all = append(all, forgery{weakness: "verify-hs256", name: name, token: withSecret(secret, `{"alg":"HS256","kid":"`+f.kid+`"}`, wider)})
	}
	return all
}

// TestForgeries: what a flaw takes opens the weak door, and neither the strict
// verifier nor distribution.
func TestForgeries(t *testing.T) {
	l := open(t)
	f, app := newForger(t, l), image(t, l, "team-a/app:1.4")
	strict := map[string]*asker{
		"verify-sound": ask(t, l, door(t, l, lab.DoorOptions{Weaknesses: []string{"verify-sound"}}), false),
		"sound-token":  ask(t, l, door(t, l, lab.DoorOptions{Auth: lab.Token}), false),
	}
	tag := "/v2/team-a/app/manifests/1.4"
	for name, a := range strict {
		if g := a.bearer(f.issued(nil)).do("GET", tag); g.status != 200 || g.digest() != app.Digest {
			t.Errorf("%s refuses a good token: %d %s", name, g.status, g.body)
		}
	}
	doors, whole := map[string]*asker{}, t
	for _, row := range f.forgeries(l, app) {
		t.Run(row.weakness+" "+row.name, func(t *testing.T) {
			if row.method == "" {
				row.method, row.status = "GET", 200
			}
			if row.target == "" {
				row.target = tag
			}
			if doors[row.weakness] == nil {
				if entry(t, row.weakness).Twin != "verify-sound" {
					t.Error("another twin")
				}
				doors[row.weakness] = ask(whole, l, door(whole, l, lab.DoorOptions{Weaknesses: []string{row.weakness}}), false)
			}
			weak := doors[row.weakness]
			if g := weak.bearer(row.token).do(row.method, row.target); g.status != row.status {
				t.Errorf("weak door: %d, want %d: %s", g.status, row.status, g.body)
			}
			if g := weak.bearer(f.issued(nil)).do("GET", tag); g.status != 200 {
				t.Errorf("weak door refuses a good token: %d", g.status)
			}
			for _, bad := range []*asker{weak, weak.bearer("x"), weak.bearer(f.signed(f.own, f.header(`,"kid":"x"`), payload(nil)))} {
				if g := bad.do("GET", tag); g.status != 401 || !strings.HasPrefix(g.header.Get("WWW-Authenticate"), "Bearer realm=") {
					t.Errorf("weak door without a good token: %d %v", g.status, g.header)
				}
			}
			for name, a := range strict {
				if g := a.bearer(row.token).do(row.method, row.target); g.status != 401 {
					t.Errorf("%s: %d", name, g.status)
				}
			}
		})
	}
}

// TestFlawsAreNarrow: a token that one flaw takes opens no other flawed door,
// except where one flaw opens the way of another.
func TestFlawsAreNarrow(t *testing.T) {
	l := open(t)
	f, app := newForger(t, l), image(t, l, "team-a/app:1.4")
	opens := map[string][]string{ // door: the other weaknesses whose tokens open it, too
		"verify-no-signature":  {"verify-stripped", "verify-jwk", "verify-jku", "verify-x5u"}, // their kid is a trusted one
		"verify-jwk-any":       {"verify-jwk"},
		"verify-exp-absent":    {"verify-no-exp"}, // one of them has none
		"verify-no-aud":        {"verify-aud-prefix"},
		"verify-no-exp":        {"verify-exp-string", "verify-exp-absent"},
		"verify-no-repository": {"verify-tag-only"},
		"token-any-service":    {"verify-no-aud", "verify-aud-prefix"},
	}
	all := f.forgeries(l, app)
	for _, w := range lab.Weaknesses() {
		if w.Twin != "verify-sound" {
			continue
		}
		a := ask(t, l, door(t, l, lab.DoorOptions{Weaknesses: []string{w.Name}}), false)
		for _, row := range all {
			if row.weakness == w.Name || row.method != "" {
				continue
			}
			if row.target == "" {
				row.target = "/v2/team-a/app/manifests/1.4"
			}
			opened := a.bearer(row.token).do("GET", row.target).status == 200
			known := strings.Contains(strings.Join(opens[w.Name], " ")+" ", row.weakness+" ")
			if opened && !known {
				t.Errorf("%s takes the token of %s %s", w.Name, row.weakness, row.name)
			}
		}
	}
}

// TestVerifierReadsStrictly: what is no plain request of the API or no plain
// token is refused, and an RSA key is as good as the other.
func TestVerifierReadsStrictly(t *testing.T) {
	l := open(t)
	f := newForger(t, l)
	a := ask(t, l, door(t, l, lab.DoorOptions{Weaknesses: []string{"verify-sound"}}), false).bearer(f.issued(nil))
	for target, status := range map[string]int{
		"/v2/": 200, "/v2/team-a/app/tags/list": 200, "/v2/_catalog": 401, "/v2/team-b/tool/manifests/2.0": 401,
		"/v2/team-a%2fapp/manifests/1.4": 400, "//v2/team-a/app/manifests/1.4": 404, "/v2/team-b/../team-a/app/manifests/1.4": 400,
	} {
		if g := a.do("GET", target); g.status != status && !(strings.HasPrefix(target, "//") && g.status != 200) {
			t.Errorf("%s: %d, want %d", target, g.status, status)
		}
	}
	good := f.issued(nil)
	for name, token := range map[string]string{
		"a fourth part": good + ".", "padding": good + "=", "two parts": good[:strings.LastIndex(good, ".")], "a list": f.signed(f.trusted, `["ES256"]`, payload(nil)),
		"more after the header": f.signed(f.trusted, f.named("")+"{}", payload(nil)),
		"a claim twice":         f.signed(f.trusted, f.named(""), []byte(strings.Replace(string(payload(nil)), "{", `{"sub":"x",`, 1))),
	} {
		if g := a.bearer(token).do("GET", "/v2/team-a/app/manifests/1.4"); g.status != 401 {
			t.Errorf("%s: %d", name, g.status)
		}
	}
}
