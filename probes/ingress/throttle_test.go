// SPDX-License-Identifier: Apache-2.0

package ingress_test

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/internal/labtest"
	"github.com/regproof/regproof/lab"
	"github.com/regproof/regproof/probe"
	"github.com/regproof/regproof/probes/ingress"
)

// TestLimitedForAWhile: a layer that is open to everybody, and that a rate limit
// denied when it was asked for plainly, is no doing of the odd way that came
// after the limit.
func TestLimitedForAWhile(t *testing.T) {
	l := labtest.Open(t)
	user, password := l.User()
	d := labtest.Door(t, l, lab.DoorOptions{})
	var plain atomic.Int64
	front := labtest.Before(t, d, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if strings.Contains(r.URL.Path, "/blobs/") && r.Header.Get("Authorization") == "" {
			if r.URL.RawQuery == "" && plain.Add(1) == 1 {
				http.Error(w, "slow down", http.StatusForbidden)
				return
			}
			r.SetBasicAuth(user, password)
		}
		next.ServeHTTP(w, r)
	})
	c := labtest.Prove(t, l, d, labtest.Setting{Probes: []probe.Probe{ingress.Query}, Change: labtest.Instead(t, probe.Endpoint{URL: front})})
	if f, _ := c.Probe("ingress/query"); f.Outcome == finding.Fail || f.Outcome == finding.Pass {
		t.Errorf("%s: %s (%s)", f.Outcome, f.Message, f.Reason)
	}
}

// TestLeftAlone: once a door has banned strangers nothing odd is asked, and what
// was not asked is not said to hold.
func TestLeftAlone(t *testing.T) {
	l := labtest.Open(t)
	c := labtest.Prove(t, l, labtest.Door(t, l, lab.DoorOptions{Weaknesses: []string{"ban-sound"}}), labtest.Setting{Probes: both()})
	left := 0
	for _, f := range c.Findings {
		switch {
		case f.Outcome == finding.Fail:
			t.Errorf("accused: %s: %s", f.Probe, f.Message)
		case f.Required && f.Outcome != finding.Pass:
			t.Errorf("not proven: %s is %s: %s", f.Probe, f.Outcome, f.Reason)
		case f.Outcome == finding.NotChecked && strings.Contains(f.Reason, "left alone"):
			left++
		}
	}
	if left < 10 {
		t.Errorf("%d probes left the door alone", left)
	}
}
