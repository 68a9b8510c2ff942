// SPDX-License-Identifier: Apache-2.0

package token_test

import (
	"testing"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/internal/labtest"
	"github.com/regproof/regproof/lab"
	"github.com/regproof/regproof/probe"
	"github.com/regproof/regproof/probes/ingress"
	"github.com/regproof/regproof/probes/token"
)

// TestBasicOfAnybody: where any credential opens the image, that a password does
// is no matter of its own.
func TestBasicOfAnybody(t *testing.T) {
	l := labtest.Open(t)
	d := labtest.Door(t, l, lab.DoorOptions{Weaknesses: []string{"any-authorization-open"}, Auth: lab.Token})
	c := labtest.Prove(t, l, d, labtest.Setting{Probes: []probe.Probe{token.Basic, ingress.Authorization}})
	if f, ok := c.Probe("token/basic"); !ok || f.Outcome != finding.NotApplicable {
		t.Errorf("%s: %s (%s)", f.Outcome, f.Reason, f.Message)
	}
}
