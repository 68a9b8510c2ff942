// SPDX-License-Identifier: Apache-2.0

package exposure_test

import (
	"testing"

	"github.com/regproof/regproof/access"
	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/internal/labtest"
	"github.com/regproof/regproof/lab"
	"github.com/regproof/regproof/policy"
	"github.com/regproof/regproof/probe"
	"github.com/regproof/regproof/probes/exposure"
)

// TestPublicImages: that strangers may pull everything opens no debug port, and
// says nothing of how clients are configured.
func TestPublicImages(t *testing.T) {
	l := labtest.Open(t)
	d := labtest.Door(t, l, lab.DoorOptions{})
	open := policy.Policy{Rules: []policy.Rule{{Who: []string{"anonymous"}, Repos: []string{"**"}, Can: []access.Action{access.Pull}}}}
	got := labtest.Prove(t, l, d, labtest.Setting{Probes: []probe.Probe{exposure.DebugPort, exposure.ClientConfiguration}, Policy: open})
	if len(got.Findings) != 2 {
		t.Errorf("%d findings", len(got.Findings))
	}
	for _, f := range got.Findings {
		if f.Outcome == finding.NotApplicable {
			t.Errorf("%s: %s", f.Probe, f.Reason)
		}
	}
}
