// SPDX-License-Identifier: Apache-2.0

package immutability_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/internal/labtest"
	"github.com/regproof/regproof/lab"
	"github.com/regproof/regproof/probes/immutability"
)

// TestHostile: a registry that means harm breaks nothing, learns nothing, and is
// accused of nothing that it did not do.
func TestHostile(t *testing.T) {
	l := labtest.Open(t)
	for _, w := range lab.Weaknesses() {
		if w.Kind != lab.Hostile {
			continue
		}
		t.Run(w.Name, func(t *testing.T) {
			t.Parallel()
			d := labtest.Door(t, l, lab.DoorOptions{Weaknesses: []string{w.Name}})
			c := labtest.Prove(t, l, d, labtest.Setting{Probes: immutability.All(), Change: writing(t, "box-hostile-"+w.Name), Timeout: 5 * time.Second})
			for _, f := range c.Findings {
				if f.Outcome == finding.Error {
					t.Errorf("%s broke: %s\n%s", f.Probe, f.Reason, f.Message)
				}
				t.Logf("%s %s: %s; %s", f.Outcome, f.Probe, f.Message, f.Reason)
			}
			for _, n := range c.Summary.Notes {
				t.Log(n)
			}
			if _, secret := l.User(); bytes.Contains(dump(t, c), []byte(secret)) {
				t.Error("the password is in what the run leaves behind")
			}
		})
	}
}
