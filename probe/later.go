// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"cmp"
	"context"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/regproof/regproof/finding"
)

// waits are what the run waits for while it goes on: the rest of probes that
// need nothing but time, and what is said of it meanwhile.
type waits struct {
	mu    sync.Mutex
	under sync.WaitGroup
	ended []ended
	doing []string
}

// ended is a finding that came late, with its place in the report.
type ended struct {
	place string
	f     finding.Finding
}

// later runs the rest of a probe beside everything else.
func (r *run) later(ctx context.Context, g *group, p Probe, rest func(context.Context) Result) {
	r.waits.under.Go(func() {
		result := g.safely(func() Result { return rest(ctx) })
		r.waits.mu.Lock()
		defer r.waits.mu.Unlock()
		r.waits.ended = append(r.waits.ended, ended{g.door.target.Name + " " + g.door.endpointName() + " " + p.ID, g.finding(p, result)})
	})
}

// collect waits for what is still under way, and hands it on in an order that
// does not depend on time.
func (r *run) collect() {
	r.waits.under.Wait()
	slices.SortFunc(r.waits.ended, func(a, b ended) int { return cmp.Compare(a.place, b.place) })
	for _, e := range r.waits.ended {
		r.trials.Add(1)
		r.emit([]finding.Finding{e.f}, nil)
	}
	r.waits.ended = nil
}

// safely turns a panic into a result: it is the engine's fault and breaks one
// trial alone.
func (g *group) safely(do func() Result) (result Result) {
	defer func() {
		if e := recover(); e != nil {
			result = Result{Outcome: finding.Error, Reason: fmt.Sprintf("the probe panicked: %v", e), Message: firstLines(string(debug.Stack()))}
		}
	}()
	return do()
}

// Doing says what the run is at until the returned function is called.
func (t *Trial) Doing(what string) (done func()) {
	r := t.door.run
	r.waits.say(what, true)
	r.report()
	return func() {
		r.waits.say(what, false)
		r.report()
	}
}

func (w *waits) say(what string, on bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if on {
		w.doing = append(w.doing, what)
		return
	}
	if i := slices.Index(w.doing, what); i >= 0 {
		w.doing = slices.Delete(w.doing, i, i+1)
	}
}

// said is what the run is at, each thing once.
func (w *waits) said() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []string
	for _, d := range w.doing {
		if !slices.Contains(out, d) {
			out = append(out, d)
		}
	}
	return strings.Join(out, "; ")
}

// report tells how far the run has come.
func (r *run) report() {
	if r.opts.Progress != nil {
		r.opts.Progress(Progress{Requests: int(r.spent.Load()), Trials: int(r.trials.Load()), Doing: r.waits.said()})
	}
}

// Wait lets time pass until the clock here shows end, and says what for, unless
// that is "". A plan does not wait. It returns ctx's error when that ends first.
func (t *Trial) Wait(ctx context.Context, end time.Time, what string) error {
	if t.Planning() {
		return nil
	}
	if what != "" {
		defer t.Doing(fmt.Sprintf("waiting until %s for %s", end.Format(time.TimeOnly), what))()
	}
	return sleep(ctx, time.Until(end))
}

// Lasts says whether the run is given the time to wait until end.
func (t *Trial) Lasts(ctx context.Context, end time.Time) bool {
	deadline, ok := ctx.Deadline()
	return t.Planning() || !ok || end.Before(deadline)
}
