// SPDX-License-Identifier: Apache-2.0

package token

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/regproof/regproof/login"
	"github.com/regproof/regproof/probe"
	"github.com/regproof/regproof/wire"
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

// TestEndsAt: a registry whose clock is two minutes behind, and that tells no Date,
// is not waited for too short.
func TestEndsAt(t *testing.T) {
	const life, behind = 300, 120
	begin := time.Now().Unix() - behind
	claims := map[string]any{"exp": json.Number(fmt.Sprint(begin + life)), "iat": json.Number(fmt.Sprint(begin))}
	o := own{minted: probe.Minted{JWT: &login.JWT{Claims: claims}}}
	if end, of := endsAt(o); time.Until(end) < (life-2)*time.Second {
		t.Errorf("%s from now: %s", time.Until(end), of)
	}
	o.used.Header = wire.Header{{"Date", time.Unix(begin, 0).UTC().Format(http.TimeFormat)}}
	delete(claims, "iat")
	if end, of := endsAt(o); time.Until(end) < (life-2)*time.Second {
		t.Errorf("by its Date, %s from now: %s", time.Until(end), of)
	}
}
