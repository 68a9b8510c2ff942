// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/regproof/regproof/access"
	"github.com/regproof/regproof/finding"
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
	r.box = r.newBox(whole, doors)
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
	var last sync.WaitGroup
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
	last.Go(func() { late(at) })
	n++
	wg.Wait()
	last.Wait()
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
		r.last(ctx, whole, doors, results, n)
		r.end(t, chosen, doors)
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

// last runs what is done once for a registry, when all else is known: what only
// reads first, then what writes to the sandbox, which is cleared in the end.
func (r *run) last(ctx context.Context, whole *subject, doors []*door, results *sequence, at int) {
	probes := slices.DeleteFunc(r.probesFor(whole, part{primary: true}), func(p Probe) bool { return p.Per != Primary })
	writes := func(p Probe) bool { return p.Effect == SandboxWrite }
	b := r.box
	var fs []finding.Finding
	for _, some := range [][]Probe{slices.DeleteFunc(slices.Clone(probes), writes), slices.DeleteFunc(probes, func(p Probe) bool { return !writes(p) })} {
		g := &group{door: doors[0], subject: whole, cold: map[string]Answer{}, box: b}
		g.primary = g
		fs = append(fs, g.trials(ctx, some)...)
	}
	if b != nil && b.journal != nil {
		r.leave(b.clear(ctx))
	}
	results.put(at, fs, nil)
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
type part struct{ listing, late, image, repository, endpoint, primary, last bool }

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
		if f.Probe == "" { // it comes later
			continue
		}
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
		groups[i] = &group{door: d, subject: s, cold: map[string]Answer{}, box: r.box}
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
		case Last:
			ok = named && want.last
		default:
			ok = named && want.image
		}
		if ok {
			out = append(out, p)
		}
	}
	return out
}
