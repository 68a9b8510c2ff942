// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/regproof/regproof/oci"
)

// sentinelEvery is how many answers a batch may hold before the next round of
// sentinels.
const sentinelEvery = 20

// firstAnonymous names the sentinel that repeats what was asked first.
const firstAnonymous = "the first anonymous request"

// patience is how long a door that throttles is given to recover.
const patience = 20 * time.Second

// slowly is the interval between requests after a door has throttled.
const slowly = 200 * time.Millisecond

// sentinels are requests whose answers are known, repeated to see whether the
// door still answers as it did: else its denials may be those of a ban or a
// rate limit, and prove nothing.
type sentinels struct {
	door *door

	mu     sync.Mutex
	rounds []round
	ban    bool
	count  int64 // answers since the last round
}

// reference is one sentinel: a question, and the status that it had before.
type reference struct {
	what   string
	q      question
	status int
}

// round is one repetition of all sentinels.
type round struct {
	begin, end int64
	good       bool
	why        string
}

// newSentinels begins with a good round: the first answers themselves.
func newSentinels(d *door) *sentinels { return &sentinels{door: d, rounds: []round{{good: true}}} }

// watch adds a sentinel to the group.
func (g *group) watch(what string, q question, status int) {
	q.private, q.watches = true, true
	q.variant = true // a sentinel is not repeated: its first answer counts
	g.refs = append(g.refs, reference{what: what, q: q, status: status})
}

// firstStatus is the status of the first anonymous answer at an address.
func (g *group) firstStatus(at netip.AddrPort) int {
	for _, r := range g.refs {
		if r.q.lane.Address == at && r.what == firstAnonymous {
			return r.status
		}
	}
	return 0
}

// answered counts answers, and says whether a round is due.
func (s *sentinels) answered() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.count++
	return s.count%sentinelEvery == 0
}

// check makes one round now. Rounds are never shared between groups: how many
// there are must not depend on timing, or no plan could tell.
func (s *sentinels) check(ctx context.Context, g *group) round {
	r := s.once(ctx, g)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rounds = append(s.rounds, r)
	slices.SortFunc(s.rounds, func(a, b round) int { return cmp.Compare(a.begin, b.begin) })
	s.rounds = ends(s.rounds)
	return r
}

// ends drops good rounds that stand between good ones: only the first after a
// bad one and the last before one say anything.
func ends(rounds []round) []round {
	var out []round
	for i, r := range rounds {
		if r.good && i > 0 && i < len(rounds)-1 && rounds[i-1].good && rounds[i+1].good {
			continue
		}
		out = append(out, r)
	}
	return out
}

// once asks them all. That a stranger is served what he was denied is no bad
// sign, nor that he is denied with a challenge what he was served: no ban opens
// anything or asks for a password, but a cache and an open replica do.
func (s *sentinels) once(ctx context.Context, g *group) round {
	r := round{begin: s.door.clock.Add(1), good: true}
	var mu sync.Mutex
	var wg sync.WaitGroup
	for _, ref := range g.refs {
		wg.Go(func() {
			a := g.sentinel(ctx, ref.q)
			g.opens(ref, a)
			mu.Lock()
			defer mu.Unlock()
			if a.NotAsked != "" {
				r.good, r.why = false, a.NotAsked
			} else if got := a.status(ref.q); got != ref.status && !(ref.q.id.Anonymous() && (got/100 == 2 || signed(a.First))) && !(ref.status == 200 && got/100 == 3 && !ref.q.id.Anonymous()) && ctx.Err() == nil {
				r.good = false
				r.why = fmt.Sprintf("%s answered %s, before it was %d", ref.what, statusText(a, got), ref.status)
			}
		})
	}
	wg.Wait()
	if ctx.Err() != nil {
		r.good, r.why = false, "interrupted"
	}
	r.end = s.door.clock.Add(1)
	return r
}

// opens keeps the answer of a sentinel that served what the first request was
// denied: behind a rate limit it may be the only one that gets through.
func (g *group) opens(ref reference, a Answer) {
	if ref.what != firstAnonymous || ref.status/100 == 2 || a.First.Status/100 != 2 {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.opened == nil {
		g.opened = map[Lane]Answer{}
	}
	g.opened[ref.q.lane] = a
}

// askAlone asks the first request once more, after silence and with nothing
// beside it: a rate limit that lets a single one through lets this one through.
func (g *group) askAlone(ctx context.Context) bool {
	for _, ref := range g.refs {
		if ref.what == firstAnonymous && sleep(ctx, 0) == nil {
			g.opens(ref, g.sentinel(ctx, ref.q))
		}
	}
	return ctx.Err() == nil
}

// sentinel asks without regard to budgets: it is what keeps them honest.
func (g *group) sentinel(ctx context.Context, q question) Answer {
	var a Answer
	r := g.door.request(q)
	if q.id.Anonymous() {
		a.First = g.send(ctx, q, r, &a)
		a.Response = a.First
	} else {
		g.askEntitled(ctx, q, r, &a)
	}
	return a
}

// status is the answer that a sentinel compares: to anonymous the first, before
// any login.
func (a Answer) status(q question) int {
	if q.id.Anonymous() {
		return a.First.Status
	}
	return a.Status
}

func statusText(a Answer, status int) string {
	if status == 0 {
		return strings.ToLower(string(a.Failure))
	}
	return fmt.Sprint(status)
}

// tainted says why what was asked between begin and end proves nothing: a
// round that was not good may have begun to be so since the last good one. It
// returns "" when the answer stands.
func (s *sentinels) tainted(begin, end int64) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	from := int64(-1) // end of the last good round: what began after it is in doubt
	for i, r := range s.rounds {
		if r.good {
			from = r.begin
			continue
		}
		until := int64(1) << 62
		for _, later := range s.rounds[i+1:] {
			if later.good {
				until = later.begin
				break
			}
		}
		if end > from && begin < until {
			return r.why
		}
	}
	return ""
}

// good says whether the last round was.
func (s *sentinels) good() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.rounds) > 0 && s.rounds[len(s.rounds)-1].good
}

func (s *sentinels) banned() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ban
}

// recover waits until the sentinels are as they were, and makes the door slow
// from then on. It says whether they are.
func (s *sentinels) recover(ctx context.Context, g *group) bool {
	s.door.slow.Lock()
	defer s.door.slow.Unlock()
	if s.banned() || s.door.run.exhausted() {
		return false
	}
	if s.good() && s.door.pace.slowed() {
		return true // it has recovered already
	}
	deadline := time.Now().Add(patience)
	for wait := time.Second; time.Now().Before(deadline); wait *= 2 {
		if sleep(ctx, wait) != nil {
			return false
		}
		if wait < 4*time.Second && (!g.askAlone(ctx) || sleep(ctx, wait) != nil) {
			return false
		}
		if s.check(ctx, g).good {
			s.door.pace.slowDown(slowly)
			return true
		}
	}
	s.mu.Lock()
	s.ban = true
	s.mu.Unlock()
	return false
}

// sentinels remembers how the door answers, at every address: what anonymous
// was answered first, the ping, and a read of the entitled.
func (g *group) sentinels() {
	for _, lane := range g.door.addressLanes() {
		cold := g.cold[lane.Address.String()]
		if cold.First.Status == 0 {
			continue // an address that never answered cannot answer otherwise
		}
		g.watch(firstAnonymous, g.coldQuestion(lane), cold.First.Status)
		if ping := g.door.pings[lane.Address]; ping.First.Status != 0 {
			g.watch("anonymous /v2/", pingQuestion(lane), ping.First.Status)
		}
		if g.own != nil {
			id := g.subject.entitled
			g.watch("the read of "+id.Name, question{lane: lane, id: id, phase: phaseSentinel, request: manifestOf(g.own.Repository, string(g.own.Root.Digest))}, 200)
		}
	}
}

func pingQuestion(lane Lane) question {
	return question{lane: lane, id: anonymous, phase: phaseCold, variant: true, request: oci.Request{Method: "GET", Kind: oci.Ping}}
}

// ping asks /v2/ once for the door, however many groups want to know.
func (g *group) ping(ctx context.Context) {
	d := g.door
	d.pinged.Do(func() {
		d.pings = map[netip.AddrPort]Answer{}
		for _, lane := range d.addressLanes() {
			d.pings[lane.Address] = g.ask(ctx, pingQuestion(lane))
		}
	})
}
