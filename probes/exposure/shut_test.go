// SPDX-License-Identifier: Apache-2.0

package exposure_test

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/internal/labtest"
	"github.com/regproof/regproof/lab"
	"github.com/regproof/regproof/probe"
	"github.com/regproof/regproof/probes/exposure"
)

// TestShutUnseen: a door is not shut because this side does not believe its
// certificate, because it is out of order, or because DNS gives no answer.
func TestShutUnseen(t *testing.T) {
	l := labtest.Open(t)
	d := labtest.Door(t, l, lab.DoorOptions{})
	pass := func(w http.ResponseWriter, r *http.Request, next http.Handler) { next.ServeHTTP(w, r) }
	status := func(code int) labtest.Front {
		return func(w http.ResponseWriter, _ *http.Request, _ http.Handler) { w.WriteHeader(code) }
	}
	for _, c := range []struct {
		name   string
		url    *url.URL
		expect probe.Expect
		want   finding.Outcome
	}{
		{"a registry with a certificate of its own", labtest.BeforeTLS(t, d, pass), probe.Closed, finding.Fail},
		{"an error of a front", labtest.Before(t, d, status(502)), probe.Closed, finding.Unknown},
		{"a rate limit", labtest.Before(t, d, status(429)), probe.Closed, finding.Unknown},
		{"a web server", labtest.Before(t, d, status(404)), probe.Closed, finding.Pass},
	} {
		t.Run(c.name, func(t *testing.T) {
			primary, err := url.Parse(d.URL())
			if err != nil {
				t.Fatal(err)
			}
			got := labtest.Prove(t, l, d, labtest.Setting{Probes: []probe.Probe{exposure.ClosedDoor}, Change: labtest.Instead(t, probe.Endpoint{URL: primary}, probe.Endpoint{URL: c.url, Expect: c.expect})})
			for _, f := range got.Findings {
				if f.Endpoint == c.url.String() && f.Outcome != c.want {
					t.Errorf("%s: %s, want %s", f.Outcome, f.Reason, c.want)
				}
			}
		})
	}
}
