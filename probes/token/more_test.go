// SPDX-License-Identifier: Apache-2.0

package token_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/internal/labtest"
	"github.com/regproof/regproof/lab"
	"github.com/regproof/regproof/probe"
	"github.com/regproof/regproof/probes/token"
)

// more are the doors whose weakness shows with a flag or a configuration, with
// the probe and what it needs. The name after them is that of the sound twin.
var more = map[string]struct {
	twin   string
	probe  probe.Probe
	change func(*lab.Lab, *probe.Options)
}{
	"token-no-throttle": {"token-throttle", token.Throttling, func(_ *lab.Lab, o *probe.Options) { allow(probe.ManyPasswords)(o) }},
	"token-user-answer": {"sound-token", token.UserExistence, func(_ *lab.Lab, o *probe.Options) { allow(probe.WrongPassword)(o) }},
	"token-user-timing": {"token-same-time", token.UserTimingOf(20), func(l *lab.Lab, o *probe.Options) {
		allow(probe.WrongPassword)(o)
		o.Decoy, _ = l.Dev()
	}},
	"token-survives-revocation": {"sound-token-oauth", token.RevocationEvery(200*time.Millisecond, time.Second, time.Second), revokes},
	"token-refresh-survives":    {"sound-token-oauth", token.RevocationEvery(200*time.Millisecond, time.Second, time.Second), revokes},
}

// revokes takes the credential of the entitled away.
func revokes(l *lab.Lab, o *probe.Options) {
	name, _ := l.User()
	o.Slow = true
	o.Revocation = &probe.Revocation{
		Identity: name, Within: time.Second,
		Revoke:  func(context.Context) error { return l.Revoke(name) },
		Restore: func(context.Context) error { return l.Restore(name) },
	}
}

// TestLabMore holds what needs more than a plain run to its entries of the lab:
// the weak door fails, and its twin passes.
func TestLabMore(t *testing.T) {
	for name, m := range more {
		for _, door := range []string{name, m.twin} {
			t.Run(name+" at "+door, func(t *testing.T) {
				l := labtest.Open(t) // a revocation is one of all doors
				d := labtest.Door(t, l, lab.DoorOptions{Weaknesses: []string{door}})
				c := labtest.Prove(t, l, d, labtest.Setting{Probes: []probe.Probe{m.probe}, Policy: intended, Change: func(o *probe.Options) { m.change(l, o) }})
				for _, f := range c.Findings {
					t.Logf("%s %s: %s | %s", f.Outcome, f.Probe, f.Reason, f.Message)
				}
				outcome := finding.Pass
				if door == name {
					outcome = finding.Fail
				}
				if got := c.Of(outcome); !slices.Equal(got, []string{m.probe.ID}) {
					t.Errorf("%s: %v", outcome, got)
				}
			})
		}
	}
}

// TestRevocationOfAnother: what is watched is an image that the identity may read,
// not the first of the run.
func TestRevocationOfAnother(t *testing.T) {
	l := labtest.Open(t) // a revocation is one of all doors
	d := labtest.Door(t, l, lab.DoorOptions{Weaknesses: []string{"sound-token-oauth"}})
	c := labtest.Prove(t, l, d, labtest.Setting{
		Probes: []probe.Probe{token.RevocationEvery(200*time.Millisecond, time.Second, time.Second)}, Policy: intended, Dev: true, Also: []string{"team-b/tool:2.0"},
		Change: func(o *probe.Options) {
			name, _ := l.Dev()
			o.Slow = true
			o.Revocation = &probe.Revocation{
				Identity: name, Within: time.Second,
				Revoke:  func(context.Context) error { return l.Revoke(name) },
				Restore: func(context.Context) error { return l.Restore(name) },
			}
		},
	})
	f, _ := c.Probe("token/revocation")
	if f.Outcome != finding.Pass || f.Repository != "team-b/tool" {
		t.Errorf("%s for %s: %s", f.Outcome, f.Repository, f.Reason)
	}
}

// TestLabExpiry: of two doors with a leeway of one second, one ends tokens.
func TestLabExpiry(t *testing.T) {
	l := labtest.Open(t)
	for door, outcome := range map[string]finding.Outcome{"verify-no-exp": finding.Fail, "verify-sound": finding.Pass} {
		t.Run(door, func(t *testing.T) {
			t.Parallel()
			d := labtest.Door(t, l, lab.DoorOptions{Weaknesses: []string{door}, Lifetime: 3 * time.Second, Leeway: time.Second})
			c := labtest.Prove(t, l, d, labtest.Setting{Probes: []probe.Probe{token.ExpiryAfter(time.Second, time.Minute)}, Policy: intended, Change: slow})
			want(t, c, "expiry", outcome, finding.High, "2 s after its end")
		})
	}
}

// TestExpiryOfDistribution waits as long as the leeway of distribution really is.
func TestExpiryOfDistribution(t *testing.T) {
	if testing.Short() {
		t.Skip("it waits for more than a minute")
	}
	t.Parallel()
	l := labtest.Open(t)
	d := labtest.Door(t, l, lab.DoorOptions{Weaknesses: []string{"sound-token"}, Lifetime: 5 * time.Second})
	c := labtest.Prove(t, l, d, labtest.Setting{Probes: probes("expiry"), Policy: intended, Timeout: 3 * time.Minute, Change: slow})
	want(t, c, "expiry", finding.Pass, "", "70 s after its end")
}

// TestSoundWithEverything: with every flag, distribution is accused of nothing
// but of what is true of it: it lets passwords be guessed. A plan says as many
// requests as were sent.
func TestSoundWithEverything(t *testing.T) {
	for _, door := range []string{"sound-basic", "sound-token", "sound-token-oauth", "front-basic", "harbor-sound"} {
		t.Run(door, func(t *testing.T) {
			l := labtest.Open(t)
			d := labtest.Door(t, l, lab.DoorOptions{Weaknesses: []string{door}})
			var opts probe.Options
			mine := append(probes("empty-credential", "kind", "query", "lifetime", "basic", "user-existence", "throttling"), token.UserTimingOf(40))
			c := labtest.Prove(t, l, d, labtest.Setting{Probes: mine, Change: func(o *probe.Options) {
				allow(probe.WrongPassword, probe.ManyPasswords)(o)
				o.Decoy, _ = l.Dev()
				opts = *o
			}})
			for _, f := range c.Findings {
				t.Logf("%s %s: %s | %s", f.Outcome, f.Probe, f.Reason, f.Message)
				if f.Probe == token.UserTiming.ID && (door == "sound-basic" || door == "harbor-sound") {
					continue // its passwords are hashed at less than the cost of distribution's dummy hash, which is seen
				}
				if bad := f.Outcome == finding.Fail || f.Outcome == finding.Unknown || f.Outcome == finding.Error; bad != (f.Probe == token.Throttling.ID) {
					t.Errorf("%s is %s", f.Probe, f.Outcome)
				}
			}
			if door != "sound-basic" {
				return
			}
			rows, err := probe.Plan(t.Context(), opts, probe.Shape{Platforms: 2, Layers: 3, Attached: true})
			if err != nil {
				t.Fatal(err)
			}
			planned, logins := 0, 0
			for _, r := range rows {
				planned += r.Requests
				if r.Identity == probe.Guessing {
					logins += r.Requests
				}
			}
			// Two rounds may be needed, of which one was enough.
			if round := 3*40 + 1; logins != 1+4+20+2*round {
				t.Errorf("%d logins are planned", logins)
			}
			t.Logf("planned %d, sent %d", planned, d.Requests())
		})
	}
}
