// SPDX-License-Identifier: Apache-2.0

package transport_test

import (
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/internal/labtest"
	"github.com/regproof/regproof/lab"
	"github.com/regproof/regproof/probe"
	"github.com/regproof/regproof/probes/transport"
)

// TestBeside: what listens for plain HTTP on a port beside https.
func TestBeside(t *testing.T) {
	l := labtest.Open(t)
	d := labtest.Door(t, l, lab.DoorOptions{Weaknesses: []string{"sound-tls"}})
	open := labtest.Door(t, l, lab.DoorOptions{Auth: lab.None})
	guarded := labtest.Door(t, l, lab.DoorOptions{})
	answers := func(status int, fields ...string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			for _, f := range fields {
				name, value, _ := strings.Cut(f, ": ")
				w.Header().Set(name, strings.ReplaceAll(value, "$uri", r.RequestURI))
			}
			w.WriteHeader(status)
		}
	}
	to := func(d *lab.Door) http.HandlerFunc {
		u, err := url.Parse(d.URL())
		if err != nil {
			t.Fatal(err)
		}
		return func(w http.ResponseWriter, r *http.Request) { labtest.Forward(u).ServeHTTP(w, r) }
	}
	for _, c := range []struct {
		name              string
		handler           http.HandlerFunc
		plain, challenged finding.Outcome
		severity          finding.Severity
	}{
		{"a registry that serves everybody", to(open), finding.Fail, finding.Pass, finding.Critical},
		{"a registry with a guard", to(guarded), finding.Fail, finding.Fail, finding.High},
		{"a token registry", answers(401, `WWW-Authenticate: Bearer realm="https://a.test/token"`), finding.Fail, finding.Fail, finding.High},
		{"an API with tokens of its own", answers(401, `WWW-Authenticate: Bearer realm="api", error="invalid_token"`), finding.Pass, finding.Fail, ""},
		{"a redirect to https", answers(301, "Location: https://127.0.0.1$uri"), finding.Pass, finding.Pass, ""},
		{"a redirect to http", answers(302, "Location: http://127.0.0.1/login"), finding.Pass, finding.Pass, ""},
		{"a web server", answers(404), finding.Pass, finding.Pass, ""},
		{"a web server with a password", answers(401, `WWW-Authenticate: Basic realm="router"`), finding.Pass, finding.Fail, ""},
		{"the guard of the registry", answers(401, `WWW-Authenticate: Basic realm="regproof lab"`), finding.Fail, finding.Fail, finding.High},
		{"a front that wants https, with the header of all answers", answers(400, "Docker-Distribution-Api-Version: registry/2.0"), finding.Pass, finding.Pass, ""},
		{"a front that wants another protocol", answers(426, "Docker-Distribution-Api-Version: registry/2.0"), finding.Pass, finding.Pass, ""},
		{"an error", answers(502), finding.Unknown, finding.Unknown, ""},
		{"a rate limit", answers(429), finding.Unknown, finding.Unknown, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := httptest.NewServer(c.handler)
			t.Cleanup(s.Close)
			got := labtest.Prove(t, l, d, labtest.Setting{
				Probes: []probe.Probe{transport.PlainHTTP, transport.PlainChallenge},
				Change: func(o *probe.Options) { o.PlainPort = uint16(s.Listener.Addr().(*net.TCPAddr).Port) },
			})
			plain, _ := got.Probe("transport/plain-http")
			challenged, _ := got.Probe("transport/plain-challenge")
			if plain.Outcome != c.plain || challenged.Outcome != c.challenged || c.severity != "" && plain.Severity != c.severity {
				t.Errorf("plain-http %s %s: %s; plain-challenge %s: %s", plain.Outcome, plain.Severity, plain.Reason, challenged.Outcome, challenged.Reason)
			}
		})
	}
}

// TestPlainWays: a way in whose own URL is http.
func TestPlainWays(t *testing.T) {
	l := labtest.Open(t)
	secure := labtest.Door(t, l, lab.DoorOptions{Weaknesses: []string{"sound-tls"}})
	plain := labtest.Door(t, l, lab.DoorOptions{})
	open := labtest.Door(t, l, lab.DoorOptions{Auth: lab.None})
	at := func(d *lab.Door) *url.URL {
		u, err := url.Parse(d.URL())
		if err != nil {
			t.Fatal(err)
		}
		return u
	}
	gone := *at(plain)
	gone.Host = "127.0.0.1:9"
	for _, c := range []struct {
		name            string
		primary, second *url.URL
		expect          probe.Expect
		want            finding.Outcome
		severity        finding.Severity
	}{
		{"beside https, with a guard", at(secure), at(plain), probe.Same, finding.Fail, finding.High},
		{"beside https, without", at(secure), at(open), probe.Same, finding.Fail, finding.Critical},
		{"beside http on this machine", at(plain), at(open), probe.Same, finding.NotApplicable, ""},
		{"beside https, and meant to be closed", at(secure), at(plain), probe.Closed, finding.NotApplicable, ""},
		{"beside https, for everybody", at(secure), at(open), probe.Public, finding.NotApplicable, ""},
		{"beside https, and gone", at(secure), &gone, probe.Same, finding.Unknown, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			change := labtest.Instead(t, probe.Endpoint{URL: c.primary}, probe.Endpoint{URL: c.second, Expect: c.expect})
			got := labtest.Prove(t, l, secure, labtest.Setting{Probes: []probe.Probe{transport.PlainHTTP}, Change: func(o *probe.Options) { change(o); quiet(t)(o) }})
			for _, f := range got.Findings {
				if f.Endpoint == c.second.String() && (f.Outcome != c.want || c.severity != "" && f.Severity != c.severity) {
					t.Errorf("%s %s: %s; want %s %s", f.Outcome, f.Severity, f.Reason, c.want, c.severity)
				}
			}
		})
	}
}

// TestListedPort: a plain port that is a way in of its own is that one's matter.
func TestListedPort(t *testing.T) {
	l := labtest.Open(t)
	secure := labtest.Door(t, l, lab.DoorOptions{Weaknesses: []string{"sound-tls"}})
	plain := labtest.Door(t, l, lab.DoorOptions{})
	primary, err := url.Parse(secure.URL())
	if err != nil {
		t.Fatal(err)
	}
	second, err := url.Parse(plain.URL())
	if err != nil {
		t.Fatal(err)
	}
	change := labtest.Instead(t, probe.Endpoint{URL: primary}, probe.Endpoint{URL: second, Expect: probe.Redirected})
	got := labtest.Prove(t, l, secure, labtest.Setting{Probes: []probe.Probe{transport.PlainHTTP}, Change: func(o *probe.Options) {
		change(o)
		o.PlainPort = uint16(mustPort(t, second))
	}})
	if f, _ := got.Probe("transport/plain-http"); f.Outcome != finding.Pass {
		t.Errorf("%s: %s", f.Outcome, f.Reason)
	}
}

func mustPort(t *testing.T, u *url.URL) int {
	t.Helper()
	n, err := net.LookupPort("tcp", u.Port())
	if err != nil {
		t.Fatal(err)
	}
	return n
}
