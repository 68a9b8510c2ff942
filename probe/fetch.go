// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/regproof/regproof/image"
	"github.com/regproof/regproof/login"
	"github.com/regproof/regproof/oci"
	"github.com/regproof/regproof/wire"
)

// hopTimeout bounds how long a redirect target may take: it is not the
// registry under test.
const hopTimeout = 10 * time.Second

// fetch asks as an identity on the first lane of the door, and follows
// redirects to storage.
func (g *group) fetch(id *login.Identity, phase int) image.Fetch {
	return func(ctx context.Context, r oci.Request, limits image.Limits) image.Answer {
		q := question{lane: g.door.first(), id: id, phase: phase, request: r, limits: limits}
		a := g.ask(ctx, q)
		if phase == phaseEntitled && !id.Anonymous() {
			a = g.insist(ctx, q, a)
		}
		out := image.Answer{Response: a.Response, Trail: a.Trail, Problem: a.Problem}
		if a.NotAsked != "" {
			out.Problem = a.NotAsked
		}
		if out.Problem == "" && a.Status/100 == 3 {
			out.Redirect = a.Header.Get("Location")
			var why string
			out.Response, out.Trail, why = g.follow(ctx, q, a.Response, a.Trail)
			out.Problem = why
		}
		return out
	}
}

// insist asks again when the entitled were refused by something that is no
// access control: a rate limit, if they were served before, or a filter of
// user agents, if docker is served.
func (g *group) insist(ctx context.Context, q question, a Answer) Answer {
	d := g.door
	filtered := func() bool { return a.Status == http.StatusForbidden && !signed(a.Response) }
	q.private = true
	patient := 10 * time.Second
	if !d.entitledSeen.Load() {
		patient = 3 * time.Second
		for _, cold := range g.cold {
			if cold.First.Status == http.StatusForbidden { // everybody is answered so, from the first request on
				patient = 0
			}
		}
	}
	for wait := time.Second; filtered() && wait < patient; wait *= 2 {
		if sleep(ctx, wait) != nil {
			return a
		}
		a = g.ask(ctx, q)
	}
	if filtered() {
		known := d.asDocker.Swap(true)
		if a = g.ask(ctx, q); filtered() && !known {
			d.asDocker.Store(false)
		}
	}
	if a.Status == http.StatusOK {
		d.entitledSeen.Store(true)
	}
	return a
}

// follow goes where a redirect leads, as the question would, at most MaxHops
// times. The credential stays behind when the origin changes. The returned
// string says why the end was not reached.
func (g *group) follow(ctx context.Context, q question, resp wire.Response, trail []string) (wire.Response, []string, string) {
	d := g.door
	base := *d.ep.URL
	header := resp.Request.Header
	for range wire.MaxHops {
		if resp.Status/100 != 3 || resp.Status == 304 {
			return resp, trail, ""
		}
		next, err := d.reg.Guard.Check(ctx, &base, resp.Header.Get("Location"), wire.Redirect)
		if err != nil {
			return resp, trail, err.Error()
		}
		if !next.SameOrigin {
			header = without(header, "Authorization")
		}
		r := resp.Request
		r.Scheme, r.Host, r.SNI, r.Address = next.URL.Scheme, next.URL.Host, next.URL.Hostname(), next.Address
		r.Target, r.Header, r.Proto, r.Timeout = next.URL.RequestURI(), header, wire.HTTP11, hopTimeout
		if next.SameOrigin {
			r.Address = resp.Request.Address // the door that is under test, not what DNS says of it
		} else {
			r.Cert = nil
		}
		resp = paced{d: d}.Do(ctx, r)
		trail = append(trail, resp.ID)
		if resp.Failure != "" {
			return resp, trail, "the redirect leads to " + string(next.Origin) + ": " + string(resp.Failure)
		}
		base = *next.URL
	}
	if resp.Status/100 == 3 {
		return resp, trail, "more redirects than are followed"
	}
	return resp, trail, ""
}

func without(headers [][2]string, name string) [][2]string {
	var out [][2]string
	for _, h := range headers {
		if !strings.EqualFold(h[0], name) {
			out = append(out, h)
		}
	}
	return out
}
