// SPDX-License-Identifier: Apache-2.0

package token_test

import (
	"context"
	"testing"
	"time"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/internal/labtest"
	"github.com/regproof/regproof/lab"
	"github.com/regproof/regproof/probe"
	"github.com/regproof/regproof/probes/token"
)

// TestRevocationEndsWithTheToken: a verifier that gives a token its whole leeway
// and not a moment more is sound, and one that looks at no end is not.
func TestRevocationEndsWithTheToken(t *testing.T) {
	for door, want := range map[string]finding.Outcome{"verify-sound": finding.Pass, "verify-no-exp": finding.Fail} {
		t.Run(door, func(t *testing.T) {
			l := labtest.Open(t) // a revocation is one of all doors
			d := labtest.Door(t, l, lab.DoorOptions{Weaknesses: []string{door}, Lifetime: 2 * time.Second, Leeway: time.Second})
			name, _ := l.User()
			// So seldom that a refusal is seen once before the end, and not twice.
			quick := token.RevocationEvery(1500*time.Millisecond, time.Second, time.Minute)
			c := labtest.Prove(t, l, d, labtest.Setting{Probes: []probe.Probe{quick}, Policy: intended, Change: func(o *probe.Options) {
				o.Slow = true
				o.Revocation = &probe.Revocation{
					Identity: name, Within: 5 * time.Second,
					Revoke:  func(context.Context) error { return l.Revoke(name) },
					Restore: func(context.Context) error { return l.Restore(name) },
				}
			}})
			f, _ := c.Probe("token/revocation")
			if f.Outcome != want {
				t.Errorf("%s: %s %s, want %s", f.Outcome, f.Message, f.Reason, want)
			}
		})
	}
}
