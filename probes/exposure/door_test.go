// SPDX-License-Identifier: Apache-2.0

package exposure_test

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/regproof/regproof/clients"
	"github.com/regproof/regproof/discover"
	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/probe"
)

// TestShutDoors: what an endpoint answers that is meant to be closed, or to
// redirect, and what is made of it.
func TestShutDoors(t *testing.T) {
	w := newWorld(t, nil)
	at := func(status int, location, challenge, body string) http.HandlerFunc {
		return func(rw http.ResponseWriter, _ *http.Request) {
			if location != "" {
				rw.Header().Set("Location", location)
			}
			if challenge != "" {
				rw.Header().Set("Www-Authenticate", challenge)
			}
			rw.WriteHeader(status)
			_, _ = rw.Write([]byte(body))
		}
	}
	const manifest = `{"schemaVersion":2,"config":{"mediaType":"x","digest":"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","size":0},"layers":[{"mediaType":"x","digest":"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","size":0}]}`
	for _, tc := range []struct {
		name     string
		expect   probe.Expect
		handler  http.HandlerFunc // nil is nobody
		outcome  finding.Outcome
		severity finding.Severity
	}{
		{"closed, nobody", probe.Closed, nil, finding.Pass, ""},
		{"closed, a web page that says 404", probe.Closed, at(404, "", "", "not here"), finding.Pass, ""},
		{"closed, 421", probe.Closed, at(421, "", "", ""), finding.Pass, ""},
		{"closed, a registry that denies", probe.Closed, at(401, "", `Basic realm="r"`, ""), finding.Fail, finding.High},
		{"closed, an open ping", probe.Closed, at(200, "", "", "{}"), finding.Fail, finding.High},
		{"closed, a manifest", probe.Closed, at(200, "", "", manifest), finding.Fail, finding.Critical},
		{"closed, a registry's 404", probe.Closed, at(404, "", "", `{"errors":[{"code":"MANIFEST_UNKNOWN"}]}`), finding.Fail, finding.High},
		{"redirect, to the primary", probe.Redirected, at(301, "https://registry.test/v2/", "", ""), finding.Pass, ""},
		{"redirect, nobody", probe.Redirected, nil, finding.Pass, ""},
		{"redirect, to http", probe.Redirected, at(301, "http://registry.test/v2/", "", ""), finding.Fail, finding.High},
		{"redirect, to somebody else", probe.Redirected, at(301, "https://evil.invalid/", "", ""), finding.Fail, finding.Medium},
		{"redirect, denies instead", probe.Redirected, at(401, "", `Basic realm="r"`, ""), finding.Fail, finding.High},
		{"redirect, a manifest", probe.Redirected, at(200, "", "", manifest), finding.Fail, finding.Critical},
		{"redirect, 503", probe.Redirected, at(503, "", "", ""), finding.Unknown, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			raw := "http://127.0.0.1:1"
			if tc.handler != nil {
				s := httptest.NewServer(tc.handler)
				defer s.Close()
				raw = s.URL
			}
			u, _ := url.Parse(raw)
			secure, _ := url.Parse("https://registry.test")
			c := prove(t, w, func(o *probe.Options) {
				o.Targets[0].Endpoints = append(o.Targets[0].Endpoints, probe.Endpoint{URL: u, Expect: tc.expect}, probe.Endpoint{URL: secure, Expect: probe.Public})
				o.Resolve = map[string][]netip.Addr{"registry.test": {netip.MustParseAddr("127.0.0.1")}}
			}, "closed-door", "redirected-port")
			id := map[probe.Expect]string{probe.Closed: "exposure/closed-door", probe.Redirected: "exposure/redirected-port"}[tc.expect]
			n := 0
			for _, f := range c.findings {
				if f.Probe == id && f.Endpoint == raw {
					n++
					if f.Outcome != tc.outcome || (tc.severity != "" && f.Severity != tc.severity) {
						t.Errorf("%s, %s (%s: %s), want %s, %s", f.Outcome, f.Severity, f.Message, f.Reason, tc.outcome, tc.severity)
					}
				} else if f.Outcome != finding.NotApplicable {
					t.Errorf("%s at %s is %s: %s", f.Probe, f.Endpoint, f.Outcome, f.Reason)
				}
			}
			if n != 1 {
				t.Errorf("%d findings of %s", n, id)
			}
		})
	}
}

// TestDoors: an open backend beside the guarded front is found, a guarded one
// is named, and without --discover nothing is looked at.
func TestDoors(t *testing.T) {
	w := newWorld(t, nil)
	backend := newWorld(t, nil)
	backend.docs = w.docs
	open := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		r.SetBasicAuth("u", password)
		w.serve(rw, r)
	}))
	defer open.Close()
	port := func(raw string) uint16 {
		u, _ := url.Parse(raw)
		n, _ := strconv.Atoi(u.Port())
		return uint16(n)
	}
	debug := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		_, _ = rw.Write([]byte(`{"cmdline":["registry"],"memstats":{"Alloc":1}}`))
	}))
	defer debug.Close()
	ports := &discover.Ports{HTTP: []uint16{port(open.URL), port(backend.server.URL), 1}, Debug: []uint16{port(debug.URL)}}
	for _, tc := range []struct {
		name     string
		discover bool
		severity map[string]finding.Severity
	}{
		{"not asked for", false, nil},
		{"asked for", true, map[string]finding.Severity{open.URL: finding.Critical, backend.server.URL: finding.Medium, debug.URL: finding.High}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := prove(t, w, func(o *probe.Options) { o.Discover, o.Ports = tc.discover, ports }, "doors", "debug-port", "signed-url")
			got := map[string]finding.Severity{}
			for _, f := range c.findings {
				if f.Outcome == finding.Fail {
					got[f.Endpoint] = f.Severity
				} else if !tc.discover && f.Probe != "exposure/signed-url" && (f.Outcome != finding.NotChecked || !strings.Contains(f.Reason, "--discover")) {
					t.Errorf("%s is %s: %s", f.Probe, f.Outcome, f.Reason)
				}
			}
			for at, s := range tc.severity {
				if got[at] != s {
					t.Errorf("%s is %q, want %s", at, got[at], s)
				}
				delete(got, at)
			}
			if len(got) > 0 {
				t.Errorf("accused too: %v", got)
			}
		})
	}
}

// TestClients: what clients are told of a registry becomes findings.
func TestClients(t *testing.T) {
	w := newWorld(t, nil)
	weak := clients.Weakness{Client: "containerd", Host: "registry.test", Kind: clients.SkipVerify, File: "/etc/containerd/certs.d/registry.test/hosts.toml", Line: 3, Setting: "skip_verify = true", Why: "w", Fix: "f"}
	for _, tc := range []struct {
		name string
		in   *probe.Imported
		want finding.Outcome
	}{
		{"nothing was read", nil, finding.NotChecked},
		{"no files", &probe.Imported{}, finding.NotApplicable},
		{"sound", &probe.Imported{Files: 2}, finding.Pass},
		{"skips verification", &probe.Imported{Files: 2, Weaknesses: []clients.Weakness{weak, weak}}, finding.Fail},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := prove(t, w, func(o *probe.Options) { o.Targets[0].Imported = tc.in }, "client-configuration")
			f := c.probe(t, "client-configuration")
			if f.Outcome != tc.want {
				t.Errorf("%s (%s), want %s", f.Outcome, f.Reason, tc.want)
			}
			if tc.want == finding.Fail && (len(c.findings) != 2 || !strings.Contains(f.Message, "skip_verify = true") || f.Variant != weak.File+":3") {
				t.Errorf("%d findings, the first %s (%s)", len(c.findings), f.Message, f.Variant)
			}
		})
	}
}

// TestDead: a door that answers nobody at first is not asked for everything
// else, and nothing is said to hold there.
func TestDead(t *testing.T) {
	w := newWorld(t, nil)
	var asked atomic.Int64
	dead := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		asked.Add(1)
		panic(http.ErrAbortHandler)
	}))
	defer dead.Close()
	u, _ := url.Parse(dead.URL)
	c := prove(t, w, func(o *probe.Options) { o.Targets[0].Endpoints[0].URL = u })
	if n := asked.Load(); n > 40 {
		t.Errorf("%d requests to a door that answers nobody", n)
	}
	for _, f := range c.findings {
		if f.Outcome == finding.Pass || f.Outcome == finding.Fail {
			t.Errorf("%s is %s: %s", f.Probe, f.Outcome, f.Reason)
		}
	}
}
