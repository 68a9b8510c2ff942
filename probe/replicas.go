// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/regproof/regproof/finding"
)

// repetition is the plain request, asked many times of one lane.
type repetition struct {
	once sync.Once
	got  []Verdict
}

// repeated is what is asked many times: on a lane, with or without the token
// that everybody gets.
type repeated struct {
	lane   Lane
	direct bool
}

// repeated asks for the manifest plainly, as a stranger, each time on a new
// connection: a balancer may send each to another replica. It is done once for
// each lane of a group, whoever asks first. confirms says that a leak was seen,
// which no budget may hide.
func (t *Trial) repeated(ctx context.Context, lane Lane, direct, confirms bool) []Verdict {
	g := t.group
	g.mu.Lock()
	if g.repeated == nil {
		g.repeated = map[repeated]*repetition{}
	}
	key := repeated{lane, direct}
	r := g.repeated[key]
	if r == nil {
		r = &repetition{}
		g.repeated[key] = r
	}
	g.mu.Unlock()
	r.once.Do(func() {
		r.got = make([]Verdict, replicaTries)
		var wg sync.WaitGroup
		for i := range r.got {
			wg.Go(func() {
				a := Attempt{Variant: fmt.Sprintf("new connection %d", i+1), Class: Variant, Request: g.coldRequest(), Fresh: true, Direct: direct, Confirms: confirms}
				if k := t.Known(); k != nil {
					a.Content = k.Root
				}
				r.got[i] = t.try(ctx, a, lane)
			})
		}
		wg.Wait()
	})
	return r.got
}

func countOf(verdicts []Verdict, o finding.Outcome) int {
	n := 0
	for _, v := range verdicts {
		if v.Outcome == o {
			n++
		}
	}
	return n
}

// Replicas judges whether every replica behind each address denies.
func (t *Trial) Replicas(ctx context.Context, plain Attempt) Result {
	t.turn(ctx)
	plain.Class, plain.AllLanes, plain.step = Canonical, false, true
	base := t.tryAll(ctx, []Attempt{plain})
	all, mixed := []Verdict{}, false
	for _, lane := range t.door.addressLanes() {
		got := t.repeated(ctx, lane, false, false)
		// An address that serves every time is no matter of replicas.
		if open := countOf(got, finding.Fail); open == len(got) {
			base = slices.DeleteFunc(base, func(v Verdict) bool { return v.lane == lane })
			continue
		} else if open > 0 {
			mixed = true
		}
		all = append(all, got...)
	}
	t.done(ctx)
	base = t.settle(ctx, base)
	r := t.result(base)
	r.Attempts += len(all)
	served, denied := countOf(all, finding.Fail), countOf(all, finding.Pass)
	var first *Verdict
	for i := range all {
		if all[i].Outcome == finding.Fail {
			first = &all[i]
			break
		}
	}
	switch {
	case r.Outcome == finding.Fail && !mixed && denied < len(all), len(all) == 0: // another probe tells
		return Result{Outcome: finding.NotApplicable, Reason: "it is open to everybody", Attempts: r.Attempts}
	case r.Outcome == finding.Fail && served == 0:
		r.Outcome, r.Observed, r.Reason = finding.Unknown, "unknown", fmt.Sprintf("served once, and denied on each of %d new connections", len(all))
	case served > 0 && cameFromCache(t.fromCache(ctx, *first)):
		return Result{Outcome: finding.NotApplicable, Reason: "a cache serves it, which " + CachedContent + " tells", Attempts: r.Attempts}
	case served > 0:
		r.Outcome, r.Observed = finding.Fail, "allow"
		r.Subject, r.Evidence, r.Control = first.Subject, first.Evidence, append(slices.Clone(first.Control), r.Evidence...)
		r.Address, r.Protocol, r.Variant = first.lane.Address.Addr().String(), string(first.lane.Proto), fmt.Sprintf("%d of %d new connections", served, len(all))
		r.Reason = "served without credentials, at times"
		r.Message = fmt.Sprintf("the manifest is served without credentials on %d of %d new connections, and denied on the others: one of several replicas lacks the guard", served, len(all))
	case r.Outcome == finding.Pass && denied < len(all):
		r.Outcome, r.Observed = finding.Unknown, "unknown"
		r.Reason = fmt.Sprintf("%d of %d new connections had no answer that says anything", len(all)-denied, len(all))
	case r.Outcome == finding.Pass:
		r.Reason = fmt.Sprintf("denied on each of %d new connections; %s", len(all), r.Reason)
	}
	return r
}
