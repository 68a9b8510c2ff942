// SPDX-License-Identifier: Apache-2.0

package token

import (
	"testing"
	"time"

	"github.com/regproof/regproof/probe"
)

// TestStateInTime: a credential that is refused at the first question after its
// time was not seen to open anything then.
func TestStateInTime(t *testing.T) {
	const within = 10 * time.Second
	type step struct {
		at             time.Duration
		opens, refused bool
	}
	for _, tc := range []struct {
		name              string
		steps             []step
		late, done, stays bool
	}{
		{"it opens too late", []step{{8 * time.Second, true, false}, {11 * time.Second, true, false}}, true, false, true},
		{"refused at the first question after its time", []step{{8 * time.Second, true, false}, {11 * time.Second, false, true}}, false, false, false},
		{"and once more", []step{{8 * time.Second, true, false}, {11 * time.Second, false, true}, {13 * time.Second, false, true}}, false, true, false},
		{"refused once, and opened again too late", []step{{9 * time.Second, false, true}, {11 * time.Second, true, false}}, true, false, true},
		{"neither", []step{{8 * time.Second, true, false}, {11 * time.Second, false, false}}, true, false, false},
	} {
		var s state
		for _, x := range tc.steps {
			s.add(x.at, x.opens, probe.Answer{Problem: "429"}, x.refused, nil)
		}
		now := tc.steps[len(tc.steps)-1].at
		if s.late(now, within) != tc.late || s.done() != tc.done || s.stays(within) != tc.stays {
			t.Errorf("%s: late %v, done %v, stays %v", tc.name, s.late(now, within), s.done(), s.stays(within))
		}
	}
}
