// SPDX-License-Identifier: Apache-2.0

package token_test

import (
	"crypto"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/internal/labtest"
	"github.com/regproof/regproof/lab"
	"github.com/regproof/regproof/probe"
	"github.com/regproof/regproof/probes/token"
)

// desk is a registry whose token service signs with RS256, before an open door of
// the lab.
type desk struct {
	confused bool   // takes HS256 with the public key in PEM, too
	realm    string // path of the token service
	iss      string // below its own address
	keys     string // path at which it publishes its key; "" is nowhere
	describe string // path of a discovery document that names it

	key            *rsa.PrivateKey
	base           string
	name, password string
}

// deskKey is made once: it takes its time.
var deskKey = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) })

func (d *desk) pem() []byte {
	der, err := x509.MarshalPKIXPublicKey(d.key.Public())
	if err != nil {
		panic(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
}

func (d *desk) signs(text string) []byte {
	sum := sha256.Sum256([]byte(text))
	out, _ := rsa.SignPKCS1v15(rand.Reader, d.key, crypto.SHA256, sum[:])
	return out
}

func (d *desk) mint(w http.ResponseWriter, r *http.Request) {
	user, password, named := r.BasicAuth()
	if named && (user != d.name || password != d.password) {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	granted := []any{}
	if named {
		for _, s := range r.URL.Query()["scope"] {
			part := strings.Split(s, ":")
			granted = append(granted, map[string]any{"type": part[0], "name": part[1], "actions": strings.Split(part[2], ",")})
		}
	}
	claims, _ := json.Marshal(map[string]any{"iss": d.base + d.iss, "aud": "desk", "sub": user, "exp": time.Now().Unix() + 300, "access": granted})
	enc := base64.RawURLEncoding
	text := enc.EncodeToString([]byte(`{"alg":"RS256","typ":"JWT"}`)) + "." + enc.EncodeToString(claims)
	_ = json.NewEncoder(w).Encode(map[string]any{"token": text + "." + enc.EncodeToString(d.signs(text))})
}

// takes says whether a token is good for a path.
func (d *desk) takes(token, path string) bool {
	part := strings.Split(token, ".")
	if len(part) != 3 {
		return false
	}
	raw := make([][]byte, 3)
	for i := range part {
		var err error
		if raw[i], err = base64.RawURLEncoding.DecodeString(part[i]); err != nil {
			return false
		}
	}
	var head struct{ Alg string }
	var claims struct {
		Aud    string
		Exp    int64
		Access []struct{ Name string }
	}
	if json.Unmarshal(raw[0], &head) != nil || json.Unmarshal(raw[1], &claims) != nil {
		return false
	}
	text := part[0] + "." + part[1]
	sum := sha256.Sum256([]byte(text))
	good := head.Alg == "RS256" && rsa.VerifyPKCS1v15(&d.key.PublicKey, crypto.SHA256, sum[:], raw[2]) == nil
	if d.confused && head.Alg == "HS256" {
		mac := hmac.New(sha256.New, d.pem())
		mac.Write([]byte(text))
		good = hmac.Equal(mac.Sum(nil), raw[2])
	}
	if !good || claims.Aud != "desk" || claims.Exp < time.Now().Unix() {
		return false
	}
	for _, a := range claims.Access {
		if strings.HasPrefix(path, "/v2/"+a.Name+"/") {
			return true
		}
	}
	return path == "/v2/"
}

func (d *desk) front(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case d.realm:
			d.mint(w, r)
			return
		case d.describe:
			_ = json.NewEncoder(w).Encode(map[string]any{"jwks_uri": d.base + d.keys})
			return
		case d.keys:
			_ = json.NewEncoder(w).Encode(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: d.key.Public(), KeyID: "k"}}})
			return
		}
		if _, token, _ := strings.Cut(r.Header.Get("Authorization"), " "); d.takes(token, r.URL.Path) {
			next.ServeHTTP(w, r)
			return
		}
		w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Bearer realm="%s%s",service="desk"`, d.base, d.realm))
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprint(w, `{"errors":[{"code":"UNAUTHORIZED"}]}`)
	})
}

// prove runs probes against it: over TLS the key of the certificate signs.
func (d *desk) prove(t *testing.T, l *lab.Lab, secure bool, change func(*probe.Target), probes ...probe.Probe) *labtest.Collected {
	t.Helper()
	d.name, d.password = l.User()
	open := labtest.Door(t, l, lab.DoorOptions{Auth: lab.None})
	to, err := url.Parse(open.URL())
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewUnstartedServer(d.front(labtest.Forward(to)))
	if secure {
		s.StartTLS()
		d.key = s.TLS.Certificates[0].PrivateKey.(*rsa.PrivateKey)
	} else {
		s.Start()
		if d.key, err = deskKey(); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(s.Close)
	d.base = s.URL
	at, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	instead := labtest.Instead(t, probe.Endpoint{URL: at})
	c := labtest.Prove(t, l, open, labtest.Setting{Probes: probes, Policy: intended, Change: func(o *probe.Options) {
		instead(o)
		if secure {
			o.Targets[0].Trust.Roots = x509.NewCertPool()
			o.Targets[0].Trust.Roots.AddCert(s.Certificate())
		}
		if change != nil {
			change(&o.Targets[0])
		}
	}})
	for _, f := range c.Findings {
		t.Logf("%s %s: %s | %s", f.Outcome, f.Probe, f.Reason, f.Message)
	}
	return c
}

// TestKeyPlaces: wherever the key of an issuer of RS256 is to be had, a registry
// that takes it for the secret of an HMAC is found, and a sound one passes; where
// it is nowhere, that is not proven.
func TestKeyPlaces(t *testing.T) {
	l := labtest.Open(t)
	other, _, _ := token.Pair("RS256")
	given := func(of func(*desk) crypto.PublicKey) func(*desk, *probe.Target) {
		return func(d *desk, target *probe.Target) { target.Verifies = &probe.Verifies{Key: of(d), File: d.pem()} }
	}
	for _, tc := range []struct {
		name    string
		desk    desk
		secure  bool
		change  func(*desk, *probe.Target)
		outcome finding.Outcome // of the sound one
		words   string
	}{
		{"nowhere", desk{realm: "/auth/token", iss: "/auth"}, false, nil, finding.NotChecked, "tokens.publicKey"},
		{"below the issuer", desk{realm: "/auth/token", iss: "/realms/x/", describe: "/realms/x/.well-known/openid-configuration", keys: "/k/e/y/s"}, false, nil, finding.Pass, "(at /realms/x/.well-known"},
		{"beside Keycloak", desk{realm: "/realms/x/protocol/docker-v2/auth", iss: "/other", keys: "/realms/x/protocol/openid-connect/certs"}, false, nil, finding.Pass, "(at /realms/x/protocol"},
		{"in the certificate", desk{realm: "/auth/token", iss: "/auth"}, true, nil, finding.Pass, "in the TLS certificate of the registry"},
		{"in the file", desk{realm: "/auth/token", iss: "/auth"}, false, given(func(d *desk) crypto.PublicKey { return d.key.Public() }), finding.Pass, "(tokens.publicKey)"},
		{"in the file, of another", desk{realm: "/auth/token", iss: "/auth"}, false, given(func(*desk) crypto.PublicKey { return other.Public() }), finding.Unknown, "does not verify the tokens"},
		{"the private one in the file", desk{realm: "/auth/token", iss: "/auth"}, false, func(d *desk, target *probe.Target) { target.Signing = &probe.Signing{Key: d.key} }, finding.Pass, "tokens.signingKey"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			for _, weak := range []bool{false, true} {
				d := tc.desk
				d.confused = weak
				want := tc.outcome
				if weak && (want == finding.Pass || want == finding.Unknown) { // of another: the file is tried as it stands
					want = finding.Fail
				}
				c := d.prove(t, l, tc.secure, func(target *probe.Target) {
					if tc.change != nil {
						tc.change(&d, target)
					}
				}, token.Algorithm)
				f, _ := c.Probe("token/algorithm")
				if f.Outcome != want || (!weak && !strings.Contains(f.Reason, tc.words)) {
					t.Errorf("confused %v: %s: %s", weak, f.Outcome, f.Reason)
				}
				if (f.Outcome == finding.NotChecked || f.Outcome == finding.Unknown) && f.Observed != "unknown" {
					t.Errorf("observed %s", f.Observed)
				}
			}
		})
	}
}

// TestKeyElsewhere: where nothing can be fetched from here, it is not known
// whether a registry fetches.
func TestKeyElsewhere(t *testing.T) {
	l := labtest.Open(t)
	for door, want := range map[string]finding.Outcome{"verify-sound": finding.NotChecked, "verify-jku": finding.NotChecked, "verify-jwk-any": finding.Fail} {
		c := labtest.Prove(t, l, labtest.Door(t, l, lab.DoorOptions{Weaknesses: []string{door}}), labtest.Setting{Probes: []probe.Probe{token.KeyElsewhere()}, Policy: intended})
		f, _ := c.Probe("token/key")
		if f.Outcome != want || (want == finding.NotChecked && (f.Observed != "unknown" || !strings.Contains(f.Reason, "--resolve"))) {
			t.Errorf("%s: %s: %s", door, f.Outcome, f.Reason)
		}
	}
	for addresses, want := range map[string]bool{"127.0.0.1:1": true, "[::1]:1": true, "[::ffff:127.0.0.2]:1": true, "10.0.0.1:1": false, "127.0.0.1:1 192.0.2.1:1": false} {
		if got := token.Local(strings.Fields(addresses)...); got != want {
			t.Errorf("%s: %v", addresses, got)
		}
	}
}
