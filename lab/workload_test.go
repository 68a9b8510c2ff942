// SPDX-License-Identifier: Apache-2.0

package lab_test

import (
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/regproof/regproof/lab"
)

// federated is a door with an issuer.
type federated struct {
	*asker
	t      *testing.T
	issuer *lab.Issuer
}

func federate(t *testing.T, l *lab.Lab, name string) federated {
	t.Helper()
	d := door(t, l, lab.DoorOptions{Weaknesses: []string{name}})
	return federated{ask(t, l, d, false), t, d.Issuer()}
}

func (f federated) token(subject string, change map[string]any) string {
	f.t.Helper()
	token, err := f.issuer.Token(subject, change)
	if err != nil {
		f.t.Fatal(err)
	}
	return token
}

// opens says in which of three ways a token opens team-a/app: as it is, exchanged,
// and as a password.
func (f federated) opens(token string) string {
	f.t.Helper()
	var ways []string
	try := func(name, token string) {
		if token != "" && f.bearer(token).do("GET", targetA).status == 200 {
			ways = append(ways, name)
		}
	}
	try("bearer", token)
	try("exchange", f.post("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange", "subject_token", token, "scope", pullA).Token)
	try("password", f.with("oidc", token).mint("scope", pullA).Token)
	return strings.Join(ways, " ")
}

const everyWay = "bearer exchange password"

func TestWorkloads(t *testing.T) {
	l := open(t)
	main, now := lab.Workloads()[0], time.Now().Unix()
	none := func(f federated) string { return unsigned(`{"alg":"none"}`, f.claims(main)) }
	forger := newForger(t, l)
	stranger := func(f federated) string {
		return forger.signed(forger.own, `{"alg":"ES256","kid":"x"}`, f.claims(main))
	}
	issued := func(subject string, change map[string]any) func(federated) string {
		return func(f federated) string { return f.token(subject, change) }
	}
	bad := []struct {
		weakness string
		token    func(federated) string
	}{
		{"workload-no-aud", issued(main, map[string]any{"aud": "another"})},
		{"workload-no-aud", issued(main, map[string]any{"aud": nil})},
		{"workload-any-issuer", issued(main, map[string]any{"iss": "https://another.example"})},
		{"workload-prefix-sub", issued("repo:acme/app-evil:ref:refs/heads/main", nil)},
		{"workload-prefix-sub", issued("spiffe://acme.example/build/app2", nil)},
		{"workload-pull-request", issued("repo:acme/app:pull_request", nil)},
		{"workload-no-exp", issued(main, map[string]any{"exp": now - 3600})},
		{"workload-no-exp", issued(main, map[string]any{"exp": nil})},
		{"workload-unsigned", none},
		{"workload-jwks-open", stranger},
		{"", issued("repo:fork/app:ref:refs/heads/main", nil)},
		{"", issued("", nil)},
		{"", issued(main, map[string]any{"nbf": now + 3600})},
		{"", func(federated) string { return "x" }},
	}
	doors := map[string]federated{}
	for _, w := range lab.Weaknesses() {
		if strings.HasPrefix(w.Name, "workload-") {
			doors[w.Name] = federate(t, l, w.Name)
		}
	}
	for name, f := range doors {
		for _, subject := range lab.Workloads() {
			if ways := f.opens(f.token(subject, nil)); ways != everyWay {
				t.Errorf("%s: %s opens it by %q", name, subject, ways)
			}
		}
		if g := f.do("GET", targetA); g.status != 401 {
			t.Errorf("%s: a stranger got %d", name, g.status)
		}
		if g := f.bearer(f.token(main, nil)).do("GET", "/v2/team-b/tool/manifests/2.0"); g.status != 401 {
			t.Errorf("%s: another repository: %d", name, g.status)
		}
		for i, row := range bad {
			want := ""
			if row.weakness == name || (name == "workload-prefix-sub" && row.weakness == "workload-pull-request") {
				want = everyWay
			}
			if ways := f.opens(row.token(f)); ways != want {
				t.Errorf("%s: token %d of %s opens it by %q, want %q", name, i, row.weakness, ways, want)
			}
		}
	}
	blob := "/v2/team-a/app/blobs/" + image(t, l, "team-a/app:1.4").Private[0]
	if g := doors["workload-optional"].do("GET", blob); g.status != 200 {
		t.Errorf("a blob without a token: %d", g.status)
	}
	if g := doors["workload-sound"].do("GET", blob); g.status != 401 {
		t.Errorf("a blob without a token at the twin: %d", g.status)
	}
	fork := func(name string) reply {
		f := doors[name]
		return f.with("oidc", f.token("repo:fork/app:pull_request", nil)).mint("scope", pullA)
	}
	if r := fork("workload-broker-loose"); r.status != 200 || claims(t, r.Token) != `[{"type":"repository","name":"team-a/app","actions":["pull"]}]` {
		t.Errorf("the loose broker: %+v", r)
	}
	if r := fork("workload-sound"); r.status != 401 {
		t.Errorf("the sound one: %+v", r)
	}
}

func (f federated) claims(subject string) []byte {
	now := time.Now().Unix()
	return fmt.Appendf(nil, `{"iss":%q,"sub":%q,"aud":%q,"exp":%d}`, f.issuer.URL(), subject, lab.WorkloadAudience, now+300)
}

// TestIssuer: discovery leads to the keys, and the key is the one it signs with.
func TestIssuer(t *testing.T) {
	l := open(t)
	f := federate(t, l, "workload-sound")
	var doc struct {
		Issuer string
		JWKS   string `json:"jwks_uri"`
	}
	if err := json.Unmarshal(f.do("GET", f.issuer.URL()+"/.well-known/openid-configuration").body, &doc); err != nil || doc.Issuer != f.issuer.URL() {
		t.Fatalf("%+v %v", doc, err)
	}
	if g := f.do("GET", doc.JWKS); g.status != 200 || !strings.Contains(string(g.body), `"oidc-1"`) {
		t.Errorf("keys: %d %s", g.status, g.body)
	}
	text, err := f.issuer.KeyPEM()
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(text)
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	forger := newForger(t, l)
	own := forger.signed(key.(*ecdsa.PrivateKey), `{"alg":"ES256","kid":"oidc-1"}`, f.claims(lab.Workloads()[0]))
	if ways := f.opens(own); ways != everyWay {
		t.Errorf("its key opens it by %q", ways)
	}
	down := federate(t, l, "workload-jwks-unreachable")
	if g := down.do("GET", down.issuer.URL()+"/jwks"); g.status != 503 {
		t.Errorf("keys that cannot be had: %d", g.status)
	}
}
