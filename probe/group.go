// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/regproof/regproof/access"
	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/image"
	"github.com/regproof/regproof/oci"
	"github.com/regproof/regproof/wire"
)

// group is one image (or the registry as such) on one door: its answers are
// shared, and its trials run together.
type group struct {
	door       *door
	subject    *subject
	own        *image.Known // what the entitled got here; nil when they got nothing
	ownTrail   []string
	cache      bool // it looks like a shared cache
	ownProblem string
	cold       map[string]Answer // phase 0, by address
	dead       string            // why nothing more is asked: no address answered

	refs []reference // the sentinels

	mu       sync.Mutex
	answers  map[string]*sharedAnswer
	repeated map[repeated]*repetition
	opened   map[Lane]Answer // what a sentinel was served that the first request was denied
	cachedBy map[string]*attribution
	told     *telling // what CachedContent came to; nil when it is not run here
	primary  *group   // of the same subject at the registry's primary endpoint; itself there
	memo     memo
	box      *box // where it may write; nil where it may not

	rounds          beside // sentinels under way beside the attempts
	core, rest, odd *gate  // odd: what is run once for the endpoint
	read            bool   // for the last trials: asked cold and by the entitled
}

// askCold is phase 0: anonymous, by the configured reference, on every address.
func (g *group) askCold(ctx context.Context) {
	var mu sync.Mutex
	var wg sync.WaitGroup
	for _, lane := range g.door.addressLanes() {
		wg.Go(func() {
			answer := g.ask(ctx, g.coldQuestion(lane))
			mu.Lock()
			defer mu.Unlock()
			g.cold[lane.Address.String()] = answer
		})
	}
	wg.Go(func() { g.ping(ctx) })
	wg.Wait()
	for _, a := range g.cold {
		if a.Status != 0 || a.NotAsked != "" || a.Failure == wire.ClientCert || a.Failure == wire.NoRoute {
			return
		}
		g.dead, g.ownTrail = silence(a.Response), a.Trail
	}
}

func (g *group) coldQuestion(lane Lane) question {
	return question{lane: lane, id: anonymous, phase: phaseCold, request: g.coldRequest()}
}

// coldRequest is what a stranger would ask first: the manifest, or for the
// registry as such its catalog.
func (g *group) coldRequest() oci.Request {
	if g.subject.ref.Repository == "" {
		return oci.Request{Method: "GET", Kind: oci.Catalog, Query: "n=100"}
	}
	return manifestOf(g.subject.ref.Repository, g.subject.ref.Reference)
}

// learn is phase 1: the entitled read the image; without any, a stranger does,
// if that was served.
func (g *group) learn(ctx context.Context) {
	s, d := g.subject, g.door
	var cold []wire.Response
	served := false
	for _, a := range g.cold {
		cold = append(cold, a.First, a.Response)
		served = served || a.Status == 200
	}
	if s.entitled != nil {
		g.ownTrail = nil
		switch why := d.cached(cold); {
		case why != "" && !(d.run.allows(PrimesCache) && d.run.sandboxed(s.ref.Repository)):
			g.cache = true
			g.ownProblem = "it looks like a shared cache (" + why + "), through which nothing private is read (name the registry behind it with --endpoint, or an image of the sandbox with --prime-caches)"
		case s.ref.Repository == "":
			return
		default:
			k, trail, err := image.Walk(ctx, g.fetch(s.entitled, phaseEntitled), s.ref.Repository, s.ref.Reference)
			g.ownTrail = trail
			if err == nil {
				g.own = k
				d.served(k)
				d.target.seen.foreign(k)
				if !s.pull.allow {
					d.target.seen.image(d.ep.Prefix+s.ref.Repository, k.Root.Digest)
				}
				s.learn(k, g, true)
				return
			}
			g.ownProblem = err.Error()
			if strings.HasPrefix(g.ownProblem, "the registry answered 401") {
				g.ownProblem += ", so its credential may be a wrong one (regproof doctor tells)"
			}
		}
	}
	if served && s.ref.Repository != "" {
		if k, _, err := image.Walk(ctx, g.fetch(anonymous, phaseCold), s.ref.Repository, s.ref.Reference); err == nil && len(k.All()) > 1 {
			s.learn(k, g, false)
		}
	}
}

// trials runs the probes of one subject on one door.
func (g *group) trials(ctx context.Context, probes []Probe) []finding.Finding {
	out := make([]finding.Finding, len(probes))
	more := make([][]finding.Finding, len(probes))
	var runnable []int
	for i, p := range probes {
		f, run := g.before(ctx, p)
		out[i] = f
		if run {
			runnable = append(runnable, i)
		}
	}
	var required, rest, odd []string
	for _, i := range runnable {
		if probes[i].Per == Once {
			odd = append(odd, probes[i].ID)
			continue
		}
		rest = append(rest, probes[i].ID)
		if probes[i].ID == CachedContent {
			g.told = &telling{done: make(chan struct{})}
		}
		if probes[i].Required {
			required = append(required, probes[i].ID)
		}
	}
	g.core, g.rest, g.odd = newGate(required), newGate(rest), newGate(odd)
	var wg sync.WaitGroup
	for _, i := range runnable {
		wg.Go(func() {
			result := g.guarded(ctx, probes[i])
			if result.Later != nil {
				g.door.run.later(ctx, g, probes[i], result.Later)
				return // the finding comes at the end
			}
			if probes[i].ID == CachedContent {
				g.told.fails = result.Outcome == finding.Fail
				close(g.told.done)
			}
			out[i] = g.finding(probes[i], result)
			for _, also := range result.Also {
				more[i] = append(more[i], g.finding(probes[i], also))
			}
			g.door.run.trials.Add(1)
		})
	}
	g.conduct(ctx, g.core, len(required) > 0)
	g.conduct(ctx, g.rest, len(rest) > 0)
	if g.subject.doors.Add(-1) == 0 {
		g.subject.wasAsked()
	}
	g.conduct(ctx, g.odd, len(odd) > 0)
	wg.Wait()
	g.rounds.Wait() // those that a repeated attempt began
	return slices.Concat(out, slices.Concat(more...))
}

// conduct opens a gate once everybody is there and the sentinels were asked.
func (g *group) conduct(ctx context.Context, gt *gate, asked bool) {
	select {
	case <-gt.full:
		if asked {
			g.rounds.Go(func() { g.door.sentinels.check(ctx, g) })
		}
		g.rounds.Wait()
	case <-ctx.Done():
	}
	close(gt.open)
}

// guarded runs a probe; a panic is the engine's fault and breaks this trial
// alone.
func (g *group) guarded(ctx context.Context, p Probe) Result {
	defer func() {
		g.core.done(p.ID)
		g.rest.done(p.ID)
		g.odd.done(p.ID)
	}()
	return g.safely(func() Result { return p.Run(ctx, &Trial{group: g, probe: p}) })
}

func firstLines(stack string) string {
	if len(stack) > 2000 {
		return stack[:2000]
	}
	return stack
}

// before decides whether a probe has anything to do here.
func (g *group) before(ctx context.Context, p Probe) (finding.Finding, bool) {
	d, s := g.door, g.subject
	not := func(o finding.Outcome, reason string) (finding.Finding, bool) {
		return g.finding(p, Result{Outcome: o, Reason: reason, Evidence: g.ownTrail}), false
	}
	switch {
	case d.run.opts.Skipped != nil && d.run.opts.Skipped(p):
		return not(finding.NotChecked, "left out by --skip")
	case ctx.Err() != nil:
		return not(finding.NotChecked, "interrupted")
	case p.Expects != "" && p.Expects != d.ep.Expect:
		return not(finding.NotApplicable, "the file does not expect it of the endpoint (expect: "+string(p.Expects)+")")
	case p.Expects == "" && d.ep.shut():
		return not(finding.NotApplicable, "the endpoint is meant to be "+meant(d.ep.Expect)+", which a probe of its own decides")
	case d.problem != "" && !d.ep.shut():
		return not(finding.Unknown, d.problem)
	case g.dead != "" && !p.Silent:
		return not(finding.Unknown, g.dead)
	case p.Named && (&Trial{group: g}).unstated() != "":
		return not(finding.NotApplicable, (&Trial{group: g}).unstated())
	case !d.run.allows(p.Effect):
		return not(finding.NotChecked, fmt.Sprintf("it needs %s (effect %s)", p.Effect.Flag(), p.Effect))
	case d.ep.Expect == Public && !p.Public:
		return not(finding.NotApplicable, "the endpoint is expected to be public")
	case (p.Decides == access.List || p.Decides == access.Catalog) && s.list.allow:
		return not(finding.NotApplicable, "policy lets anonymous list: "+s.list.rule)
	case s.pull.allow && p.Per != Registry && p.Per != Primary && p.Effect == Read && p.Decides != access.List:
		return not(finding.NotApplicable, "policy lets anonymous pull: "+s.pull.rule)
	case slices.Contains(p.Needs, NeedIndex) && s.known() != nil && !s.known().Document.Index():
		return not(finding.NotApplicable, "the image is no index")
	case (slices.Contains(p.Needs, NeedContent) || slices.Contains(p.Needs, NeedIndex)) && s.known() == nil:
		if p.Idle != nil {
			if r := p.Idle(&Trial{group: g, probe: p}); r.Outcome != "" {
				return g.finding(p, r), false
			}
		}
		return not(finding.Unknown, "no control: "+s.whyUnknown(g, nil))
	}
	return finding.Finding{}, true
}
