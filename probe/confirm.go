// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"context"
	"fmt"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/oci"
)

// confirmations is how often a way in must work again, each time on a new
// connection.
const confirmations = 3

// maxSuspects bounds how many ways in are tried for one that can be confirmed.
const maxSuspects = 4

// confirmed finds the first way that opens again what the plain request is
// still denied: a failure. Without one it says what became of the first that
// was served: it is no matter of this probe where the plain request is served
// at times too, one replica of several being open. What was served and cannot
// be had again each time is a failure all the same.
func (t *Trial) confirmed(ctx context.Context, odd []Verdict) (*Verdict, finding.Outcome, string) {
	var first *Verdict
	suspects := 0
	for i := range odd {
		v := &odd[i]
		if v.Outcome != finding.Fail || suspects >= maxSuspects {
			continue
		}
		suspects++
		if first == nil {
			first = v
		}
		// That the manifest is open each time says nothing of a layer that is not.
		if n := t.unsteady(ctx, v.lane, v.attempt.plain.Direct); n > 0 && (n < replicaTries || v.attempt.Request.Kind == oci.Manifest) {
			return v, finding.NotApplicable, fmt.Sprintf("the plain request is served at times too (%d of %d), which ingress/replicas tells", n, replicaTries)
		}
		if t.plainlyOpen(ctx, v) {
			return v, finding.NotApplicable, "it is open to everybody, without any trick; a rate limit or a ban denied it for a while"
		}
		if t.opensAgain(ctx, v) {
			return v, finding.Fail, ""
		}
	}
	if first == nil {
		return nil, "", ""
	}
	// Content is its own proof, also when it cannot be had again.
	first.Message += ", and not each time when it was asked again"
	return first, finding.Fail, ""
}

// plainlyOpen asks plainly for what an odd way was served, on new connections
// and with time between: what denied it may have been a rate limit.
func (t *Trial) plainlyOpen(ctx context.Context, v *Verdict) bool {
	for n := range confirmations {
		if n > 0 && sleep(ctx, isolation) != nil {
			return false
		}
		a := *v.attempt.plain
		a.Class, a.AllLanes, a.Again, a.Fresh, a.Confirms = Canonical, false, n+1, true, true
		if t.try(ctx, a, v.lane).Outcome == finding.Fail {
			return true
		}
	}
	return false
}

// opensAgain repeats a way in on new connections, the last time with nothing
// in the request that it does not need. If that is served too, it is the
// evidence: the smallest request that shows it.
func (t *Trial) opensAgain(ctx context.Context, v *Verdict) bool {
	for n := range confirmations {
		a := v.attempt
		a.Again, a.Fresh, a.Confirms = n+1, true, true
		again := t.try(ctx, a, v.lane)
		if again.Outcome != finding.Fail {
			return false
		}
		v.Evidence = append(v.Evidence, again.Evidence...)
	}
	a := v.attempt
	a.Again, a.Fresh, a.Bare, a.Confirms = confirmations+1, true, true, true
	if small := t.try(ctx, a, v.lane); small.Outcome == finding.Fail {
		v.Evidence = append(v.Evidence, small.Evidence...) // reports show the last
	}
	v.Evidence = v.Evidence[max(0, len(v.Evidence)-4):]
	return true
}

// replicaTries is how often the plain request is asked on new connections, to
// see whether all replicas behind an address answer alike.
const replicaTries = 20

// unsteady says how often the plain manifest request was served on new
// connections. It is asked once for each lane.
func (t *Trial) unsteady(ctx context.Context, lane Lane, direct bool) int {
	n := 0
	for _, v := range t.repeated(ctx, lane, direct, true) {
		if v.Outcome == finding.Fail {
			n++
		}
	}
	return n
}
