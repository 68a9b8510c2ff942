// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"context"
	"fmt"
	"runtime/debug"
	"slices"
	"sync"

	"github.com/regproof/regproof/access"
	"github.com/regproof/regproof/control"
	"github.com/regproof/regproof/evidence"
	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/image"
	"github.com/regproof/regproof/login"
	"github.com/regproof/regproof/oci"
	"github.com/regproof/regproof/wire"
)

// registry makes all trials of one registry: first the images that policy
// opens to everybody, since what they are made of is no secret; then the rest,
// as many at a time as requests may be under way.
func (r *run) registry(ctx context.Context, t *Target, doors []*door) {
	var open, closed []*subject
	first := map[string]bool{}
	if err := r.named(ctx, t, doors); err != nil {
		r.failed = err
		return
	}
	results := newSequence(r.emit)
	n := 0
	whole := r.newSubject(ImageRef{Registry: t.Name})
	if r.opts.RegistryWide {
		r.one(ctx, whole, doors, results, n, r.probesFor(whole, listings))
		n++
		for _, ref := range r.sample(ctx, whole, doors) {
			closed = append(closed, r.newSubject(ref))
		}
	} else if len(r.probesFor(whole, listings)) > 0 {
		closed = append(closed, whole)
	}
	for _, ref := range r.opts.Images {
		if ref.Registry != t.Name {
			continue
		}
		if s := r.newSubject(ref); s.pull.allow {
			open = append(open, s)
		} else {
			closed = append(closed, s)
		}
	}
	chosen, alone := choose(closed, open)
	units := func(s *subject) part {
		if s == whole {
			return listings
		}
		return part{image: true, repository: once(first, s), endpoint: alone && s == chosen}
	}
	for _, s := range open {
		r.one(ctx, s, doors, results, n, r.probesFor(s, units(s)))
		n++
	}
	slots := make(chan struct{}, r.width(t))
	var wg sync.WaitGroup
	// What is beside the API comes when all that may be required was asked: a bot
	// filter or a rate limit that it wakes does no harm then.
	var beside sync.WaitGroup
	late := func(at int) {
		for _, s := range closed {
			select {
			case <-s.asked:
			case <-ctx.Done():
			}
		}
		r.one(ctx, whole, doors, results, at, r.probesFor(whole, part{late: true}))
	}
	sampled, left := 0, 0
	for _, s := range closed {
		at, probes := n, r.probesFor(s, units(s))
		n++
		if s.ref.Sampled {
			if sampled%wave == 0 || left > 0 {
				wg.Wait()
			}
			if sampled > 0 && tight(doors) {
				left++
				s.wasAsked()
				results.put(at, nil, nil)
				continue
			}
			sampled++
		}
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			defer s.wasAsked()
			r.one(ctx, s, doors, results, at, probes)
		})
	}
	at := n
	beside.Go(func() { late(at) })
	n++
	wg.Wait()
	beside.Wait()
	if left > 0 {
		r.say(fmt.Sprintf("%d of %d sampled repositories were asked for: more would not leave enough of the budget of %d denied requests for the odd ways to ask (check.budget.denied, in a file)", sampled, sampled+left, r.opts.MaxDenied))
	}
	if chosen != nil && !alone {
		// With many images the core of each goes first: what is left of the
		// budget of denied requests is for the odd ways to ask.
		r.one(ctx, chosen, doors, results, n, r.probesFor(chosen, part{endpoint: true}))
		n++
	}
	if len(doors) > 0 {
		if chosen != nil {
			r.introduce(ctx, chosen, doors[0])
		}
		r.last(ctx, whole, doors[0], results, n)
	}
}

// wave is how many sampled images are under way at once, so that it is seen in
// time what they cost.
const wave = 6

// tight says whether what is left of the budget of denied requests is needed
// for what is asked once for each endpoint.
func tight(doors []*door) bool {
	return slices.ContainsFunc(doors, func(d *door) bool {
		most := int64(d.run.opts.MaxDenied)
		return d.usable() && d.denied.Load() > max(most/5, most-480)
	})
}

// introduce reads an image at the primary endpoint, for the search of other
// doors, when no probe of the run has done so.
func (r *run) introduce(ctx context.Context, s *subject, d *door) {
	d.target.seen.mu.Lock()
	known := d.target.seen.digest != ""
	d.target.seen.mu.Unlock()
	if !r.opts.Discover || r.planning() || known || !d.usable() {
		return
	}
	g := &group{door: d, subject: s, cold: map[string]Answer{}}
	g.primary = g
	if g.askCold(ctx); g.dead == "" {
		g.learn(ctx)
	}
}

// last runs what is done once for a registry, when all else is known.
func (r *run) last(ctx context.Context, whole *subject, d *door, results *sequence, at int) {
	probes := slices.DeleteFunc(r.probesFor(whole, part{primary: true}), func(p Probe) bool { return p.Per != Primary })
	g := &group{door: d, subject: whole, cold: map[string]Answer{}}
	g.primary = g
	results.put(at, g.trials(ctx, probes), nil)
}

// choose marks the image for what is done once for each endpoint, and says
// whether it is the only one.
func choose(closed, open []*subject) (chosen *subject, alone bool) {
	alone = true
	for _, s := range append(slices.Clone(closed), open...) {
		switch {
		case s.ref.Repository == "":
		case chosen == nil:
			s.chosen, chosen = true, s
		default:
			alone = false
		}
	}
	return chosen, alone
}

// part says which units of probes are run on a subject.
type part struct{ listing, late, image, repository, endpoint, primary bool }

// listings are for the registry as such, and may be required.
var listings = part{listing: true}

// width is how many images are under way at once: enough to keep every
// request slot busy, and no more, since each holds its answers in memory.
func (r *run) width(t *Target) int {
	if t.Concurrent > 0 {
		return t.Concurrent
	}
	return 32
}

// once says whether the subject is the first of its repository.
func once(seen map[string]bool, s *subject) bool {
	had := seen[s.ref.Repository]
	seen[s.ref.Repository] = true
	return !had
}

func (r *run) emit(fs []finding.Finding, rows []access.Row) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, f := range fs {
		if err := r.sink.Finding(printable(f).Check()); err != nil && r.failed == nil {
			r.failed = err
		}
	}
	for _, row := range rows {
		if err := r.sink.Row(row); err != nil && r.failed == nil {
			r.failed = err
		}
	}
}

// printable escapes what a server may have put into a finding.
func printable(f finding.Finding) finding.Finding {
	for _, s := range []*string{&f.Reason, &f.Message, &f.Variant, &f.Repository, &f.Reference, &f.Fix} {
		*s = evidence.Printable(*s, 2000)
	}
	if f.Subject != nil {
		s := *f.Subject
		s.MediaType = evidence.Printable(s.MediaType, 256)
		f.Subject = &s
	}
	for i := range f.Deviations {
		f.Deviations[i].Variant = evidence.Printable(f.Deviations[i].Variant, 500)
	}
	return f
}

// one makes all trials of one image on all doors of its registry. Every door
// is asked cold before any entitled read: on a leaky cache it is the entitled
// read that makes the anonymous one succeed.
func (r *run) one(ctx context.Context, s *subject, doors []*door, results *sequence, at int, probes []Probe) {
	if len(probes) == 0 {
		results.put(at, nil, nil)
		return
	}
	groups := make([]*group, len(doors))
	each(doors, func(i int, d *door) {
		groups[i] = &group{door: d, subject: s, cold: map[string]Answer{}}
		if d.usable() {
			groups[i].askCold(ctx)
		}
	})
	each(doors, func(i int, d *door) {
		groups[i].primary = groups[0]
		if d.usable() && groups[i].dead == "" {
			groups[i].learn(ctx)
		}
	})
	for _, g := range groups {
		if g.door.usable() {
			g.sentinels()
		}
	}
	if s.pull.allow && s.known() != nil {
		r.public.add(s.known())
	}
	var findings []finding.Finding
	var rows []access.Row
	s.doors.Store(int64(len(groups)))
	per := make([][]finding.Finding, len(groups))
	each(doors, func(i int, _ *door) {
		per[i] = groups[i].trials(ctx, probes)
	})
	for i, fs := range per {
		findings = append(findings, fs...)
		rows = append(rows, groups[i].rows(probes, fs)...)
	}
	s.forget()
	results.put(at, findings, rows)
}

func each(doors []*door, do func(int, *door)) {
	var wg sync.WaitGroup
	for i, d := range doors {
		wg.Go(func() { do(i, d) })
	}
	wg.Wait()
}

func (r *run) probesFor(s *subject, want part) []Probe {
	var out []Probe
	for _, p := range r.opts.Probes {
		if r.opts.Selected != nil && !r.opts.Selected(p) {
			continue
		}
		named := s.ref.Repository != ""
		var ok bool
		switch p.Per {
		case Registry:
			ok = !named && ((want.listing && p.Decides != "") || (want.late && p.Decides == ""))
		case Repository:
			ok = named && want.repository
		case Once:
			ok = named && want.endpoint
		case Primary:
			ok = want.primary
		default:
			ok = named && want.image
		}
		if ok {
			out = append(out, p)
		}
	}
	return out
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
				if !s.pull.allow {
					d.target.seen.image(d.ep.Prefix+s.ref.Repository, k.Root.Digest)
				}
				s.learn(k, g, true)
				return
			}
			g.ownProblem = err.Error()
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
		g.rounds.Wait()
		if asked {
			g.door.sentinels.check(ctx, g)
		}
	case <-ctx.Done():
	}
	close(gt.open)
}

// guarded runs a probe; a panic is the engine's fault and breaks this trial
// alone.
func (g *group) guarded(ctx context.Context, p Probe) (result Result) {
	defer func() {
		if e := recover(); e != nil {
			result = Result{Outcome: finding.Error, Reason: fmt.Sprintf("the probe panicked: %v", e), Message: firstLines(string(debug.Stack()))}
		}
		g.core.done(p.ID)
		g.rest.done(p.ID)
		g.odd.done(p.ID)
	}()
	return p.Run(ctx, &Trial{group: g, probe: p})
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
		return not(finding.NotApplicable, "the endpoint is not meant to be "+string(p.Expects))
	case p.Expects == "" && d.ep.shut():
		return not(finding.NotApplicable, "the endpoint is meant to be "+string(d.ep.Expect)+", which a probe of its own decides")
	case d.problem != "" && !d.ep.shut():
		return not(finding.Unknown, d.problem)
	case g.dead != "":
		return not(finding.Unknown, g.dead)
	case !d.run.allows(p.Effect):
		return not(finding.NotChecked, fmt.Sprintf("it needs %s (effect %s)", p.Effect.Flag(), p.Effect))
	case d.ep.Expect == Public:
		return not(finding.NotApplicable, "the endpoint is expected to be public")
	case (p.Decides == access.List || p.Decides == access.Catalog) && s.list.allow:
		return not(finding.NotApplicable, "policy lets anonymous list: "+s.list.rule)
	case s.pull.allow && p.Per != Registry && p.Per != Primary && p.Effect == Read && p.Decides != access.List:
		return not(finding.NotApplicable, "policy lets anonymous pull: "+s.pull.rule)
	case slices.Contains(p.Needs, NeedIndex) && s.known() != nil && !s.known().Document.Index():
		return not(finding.NotApplicable, "the image is no index")
	case (slices.Contains(p.Needs, NeedContent) || slices.Contains(p.Needs, NeedIndex)) && s.known() == nil:
		return not(finding.Unknown, "no control: "+s.whyUnknown(g, nil))
	}
	return finding.Finding{}, true
}

// finding makes the report's record of a result.
func (g *group) finding(p Probe, r Result) finding.Finding {
	d, s := g.door, g.subject
	f := finding.Finding{
		Probe: p.ID, Control: p.Control, Severity: p.Severity, Outcome: r.Outcome, Registry: d.target.Name, Endpoint: d.endpointName(),
		Repository: s.ref.Repository, Reference: s.ref.Reference, Identity: login.Anonymous, Subject: r.Subject,
		Address: r.Address, Protocol: r.Protocol, Variant: r.Variant, Expected: string(access.Deny), Observed: r.Observed,
		Reason: r.Reason, Message: r.Message, Evidence: r.Evidence, ControlEvidence: r.Control, Attempts: r.Attempts, Deviations: r.Deviations,
		Frameworks: clauses(p.Control),
	}
	if r.Endpoint != "" {
		f.Endpoint = r.Endpoint
	}
	f.Required = g.required(p)
	if r.Severity != "" {
		f.Severity = r.Severity
	}
	if f.Observed == "" {
		f.Observed = "unknown"
	}
	if f.Outcome == finding.Fail {
		f.Fix = p.Fix
		if r.Fix != "" {
			f.Fix = r.Fix
		}
	}
	if f.Message == "" {
		f.Message = p.Title
		if f.Outcome == finding.Fail {
			f.Message = "does not hold: " + p.Title
		}
	}
	return f
}

// clauses are those that ask for a control.
func clauses(id string) []finding.Clause {
	c, _ := control.Get(id)
	out := []finding.Clause{}
	for _, cl := range c.Clauses {
		out = append(out, finding.Clause{Framework: cl.Framework, ID: cl.ID})
	}
	return out
}

func (g *group) required(p Probe) bool {
	o := g.door.run.opts
	return p.Required || (o.Require != nil && o.Require(p)) || (o.RegistryWide && p.Per == Registry && p.Decides != "")
}

// endpointName tells endpoints of one URL apart by their pinned address.
func (d *door) endpointName() string {
	if d.ep.Address.IsValid() {
		return d.name() + " (" + d.ep.Address.String() + ")"
	}
	return d.name()
}

// rows are the cells of the access matrix that the trials decided.
func (g *group) rows(probes []Probe, fs []finding.Finding) []access.Row {
	s := g.subject
	var out []access.Row
	effect := func(d decision) access.Effect {
		if d.allow {
			return access.Allow
		}
		return access.Deny
	}
	row := func(f finding.Finding, a access.Action, intended decision) {
		r := access.Row{
			Registry: f.Registry, Endpoint: f.Endpoint, Identity: f.Identity, Action: a, Intended: effect(intended), Claimed: access.Unknown,
			Observed: access.Effect(f.Observed), Outcome: string(f.Outcome), Evidence: f.Evidence, Rule: intended.rule,
		}
		if s.ref.Repository != "" {
			r.Repository = &s.ref.Repository
		}
		if r.Evidence == nil {
			r.Evidence = []string{}
		}
		out = append(out, r)
	}
	filled := map[access.Action]bool{}
	for i, f := range fs[:min(len(fs), len(probes))] {
		a := probes[i].Decides
		if a == "" || filled[a] || f.Outcome == finding.NotApplicable || f.Outcome == finding.NotChecked {
			continue
		}
		filled[a] = true
		switch a {
		case access.Pull:
			row(f, a, s.pull)
		case access.List, access.Catalog:
			row(f, a, s.list)
		}
	}
	if g.own != nil {
		r := access.Row{Registry: g.door.target.Name, Endpoint: g.door.endpointName(), Repository: &s.ref.Repository, Identity: s.entitled.Name, Action: access.Pull,
			Intended: access.Allow, Claimed: access.Unknown, Observed: access.Allow, Outcome: string(finding.Pass), Evidence: g.own.Root.Evidence}
		out = append(out, r)
	}
	return out
}

// sequence hands groups on in order, whatever order they end in.
type sequence struct {
	mu   sync.Mutex
	next int
	late map[int]func()
	emit func([]finding.Finding, []access.Row)
}

func newSequence(emit func([]finding.Finding, []access.Row)) *sequence {
	return &sequence{late: map[int]func(){}, emit: emit}
}

func (s *sequence) put(at int, fs []finding.Finding, rows []access.Row) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.late[at] = func() { s.emit(fs, rows) }
	for {
		do, ok := s.late[s.next]
		if !ok {
			return
		}
		delete(s.late, s.next)
		s.next++
		do()
	}
}
