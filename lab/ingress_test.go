// SPDX-License-Identifier: Apache-2.0

package lab_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/regproof/regproof/lab"
)

// bypasses are the requests that get team-a/app:1.4 through a weak door.
var bypasses = []struct {
	weakness string
	asks     []rawRequest
}{
	{"path-encoded-open", []rawRequest{
		{line: "GET /%76%32/team-a/app/manifests/1.4"}, {line: "GET /v2/%74eam-a/app/manifests/1.4"},
		{line: "GET /v2/team-a%2fapp/manifests/1.4"},
	}},
	{"path-slashes-open", []rawRequest{
		{line: "GET //v2/team-a/app/manifests/1.4"}, {line: "GET /./v2/team-a/app/manifests/1.4"},
		{line: "GET /x/../v2/team-a/app/manifests/1.4"},
	}},
	{"path-case-open", []rawRequest{{line: "GET /V2/team-a/app/manifests/1.4"}}},
	{"prefix-open", []rawRequest{{line: "GET /dockerv2/team-a/app/manifests/1.4"}}},
	{"mount-open", []rawRequest{
		{line: "GET /registry/v2/team-a/app/manifests/1.4"}, {line: "GET /artifactory/api/docker/v2/team-a/app/manifests/1.4"},
		{line: "GET /artifactory/api/docker/team-a/v2/app/manifests/1.4"},
	}},
	{"query-open", []rawRequest{{line: "GET " + manifest14 + "?x=1"}}},
	{"skip-regex-open", []rawRequest{{line: "GET " + manifest14 + "?x=/v2/"}, {line: "GET " + manifest14 + "?/healthz"}}},
	{"method-open", []rawRequest{{line: "OPTIONS " + manifest14}, {line: "PROPFIND " + manifest14}, {line: "FOO " + manifest14}}},
	{"host-port-open", []rawRequest{
		{line: "GET " + manifest14, header: []string{"Host: HOST."}}, {line: "GET " + manifest14, header: []string{"Host: other.invalid"}},
		{line: "GET " + manifest14 + " HTTP/1.0", header: []string{"Host:"}},
	}},
	{"default-vhost-open", []rawRequest{
		{line: "GET " + manifest14, header: []string{"Host: 127.0.0.77"}}, {line: "GET " + manifest14, header: []string{"Host: other.invalid"}},
		{line: "GET " + manifest14 + " HTTP/1.0", header: []string{"Host:"}},
	}},
	{"absolute-form-open", []rawRequest{{line: "GET http://other.invalid" + manifest14}}},
	{"sni-open", []rawRequest{
		{line: "GET " + manifest14, sni: "other.invalid"}, {line: "GET " + manifest14, sni: "localhost"},
	}},
	{"http10-open", []rawRequest{{line: "GET " + manifest14 + " HTTP/1.0"}}},
	{"upgrade-open", []rawRequest{{line: "GET " + manifest14, header: []string{"Upgrade: websocket"}}}},
	{"forwarded-for-open", []rawRequest{
		{line: "GET " + manifest14, header: []string{"X-Forwarded-For: 10.0.0.1"}}, {line: "GET " + manifest14, header: []string{"X-Forwarded-For: ::1"}},
		{line: "GET " + manifest14, header: []string{"X-Forwarded-For: 192.0.2.1, 127.0.0.1"}},
	}},
	{"original-uri-open", []rawRequest{
		{line: "GET " + manifest14, header: []string{"X-Original-URI: /v2/public/x"}}, {line: "GET " + manifest14, header: []string{"X-Forwarded-Uri: /healthz"}},
	}},
	{"rewrite-url-open", []rawRequest{
		{line: "GET /", header: []string{"X-Original-URL: " + manifest14}}, {line: "GET /", header: []string{"X-Rewrite-URL: " + manifest14}},
	}},
	{"identity-header-open", []rawRequest{
		{line: "GET " + manifest14, header: []string{"X-WEBAUTH-USER: admin"}}, {line: "GET " + manifest14, header: []string{"X-Remote-User: admin"}},
		{line: "GET " + manifest14, header: []string{"X-Forwarded-User: admin"}},
	}},
	{"certificate-header-open", []rawRequest{{line: "GET " + manifest14, header: []string{"X-SSL-Client-Verify: SUCCESS"}}}},
	{"any-authorization-open", []rawRequest{
		{line: "GET " + manifest14, header: []string{"Authorization: Bearer x"}}, {line: "GET " + manifest14, header: []string{"Authorization: x"}},
	}},
	{"empty-authorization-open", []rawRequest{{line: "GET " + manifest14, header: []string{"Authorization: "}}}},
	{"silly-auth", []rawRequest{{line: "GET " + manifest14, header: []string{"Authorization: x"}}}},
	{"health-agent-open", []rawRequest{
		{line: "GET " + manifest14, header: []string{"User-Agent: GoogleHC/1.0"}}, {line: "GET " + manifest14, header: []string{"User-Agent: kube-probe/1.30"}},
		{line: "GET " + manifest14, header: []string{"User-Agent: ELB-HealthChecker/2.0"}},
	}},
}

// TestBypasses: each odd request gets the image through the weak door and not
// through its twin, and the plain request is denied by both.
func TestBypasses(t *testing.T) {
	l := open(t)
	app := image(t, l, "team-a/app:1.4")
	for _, row := range bypasses {
		t.Run(row.weakness, func(t *testing.T) {
			w := entry(t, row.weakness)
			o := lab.DoorOptions{TLS: w.Needs.TLS, Auth: lab.Basic}
			o.Weaknesses = []string{w.Name}
			weak := door(t, l, o)
			o.Weaknesses = []string{w.Twin}
			twin := door(t, l, o)
			for _, q := range row.asks {
				if g := send(t, weak, q); g.status != 200 || g.digest() != app.Digest {
					t.Errorf("weak door: %+v: %d %s", q, g.status, g.body)
				}
				// A redirect is no denial yet: what it leads to must be one.
				g := send(t, twin, q)
				if g.status == 301 {
					to, err := url.Parse(g.header.Get("Location"))
					if err != nil {
						t.Fatal(err)
					}
					g = send(t, twin, rawRequest{line: "GET " + to.RequestURI()})
				}
				if g.status < 400 {
					t.Errorf("twin %s: %+v: %d %s", w.Twin, q, g.status, g.body)
				}
			}
			for _, d := range []*lab.Door{weak, twin} {
				if g := send(t, d, rawRequest{line: "GET " + manifest14}); g.status < 400 {
					t.Errorf("%s: the plain request: %d", d.URL(), g.status)
				}
				a := ask(t, l, d, false).as(l)
				if w.Needs.Token {
					a.auth = "Bearer " + token(t, a, "repository:team-a/app:pull")
				}
				if g := a.do("GET", manifest14); g.status != 200 || g.digest() != app.Digest {
					t.Errorf("%s: the entitled: %d", d.URL(), g.status)
				}
			}
		})
	}
}

// TestEncodedCatalog: more than the repository's name can be encoded.
func TestEncodedCatalog(t *testing.T) {
	l := open(t)
	q := rawRequest{line: "GET /v2/%5fcatalog"}
	weak := door(t, l, lab.DoorOptions{Weaknesses: []string{"path-encoded-open"}})
	if g := send(t, weak, q); g.status != 200 || !strings.Contains(string(g.body), "team-a/app") {
		t.Errorf("weak door: %d %s", g.status, g.body)
	}
	if g := send(t, door(t, l, lab.DoorOptions{}), q); g.status != 401 {
		t.Errorf("sound door: %d", g.status)
	}
}

// TestBypassesAreNarrow: what is near a bypass is none.
func TestBypassesAreNarrow(t *testing.T) {
	l := open(t)
	for weakness, q := range map[string]rawRequest{
		"path-slashes-open":        {line: "GET /v2//team-a/app/manifests/1.4"},
		"prefix-open":              {line: "GET /docker/v2/team-a/app/manifests/1.4"},
		"skip-regex-open":          {line: "GET " + manifest14 + "?x=1"},
		"method-open":              {line: "DELETE " + manifest14},
		"host-port-open":           {line: "GET " + manifest14, header: []string{"Host: HOST"}},
		"default-vhost-open":       {line: "GET " + manifest14, header: []string{"Host: 127.0.0.1.:443"}},
		"absolute-form-open":       {line: "GET http://127.0.0.1" + manifest14},
		"sni-open":                 {line: "GET " + manifest14, header: []string{"Host: localhost"}, sni: "localhost"},
		"forwarded-for-open":       {line: "GET " + manifest14, header: []string{"X-Forwarded-For: 10.0.0.1, 192.0.2.1"}},
		"original-uri-open":        {line: "GET " + manifest14, header: []string{"X-Original-URI: " + manifest14}},
		"rewrite-url-open":         {line: "GET /v2/", header: []string{"X-Original-URL: " + manifest14}},
		"certificate-header-open":  {line: "GET " + manifest14, header: []string{"X-SSL-Client-Verify: NONE"}},
		"any-authorization-open":   {line: "GET " + manifest14, header: []string{"Authorization: "}},
		"empty-authorization-open": {line: "GET " + manifest14, header: []string{"Authorization: Bearer x"}},
		"health-agent-open":        {line: "GET " + manifest14, header: []string{"User-Agent: curl/8"}},
	} {
		d := door(t, l, lab.DoorOptions{Weaknesses: []string{weakness}})
		g := send(t, d, q)
		if g.status < 300 {
			t.Errorf("%s: %+v: %d", weakness, q, g.status)
		}
	}
}

// TestGuardGaps: what the guard does not cover is answered by the registry, not
// by the front, though there is no content at that name.
func TestGuardGaps(t *testing.T) {
	l := open(t)
	for weakness, open := range map[string][]string{
		"depth-open":     {"/v2/app/manifests/1.4", "/v2/team-a/app/part/manifests/1.4", "/v2/a/b/c/d/tags/list"},
		"extension-open": {"/v2/team-a/app/manifests/x.js", "/v2/team-a/app/manifests/x.css", "/v2/team-a/app/manifests/x.png"},
		"front-basic":    nil,
	} {
		a := ask(t, l, door(t, l, lab.DoorOptions{Weaknesses: []string{weakness}}), false)
		twin := ask(t, l, door(t, l, lab.DoorOptions{Weaknesses: []string{"front-basic"}}), false)
		front := func(g got) bool {
			return g.status == 401 && g.header.Get("Content-Type") == "text/html" && strings.HasPrefix(g.header.Get("WWW-Authenticate"), "Basic ")
		}
		for _, target := range open {
			if g := a.do("GET", target); g.status != 404 || !strings.Contains(string(g.body), "UNKNOWN") {
				t.Errorf("%s: %s: %d %s", weakness, target, g.status, g.body)
			}
			if g := twin.do("GET", target); !front(g) {
				t.Errorf("twin: %s: %d %s", target, g.status, g.body)
			}
		}
		for _, target := range []string{"/v2/", "/v2/_catalog", manifest14, "/"} {
			if g := a.do("GET", target); !front(g) {
				t.Errorf("%s: %s: %d %s", weakness, target, g.status, g.body)
			}
		}
		if g := a.as(l).do("GET", manifest14); g.status != 200 {
			t.Errorf("%s: the entitled: %d", weakness, g.status)
		}
	}
}

// TestOneReplicaOpen: by connection, not by request, and never the entitled's turn.
func TestOneReplicaOpen(t *testing.T) {
	l := open(t)
	for weakness, want := range map[string]int{"replica-open": 4, "sound-basic": 0} {
		a := ask(t, l, door(t, l, lab.DoorOptions{Weaknesses: []string{weakness}}), false)
		leaks := 0
		for range 20 {
			a.as(l).do("GET", "/v2/")
			if a.do("GET", manifest14).status == 200 {
				leaks++
			}
		}
		if leaks != want {
			t.Errorf("%s: %d of 20 connections leak, want %d", weakness, leaks, want)
		}
		kept := *a
		kept.http = &http.Client{Transport: &http.Transport{}}
		for range 10 {
			if g := kept.do("GET", manifest14); g.status != 401 {
				t.Errorf("%s: one connection changes its mind: %d", weakness, g.status)
			}
		}
		kept.http.CloseIdleConnections()
	}
}

// TestSoundFronts: odd answers that let nobody in.
func TestSoundFronts(t *testing.T) {
	l := open(t)
	for _, row := range []struct {
		front    string
		ask      rawRequest
		status   int
		location string
	}{
		{"cleans-path-301", rawRequest{line: "GET /%76%32/team-a%2fapp/manifests/1.4?x=1"}, 301, manifest14 + "?x=1"},
		{"cleans-path-301", rawRequest{line: "GET //v2/./team-a//app/manifests/1.4"}, 301, manifest14},
		{"cleans-path-301", rawRequest{line: "GET /V2/_catalog/"}, 301, "/v2/_catalog/"},
		{"cleans-path-301", rawRequest{line: "GET " + manifest14}, 401, ""},
		{"cleans-path-301", rawRequest{line: "GET /v2/team-a/app/manifests/%20"}, 404, ""},
		{"rejects-odd", rawRequest{line: "GET /v2/team-a%2fapp/manifests/1.4"}, 400, ""},
		{"rejects-odd", rawRequest{line: "GET " + manifest14, header: []string{"Host: other.invalid"}}, 421, ""},
		{"rejects-odd", rawRequest{line: "GET http://other.invalid" + manifest14}, 421, ""},
		{"rejects-odd", rawRequest{line: "GET " + manifest14 + " HTTP/1.0", header: []string{"Host:"}}, 400, ""},
		{"rejects-odd", rawRequest{line: "GET " + manifest14, header: []string{"Host: localhost"}}, 401, ""},
		{"redirects-unknown-host", rawRequest{line: "GET " + manifest14 + "?x=1", header: []string{"Host: other.invalid"}}, 301, "HERE" + manifest14 + "?x=1"},
		{"redirects-unknown-host", rawRequest{line: "OPTIONS *", header: []string{"Host: other.invalid"}}, 301, "HERE/"},
		{"redirects-unknown-host", rawRequest{line: "GET " + manifest14}, 401, ""},
		{"options-cors", rawRequest{line: "OPTIONS " + manifest14}, 204, ""},
		{"private-404", rawRequest{line: "FOO " + manifest14}, 405, ""},
		{"private-404", rawRequest{line: "GET " + manifest14}, 404, ""},
		{"private-404", rawRequest{line: "GET /v1/_ping"}, 404, ""},
		{"catch-all-html", rawRequest{line: "GET " + manifest14}, 401, ""},
		{"catch-all-html", rawRequest{line: "GET /V2/"}, 200, ""},
	} {
		d := door(t, l, lab.DoorOptions{Weaknesses: []string{row.front}})
		g := send(t, d, row.ask)
		if want := strings.Replace(row.location, "HERE", d.URL(), 1); g.status != row.status || g.header.Get("Location") != want {
			t.Errorf("%s: %+v: %d to %q, want %d to %q", row.front, row.ask, g.status, g.header.Get("Location"), row.status, want)
		}
		if g := ask(t, l, d, false).as(l).do("GET", manifest14); g.status != 200 {
			t.Errorf("%s: the entitled: %d", row.front, g.status)
		}
	}
}
