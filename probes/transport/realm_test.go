// SPDX-License-Identifier: Apache-2.0

package transport_test

import (
	"net/http"
	"net/netip"
	"net/url"
	"testing"

	"github.com/regproof/regproof/credential"
	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/internal/labtest"
	"github.com/regproof/regproof/lab"
	"github.com/regproof/regproof/probe"
	"github.com/regproof/regproof/probes/transport"
)

// TestRealm: whose token service it is, by where it lies and what is known.
func TestRealm(t *testing.T) {
	l := labtest.Open(t)
	d := labtest.Door(t, l, lab.DoorOptions{})
	const home = "registry.corp.example"
	for _, c := range []struct {
		name, host, realm string
		known             credential.Origin
		origin            finding.Outcome
		severity          finding.Severity
		scheme            finding.Outcome
	}{
		{"its own host", home, "https://registry.corp.example/token", "", finding.Pass, "", finding.Pass},
		{"its own host, another port", home, "https://Registry.corp.example:5001/token", "", finding.Pass, "", finding.Pass},
		{"its own host, http", home, "http://registry.corp.example/token", "", finding.Pass, "", finding.Fail},
		{"a path", home, "/token", "", finding.Pass, "", finding.Pass},
		{"no URL", home, "https://", "", finding.Pass, "", finding.Pass},
		{"another scheme", home, "ftp://elsewhere.example/token", "", finding.Pass, "", finding.Pass},
		{"the same domain", home, "https://auth.corp.example/token", "", finding.Fail, finding.Low, finding.Pass},
		{"the same domain, named", home, "https://auth.corp.example/token", "https://auth.corp.example:443", finding.Pass, "", finding.Pass},
		{"the same domain, another port named", home, "https://auth.corp.example/token", "https://auth.corp.example:8443", finding.Fail, finding.Low, finding.Pass},
		{"another domain", home, "https://auth.corp.example.evil.test/token", "", finding.Fail, finding.Medium, finding.Pass},
		{"another domain under the same suffix", "registry.co.uk", "https://evil.co.uk/token", "", finding.Fail, finding.Medium, finding.Pass},
		{"an address", home, "http://10.1.2.3/token", "", finding.Fail, finding.Medium, finding.Fail},
		{"a well-known one of another", home, "https://auth.docker.io/token", "", finding.Fail, finding.Medium, finding.Pass},
		{"escapes", home, "https://a\x1b[31m.test/token", "", finding.Pass, "", finding.Pass},
	} {
		t.Run(c.name, func(t *testing.T) {
			front := labtest.BeforeTLS(t, d, func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
				w.Header().Set("WWW-Authenticate", `Bearer realm="`+c.realm+`",service="x"`)
				w.WriteHeader(401)
			})
			got := labtest.Prove(t, l, d, labtest.Setting{
				Probes: []probe.Probe{transport.RealmOrigin, transport.RealmScheme}, NoLogin: true,
				Change: func(o *probe.Options) {
					target := &o.Targets[0]
					target.Endpoints = []probe.Endpoint{{URL: &url.URL{Scheme: "https", Host: c.host + ":" + front.Port()}}}
					target.Trust.Insecure = true
					if c.known != "" {
						target.Realms = []credential.Origin{c.known}
					}
					o.Resolve[c.host] = []netip.Addr{labtest.AddressOf(t, front)}
				},
			})
			origin, _ := got.Probe("transport/realm-origin")
			scheme, _ := got.Probe("transport/realm-scheme")
			if origin.Outcome != c.origin || c.severity != "" && origin.Severity != c.severity || scheme.Outcome != c.scheme {
				t.Errorf("origin %s %s: %s; scheme %s: %s", origin.Outcome, origin.Severity, origin.Reason, scheme.Outcome, scheme.Reason)
			}
		})
	}
}
