// SPDX-License-Identifier: Apache-2.0

package ingress_test

import (
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/internal/labtest"
	"github.com/regproof/regproof/lab"
	"github.com/regproof/regproof/probe"
	"github.com/regproof/regproof/probes/ingress"
)

// TestServedAtTimes: content that an odd way was served and is not served each
// time is no reason to say that the trial does not apply.
func TestServedAtTimes(t *testing.T) {
	l := labtest.Open(t)
	user, password := l.User()
	for _, c := range []struct {
		name string
		at   func(n int64) bool
	}{
		{"once", func(n int64) bool { return n == 1 }},
		{"by one replica of three", func(n int64) bool { return n%3 == 1 }},
	} {
		t.Run(c.name, func(t *testing.T) {
			var n atomic.Int64
			d := labtest.Door(t, l, lab.DoorOptions{})
			front := labtest.Before(t, d, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
				if r.URL.RawQuery == "token=x" && c.at(n.Add(1)) {
					r.SetBasicAuth(user, password)
				}
				next.ServeHTTP(w, r)
			})
			got := labtest.Prove(t, l, d, labtest.Setting{Probes: []probe.Probe{ingress.Query}, Change: labtest.Instead(t, probe.Endpoint{URL: front})})
			f, _ := got.Probe("ingress/query")
			if f.Outcome != finding.Fail && f.Outcome != finding.Unknown {
				t.Errorf("%s: %s", f.Outcome, f.Reason)
			}
			if len(f.Evidence) == 0 {
				t.Error("it cites nothing")
			}
		})
	}
}
