// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"context"
	"sync"
	"time"

	"github.com/regproof/regproof/wire"
)

// pace decides how many requests are under way at once, and how many are sent
// a second. It slows down when a registry shows that it has enough: 429, 503,
// time-outs, or latency far above the best seen for the same class of status.
// Classes are kept apart since some registries delay every denial on purpose,
// which is a tarpit and not congestion.
type pace struct {
	mu        sync.Mutex
	freed     [turns]*sync.Cond // places, for each turn
	waiting   [turns]int
	limit     float64
	max       int
	inFlight  int
	interval  time.Duration // between two requests; 0 is none
	next      time.Time
	classes   map[int]*latency
	sinceDrop int
}

type latency struct{ best, mean time.Duration }

// turn is the order in which those who wait get places.
type turn int

// The turns. What begins a chain, or takes longest, goes first, since the end of
// the run waits for it; then come the steps that others wait for, and then what
// comes in bulk.
const (
	early turn = iota
	step
	bulk
	turns
)

func newPace(concurrent int, perSecond float64) *pace {
	p := &pace{limit: float64(concurrent), max: concurrent, classes: map[int]*latency{}}
	for i := range p.freed {
		p.freed[i] = sync.NewCond(&p.mu)
	}
	if perSecond > 0 {
		p.interval = time.Duration(float64(time.Second) / perSecond)
	}
	return p
}

// full says whether there is no place, or others are to have it first.
func (p *pace) full(t turn) bool {
	if p.inFlight >= max(1, int(p.limit)) {
		return true
	}
	for _, n := range p.waiting[:t] {
		if n > 0 {
			return true
		}
	}
	return false
}

// wake tells as many as there are places, those first whose turn it is.
func (p *pace) wake() {
	free := max(1, int(p.limit)) - p.inFlight
	for t, n := range p.waiting {
		for ; n > 0 && free > 0; n, free = n-1, free-1 {
			p.freed[t].Signal()
		}
	}
}

// enter waits for a place, and for the time to send.
func (p *pace) enter(ctx context.Context, t turn) error {
	p.mu.Lock()
	if p.full(t) {
		stop := context.AfterFunc(ctx, func() {
			p.mu.Lock()
			defer p.mu.Unlock()
			for _, c := range p.freed {
				c.Broadcast()
			}
		})
		defer stop()
	}
	p.waiting[t]++
	for p.full(t) && ctx.Err() == nil {
		p.freed[t].Wait()
	}
	p.waiting[t]--
	if err := ctx.Err(); err != nil {
		p.wake()
		p.mu.Unlock()
		return err
	}
	p.inFlight++
	p.wake()
	var wait time.Duration
	if p.interval > 0 {
		now := time.Now()
		if p.next.Before(now) {
			p.next = now
		}
		wait = p.next.Sub(now)
		p.next = p.next.Add(p.interval)
	}
	p.mu.Unlock()
	if wait > 0 {
		if err := sleep(ctx, wait); err != nil {
			p.leave(wire.Response{})
			return err
		}
	}
	return nil
}

// leave frees the place and learns from the answer.
func (p *pace) leave(resp wire.Response) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.inFlight--
	p.sinceDrop++
	// With a time of its own a request is odd, and silence may be the answer to that.
	congested := resp.Status == 429 || resp.Status == 503 || (resp.Failure == wire.Timeout && resp.Request.Timeout == 0)
	if resp.Status != 0 && !resp.Request.Fresh {
		congested = p.slower(resp) || congested
	}
	switch {
	case congested && p.sinceDrop >= int(p.limit):
		p.limit = max(1, p.limit*0.7)
		p.sinceDrop = 0
	case !congested && int(p.limit) < p.max:
		p.limit += 1 / p.limit
	}
	p.wake()
}

// slower says whether this class of status takes far longer than it could.
func (p *pace) slower(resp wire.Response) bool {
	l := p.classes[resp.Status]
	if l == nil {
		p.classes[resp.Status] = &latency{best: resp.Took, mean: resp.Took}
		return false
	}
	l.best = min(l.best, resp.Took)
	l.mean += (resp.Took - l.mean) / 8
	return l.mean > 6*l.best+250*time.Millisecond
}

// slowed says whether slowDown was called.
func (p *pace) slowed() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.max == 1
}

// slowDown sets a rate for the rest of the run.
func (p *pace) slowDown(interval time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.interval = min(max(2*p.interval, interval), 4*interval)
	p.limit, p.max = 1, 1
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
