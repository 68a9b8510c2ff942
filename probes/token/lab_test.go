// SPDX-License-Identifier: Apache-2.0

package token_test

import (
	"testing"

	"github.com/regproof/regproof/internal/labtest"
	"github.com/regproof/regproof/lab"
	"github.com/regproof/regproof/probes/token"
)

func TestQuick(t *testing.T) {
	l := labtest.Open(t)
	for _, name := range []string{"sound-token", "sound-basic", "anon-token"} {
		t.Run(name, func(t *testing.T) {
			d := labtest.Door(t, l, lab.DoorOptions{Weaknesses: []string{name}})
			c := labtest.Prove(t, l, d, labtest.Setting{Probes: token.All()})
			for _, f := range c.Findings {
				t.Logf("%s %s: %s | %s", f.Outcome, f.Probe, f.Reason, f.Message)
			}
			t.Log(d.Requests())
		})
	}
}
