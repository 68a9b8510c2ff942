// SPDX-License-Identifier: Apache-2.0

package token_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/internal/labtest"
	"github.com/regproof/regproof/probe"
	"github.com/regproof/regproof/probes/token"
)

func TestExpiry(t *testing.T) {
	l := labtest.Open(t)
	quick := token.ExpiryAfter(0, time.Minute)
	for _, tc := range []struct {
		name     string
		h        *house
		slow     bool
		outcome  finding.Outcome
		severity finding.Severity
		words    string
	}{
		{"ended tokens open", &house{lifetime: 2 * time.Second, lives: true}, true, finding.Fail, finding.High, "works after its end"},
		{"ended tokens are refused", &house{lifetime: 2 * time.Second}, true, finding.Pass, "", "refused (401), and a new token is not"},
		{"without --slow", &house{lifetime: 2 * time.Second, lives: true}, false, finding.NotChecked, "", "it needs --slow"},
		{"too long", &house{lifetime: 2 * time.Minute, lives: true}, true, finding.NotChecked, "", "no longer than 60 s is waited for"},
		{"longer than the run", &house{lifetime: 58 * time.Second, lives: true}, true, finding.NotChecked, "", "--timeout 3m0s or more is needed"},
		{"opaque, and open for ever", &house{opaque: true, expiresIn: 1, lives: true}, true, finding.Fail, finding.High, "expires_in says 1 s"},
		{"opaque, and not told", &house{opaque: true, lives: true}, true, finding.NotChecked, "", "--timeout"},
		{"no end", &house{noEnd: true}, false, finding.Fail, finding.Medium, "tokens without an end"},
		{"the end of time", &house{claims: map[string]any{"exp": int64(9223372036825200000)}}, true, finding.NotChecked, "", "more than a hundred years"},
		{"open", &house{lifetime: 2 * time.Second, open: true}, true, finding.NotApplicable, "", "no token service"},
		{"no tokens", &house{plain: true}, true, finding.NotApplicable, "", "no token service"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c := tc.h.prove(t, l, func(o *probe.Options) { o.Slow = tc.slow }, quick)
			want(t, c, "expiry", tc.outcome, tc.severity, tc.words)
		})
	}
}

// TestExpiryWaitsBeside: the wait is told, holds up nobody, and ends with the run.
func TestExpiryWaitsBeside(t *testing.T) {
	l := labtest.Open(t)
	h := &house{lifetime: 3 * time.Second}
	var mu sync.Mutex
	var told []string
	c := h.prove(t, l, func(o *probe.Options) {
		o.Slow = true
		o.Progress = func(p probe.Progress) {
			mu.Lock()
			defer mu.Unlock()
			told = append(told, p.Doing)
		}
	}, append(probes("query", "lifetime"), token.ExpiryAfter(0, time.Minute))...)
	want(t, c, "expiry", finding.Pass, "", "refused")
	if last := c.Findings[len(c.Findings)-1]; last.Probe != "token/expiry" {
		t.Errorf("the last finding is of %s", last.Probe)
	}
	if !slices.ContainsFunc(told, func(s string) bool { return strings.Contains(s, "for the end of a token") }) {
		t.Errorf("told %q", told)
	}
	if told[len(told)-1] != "" {
		t.Errorf("at the end it is said to be %q", told[len(told)-1])
	}
}

func TestExpiryInterrupted(t *testing.T) {
	l := labtest.Open(t)
	h := &house{lifetime: 20 * time.Second}
	stop := make(chan struct{})
	defer close(stop)
	// A front that hangs would not do: the run itself is at its end.
	var o probe.Options
	h.prove(t, l, func(p *probe.Options) { o = *p }, probes("lifetime")...)
	o.Probes, o.Slow = []probe.Probe{token.ExpiryAfter(0, time.Minute)}, true
	ctx, cancel := context.WithCancel(t.Context())
	o.Progress = func(p probe.Progress) {
		if strings.Contains(p.Doing, "waiting") {
			cancel()
		}
	}
	c := &labtest.Collected{}
	if _, err := probe.Run(ctx, o, c); err != nil {
		t.Fatal(err)
	}
	want(t, c, "expiry", finding.NotChecked, "", "interrupted")
}

// revoking is how a house takes ci's credential away.
type revoking struct {
	h        *house
	fails    bool
	restored int
	revoked  int
}

func (r *revoking) change(within time.Duration, slow bool) func(*probe.Options) {
	set := func(v bool) { r.h.mu.Lock(); r.h.revoked = v; r.h.mu.Unlock() }
	return func(o *probe.Options) {
		o.Slow = slow
		o.Revocation = &probe.Revocation{
			Identity: "ci", Within: within,
			Revoke: func(context.Context) error {
				r.revoked++
				if r.fails {
					return errors.New("exit status 3")
				}
				set(true)
				return nil
			},
			Restore: func(context.Context) error { r.restored++; set(false); return nil },
		}
	}
}

func TestRevocation(t *testing.T) {
	l := labtest.Open(t)
	quick := token.RevocationEvery(200*time.Millisecond, time.Second, time.Minute)
	for _, tc := range []struct {
		name    string
		h       *house
		fails   bool
		within  time.Duration
		outcome finding.Outcome
		words   []string
	}{
		{"it counts", &house{lifetime: 3 * time.Second}, false, 5 * time.Second, finding.Pass, []string{"the credential was refused after 0.", "the token from before was refused after", "ci is given no refresh token"}},
		{"it counts, with Basic", &house{plain: true}, false, time.Second, finding.Pass, []string{"the credential was refused after 0."}},
		{"the credential survives", &house{lifetime: 2 * time.Second, survives: true}, false, time.Second, finding.Fail, []string{"still gets in with the credential that was revoked"}},
		{"the credential survives, with Basic", &house{plain: true, survives: true}, false, time.Second, finding.Fail, []string{"still gets in"}},
		{"the token outlives its end", &house{lifetime: 2 * time.Second, lives: true}, false, time.Second, finding.Fail, []string{"outlives its end"}},
		{"the token lives too long", &house{lifetime: 2 * time.Minute}, false, time.Second, finding.Pass, []string{"was followed no longer"}},
		{"the command fails", &house{}, true, time.Second, finding.Unknown, []string{"check.revoke.command: exit status 3"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			r := &revoking{h: tc.h, fails: tc.fails}
			c := tc.h.prove(t, l, r.change(tc.within, true), quick)
			f := want(t, c, "revocation", tc.outcome, finding.High, tc.words...)
			if f.Identity != "ci" || r.revoked != 1 || r.restored != 1 {
				t.Errorf("identity %s, revoked %d times, restored %d times", f.Identity, r.revoked, r.restored)
			}
			if tc.h.revoked || strings.Contains(f.Reason, "does not work again") {
				t.Errorf("the credential is not back: %s", f.Reason)
			}
		})
	}
}

// TestRevocationLeavesAlone: nothing is run without --slow, in a plan, or where
// the credential did not work before.
func TestRevocationLeavesAlone(t *testing.T) {
	l := labtest.Open(t)
	quick := token.RevocationEvery(100*time.Millisecond, 0, time.Minute)
	for _, tc := range []struct {
		name    string
		change  func(*probe.Options)
		slow    bool
		outcome finding.Outcome
		words   string
	}{
		{"no --slow", nil, false, finding.NotChecked, "it needs --slow"},
		{"not configured", func(o *probe.Options) { o.Revocation = nil }, true, finding.NotChecked, "check.revoke"},
		{"nobody of this registry", func(o *probe.Options) { o.Revocation.Identity = "dev" }, true, finding.NotApplicable, "dev is no identity"},
		{"longer than the run", func(o *probe.Options) { o.Revocation.Within = time.Hour }, true, finding.NotChecked, "longer --timeout"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			h := &house{}
			r := &revoking{h: h}
			c := h.prove(t, l, func(o *probe.Options) {
				r.change(time.Second, tc.slow)(o)
				if tc.change != nil {
					tc.change(o)
				}
			}, quick)
			want(t, c, "revocation", tc.outcome, "", tc.words)
			if r.revoked+r.restored != 0 {
				t.Error("a command was run")
			}
		})
	}
	t.Run("a plan", func(t *testing.T) {
		h := &house{plain: true}
		r := &revoking{h: h}
		var o probe.Options
		h.prove(t, l, func(p *probe.Options) { r.change(time.Second, true)(p); p.Slow = false; o = *p }, quick)
		o.Slow = true
		if _, err := probe.Plan(t.Context(), o, probe.DefaultShape); err != nil || r.revoked+r.restored != 0 {
			t.Errorf("revoked %d times, restored %d times: %v", r.revoked, r.restored, err)
		}
	})
}

func TestRevocationInterrupted(t *testing.T) {
	l := labtest.Open(t)
	h := &house{survives: true}
	r := &revoking{h: h}
	var o probe.Options
	h.prove(t, l, func(p *probe.Options) { r.change(20*time.Second, true)(p); o = *p }, probes("lifetime")...)
	o.Probes = []probe.Probe{token.RevocationEvery(100*time.Millisecond, 0, 0)}
	ctx, cancel := context.WithCancel(t.Context())
	o.Progress = func(p probe.Progress) {
		if strings.Contains(p.Doing, "watching") {
			cancel()
		}
	}
	c := &labtest.Collected{}
	if _, err := probe.Run(ctx, o, c); err != nil {
		t.Fatal(err)
	}
	want(t, c, "revocation", finding.NotChecked, "", "interrupted")
	if r.revoked != 1 || r.restored != 1 {
		t.Errorf("revoked %d times, restored %d times", r.revoked, r.restored)
	}
}
