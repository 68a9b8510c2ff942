// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"context"
	"net/netip"
	"net/url"
	"slices"

	"github.com/regproof/regproof/credential"
	"github.com/regproof/regproof/sandbox"
)

// Cleaned is what came of a journal that a run left behind.
type Cleaned struct {
	Removed int
	Left    []Remains
}

// Clean removes what a journal says was made and is still there. It goes to
// endpoints of the targets alone, which is where the secrets of the identities
// may go, and deletes nothing that the journal does not hold. Entries of other
// endpoints are left as they are.
func Clean(ctx context.Context, opts Options, j *sandbox.Journal) Cleaned {
	opts.Journal, opts.Sandbox, opts.Effects = j, j.Head.Sandbox, []Effect{SandboxWrite}
	r := &run{opts: opts, random: hexRandom(6)}
	var out Cleaned
	for _, name := range registriesOf(j) {
		target, ok := r.targetOf(j, name)
		if !ok {
			continue
		}
		gone, left := r.clean(ctx, target, name, j)
		out.Removed += gone
		out.Left = append(out.Left, left...)
	}
	return out
}

// Covers says whether Clean would go where an object is.
func Covers(opts Options, e sandbox.Entry) bool {
	ep, ok := endpointOf(e)
	return ok && slices.ContainsFunc(opts.Targets, func(t Target) bool { return t.has(ep) })
}

// registriesOf are the names that the entries of a journal have.
func registriesOf(j *sandbox.Journal) []string {
	var out []string
	for _, e := range j.Left() {
		if !slices.Contains(out, e.Registry) {
			out = append(out, e.Registry)
		}
	}
	return out
}

// targetOf makes a target of those endpoints of the entries that the
// configuration knows by their origin.
func (r *run) targetOf(j *sandbox.Journal, name string) (*Target, bool) {
	var out *Target
	for i := range r.opts.Targets {
		t := &r.opts.Targets[i]
		for _, e := range j.Left() {
			ep, ok := endpointOf(e)
			if !ok || e.Registry != name || !t.has(ep) {
				continue
			}
			if out == nil {
				clone := *t
				clone.seen, clone.Endpoints, out = &seen{}, nil, &clone
			}
			if !slices.ContainsFunc(out.Endpoints, func(o Endpoint) bool {
				return o.URL.String() == ep.URL.String() && o.Prefix == ep.Prefix && o.Address == ep.Address
			}) {
				out.Endpoints = append(out.Endpoints, ep)
			}
		}
		if out != nil {
			return out, true
		}
	}
	return nil, false
}

func endpointOf(e sandbox.Entry) (Endpoint, bool) {
	u, err := url.Parse(e.Endpoint)
	if err != nil {
		return Endpoint{}, false
	}
	ep := Endpoint{URL: u, Prefix: e.Prefix}
	if e.Address != "" {
		if ep.Address, err = netip.ParseAddr(e.Address); err != nil {
			return Endpoint{}, false
		}
	}
	return ep, true
}

// has says whether one of the endpoints has the origin of another.
func (t *Target) has(ep Endpoint) bool {
	origin := func(e Endpoint) credential.Origin {
		o, err := credential.ParseOrigin(e.URL.Scheme + "://" + e.URL.Host)
		if err != nil {
			return ""
		}
		return o
	}
	return slices.ContainsFunc(t.Endpoints, func(e Endpoint) bool { return origin(e) != "" && origin(e) == origin(ep) })
}

// clean removes what is left in one registry.
func (r *run) clean(ctx context.Context, t *Target, name string, j *sandbox.Journal) (int, []Remains) {
	var doors []*door
	for _, ep := range t.Endpoints {
		doors = append(doors, newDoor(r, t, ep))
	}
	b := r.newBox(&subject{}, doors)
	b.registry = name
	for _, e := range j.Left() {
		b.made[string(e.Kind)+" "+e.Reference] = true
	}
	for _, g := range b.groups {
		g.door.open(ctx)
		if g.door.problem == "" {
			g.ping(ctx)
		}
	}
	gone, _, left := b.clear(ctx)
	for _, d := range doors {
		if d.problem == "" {
			<-d.prepared
		}
		d.wire.Close()
	}
	return gone, left
}
