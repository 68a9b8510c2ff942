// SPDX-License-Identifier: Apache-2.0

package ingress_test

import (
	"testing"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/internal/labtest"
	"github.com/regproof/regproof/lab"
	"github.com/regproof/regproof/probe"
	"github.com/regproof/regproof/probes/ingress"
)

// TestOpenAddress: where one of two addresses is open to everybody, the odd ways
// are tried at the other, and none passes that was not tried.
func TestOpenAddress(t *testing.T) {
	l := labtest.Open(t)
	for _, c := range []struct {
		name  string
		holes []string
		want  finding.Outcome
	}{
		{"the other is sound", []string{"second-address-open"}, finding.Pass},
		{"the other opens to a query", []string{"second-address-open", "query-open"}, finding.Fail},
		{"both are open", []string{"no-auth", "second-address-open"}, finding.NotApplicable},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := labtest.Door(t, l, lab.DoorOptions{Weaknesses: c.holes})
			got := labtest.Prove(t, l, d, labtest.Setting{Probes: []probe.Probe{ingress.Query}})
			f, _ := got.Probe("ingress/query")
			if f.Outcome != c.want || (c.want != finding.NotApplicable && f.Attempts < 10) {
				t.Errorf("%s after %d attempts: %s, want %s", f.Outcome, f.Attempts, f.Reason, c.want)
			}
		})
	}
}
