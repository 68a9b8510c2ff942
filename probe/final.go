// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"cmp"
	"context"
	"slices"

	"github.com/regproof/regproof/finding"
)

// ending is a registry whose last trials are still to come.
type ending struct {
	target  *Target
	subject *subject
	groups  []*group // one for each endpoint
}

// end remembers a registry for the last trials of the run.
func (r *run) end(t *Target, chosen *subject, doors []*door) {
	if chosen == nil {
		return
	}
	chosen = r.ofRevoked(t, chosen)
	e := ending{target: t, subject: chosen}
	for _, d := range doors {
		g := &group{door: d, subject: chosen, cold: map[string]Answer{}}
		e.groups = append(e.groups, g)
		g.primary = e.groups[0]
		g.core, g.rest, g.odd = opened(), opened(), opened()
	}
	r.ends = append(r.ends, e)
}

// ofRevoked is an image for the last trials that the identity whose credential is
// taken away may read, the chosen one if there is none.
func (r *run) ofRevoked(t *Target, chosen *subject) *subject {
	if r.opts.Revocation == nil {
		return chosen
	}
	i := slices.IndexFunc(r.opts.Identities, func(id Identity) bool { return id.Name == r.opts.Revocation.Identity && id.For(t.Name) })
	if i < 0 || r.mayPull(&r.opts.Identities[i], chosen.ref) {
		return chosen
	}
	for _, ref := range r.opts.Images {
		if ref.Registry != t.Name || !r.mayPull(&r.opts.Identities[i], ref) {
			continue
		}
		if s := r.newSubject(ref); !s.pull.allow {
			s.chosen = true
			return s
		}
	}
	return chosen
}

// opened is a gate that nobody waits at.
func opened() *gate {
	g := newGate(nil)
	close(g.open)
	return g
}

// finals makes the last trials, when every registry was asked everything else:
// one probe after the other, at one endpoint after the other. What may lock a
// user or ban this client comes at the very end.
func (r *run) finals(ctx context.Context) {
	var probes []Probe
	for _, e := range r.ends {
		for _, p := range r.probesFor(e.subject, part{last: true}) {
			if !slices.ContainsFunc(probes, func(o Probe) bool { return o.ID == p.ID }) {
				probes = append(probes, p)
			}
		}
	}
	harm := map[Effect]int{WrongPassword: 1, ManyPasswords: 2}
	slices.SortStableFunc(probes, func(a, b Probe) int { return cmp.Compare(harm[a.Effect], harm[b.Effect]) })
	for _, p := range probes {
		for _, e := range r.ends {
			for _, g := range e.groups {
				r.emit(g.final(ctx, p), nil)
			}
		}
	}
}

// final makes one of the last trials. The image is read anew for the first that
// is made at all.
func (g *group) final(ctx context.Context, p Probe) []finding.Finding {
	r := g.door.run
	t := &Trial{group: g, probe: p}
	left := r.opts.Skipped != nil && r.opts.Skipped(p)
	if p.Idle != nil && !left && g.door.usable() && g.door.ep.Expect != Public {
		if result := p.Idle(t); result.Outcome != "" {
			return []finding.Finding{g.finding(p, result)}
		}
	}
	if !g.read && !left && ctx.Err() == nil && r.allows(p.Effect) && g.door.usable() {
		g.read = true
		g.askCold(ctx)
		if g.dead == "" {
			g.learn(ctx)
		}
		g.rounds.Wait()
	}
	f, run := g.before(ctx, p)
	if !run {
		return []finding.Finding{f}
	}
	result := g.safely(func() Result { return p.Run(ctx, t) })
	r.trials.Add(1)
	out := []finding.Finding{g.finding(p, result)}
	for _, also := range result.Also {
		out = append(out, g.finding(p, also))
	}
	return out
}
