// SPDX-License-Identifier: Apache-2.0

package ingress_test

import (
	"net/http"
	"testing"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/internal/labtest"
	"github.com/regproof/regproof/lab"
	"github.com/regproof/regproof/probe"
	"github.com/regproof/regproof/probes/ingress"
)

// TestPublicName: a name in the certificate that the configuration calls public
// is no way past the guard of another name.
func TestPublicName(t *testing.T) {
	l := labtest.Open(t)
	user, password := l.User()
	d := labtest.Door(t, l, lab.DoorOptions{})
	front := labtest.BeforeTLS(t, d, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if r.Host == "example.com" { // which stands in the certificate of httptest
			r.SetBasicAuth(user, password)
		}
		next.ServeHTTP(w, r)
	})
	public := *front
	public.Host = "example.com"
	for name, expect := range map[string]probe.Expect{"public": probe.Public, "same": probe.Same} {
		t.Run(name, func(t *testing.T) {
			got := labtest.Prove(t, l, d, labtest.Setting{Probes: []probe.Probe{ingress.Host, ingress.ServerName}, Change: func(o *probe.Options) {
				labtest.Instead(t, probe.Endpoint{URL: front}, probe.Endpoint{URL: &public, Expect: expect})(o)
				o.Targets[0].Trust.Insecure = true
				o.Targets[0].Endpoints[1].Address = labtest.AddressOf(t, front)
			}})
			for _, f := range got.Findings {
				if f.Endpoint == front.String() && (f.Outcome == finding.Fail) != (expect == probe.Same && f.Probe == ingress.Host.ID) {
					t.Errorf("%s is %s: %s %s", f.Probe, f.Outcome, f.Message, f.Reason)
				}
			}
		})
	}
}
