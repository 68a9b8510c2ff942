// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"context"
	"net/netip"
	"slices"
	"sync"

	"github.com/regproof/regproof/credential"
	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/login"
	"github.com/regproof/regproof/wire"
)

// Why a registry has no token service whose TLS could be looked at. Neither is
// worth a word beside what was looked at.
const (
	noService = "no token service was named"
	noTLS     = "the token service speaks no TLS"
)

// Everywhere lets judge look at every address of the endpoint, and beside that at
// every address of its token service (tokenHost), all at once, when it is the turn
// of what is no core. The gravest verdict is the result; attempts is how often
// each address is asked. What is wrong with the token service is a finding of its
// own, at its own origin.
func (t *Trial) Everywhere(ctx context.Context, attempts int, judge func(Place) []Verdict) Result {
	d := t.door
	var places []Place
	for _, at := range d.addresses {
		places = append(places, Place{Origin: d.name(), Host: d.ep.URL.Hostname(), request: wire.Request{Host: d.ep.URL.Host, Address: at}})
	}
	return t.withTokens(ctx, attempts, judge, func() Result { return lookAt(places, attempts, judge) })
}

// Tokens is Everywhere for an endpoint where own is the result at once.
func (t *Trial) Tokens(ctx context.Context, attempts int, own Result, judge func(Place) []Verdict) Result {
	return t.withTokens(ctx, attempts, judge, func() Result { return own })
}

func (t *Trial) withTokens(ctx context.Context, attempts int, judge func(Place) []Verdict, endpoint func() Result) Result {
	t.turn(ctx)
	defer t.done(ctx)
	var own, service Result
	var origin, why string
	var wg sync.WaitGroup
	wg.Go(func() { own = endpoint() })
	wg.Go(func() {
		var places []Place
		if places, why = t.tokenHost(ctx); len(places) > 0 {
			service, origin = lookAt(places, attempts, judge), places[0].Origin
		}
	})
	wg.Wait()
	return own.beside(service, origin, why)
}

// lookAt judges all places at once.
func lookAt(places []Place, attempts int, judge func(Place) []Verdict) Result {
	var mu sync.Mutex
	var wg sync.WaitGroup
	var all []Verdict
	for _, p := range places {
		wg.Go(func() {
			verdicts := judge(p)
			for i := range verdicts {
				verdicts[i].lane.Address = p.At()
			}
			mu.Lock()
			defer mu.Unlock()
			all = append(all, verdicts...)
		})
	}
	wg.Wait()
	return gravest(all, attempts*len(places))
}

// beside adds what was seen at the token service: what is wrong there, or could
// not be told, goes with the result as one at another endpoint; what is right is
// said in a word.
func (r Result) beside(service Result, origin, why string) Result {
	at := "at the token service " + origin + ": "
	alone := func() {
		service.Endpoint = origin
		r.Also = append(r.Also, service)
	}
	switch {
	case origin == "":
		if why != "" && r.Outcome == finding.Pass {
			r.Reason += "; no token service was asked: " + why
		}
	case service.Outcome == finding.Fail:
		service.Message = at + service.Message
		alone()
	case service.Outcome == finding.NotApplicable:
	case service.Outcome == finding.Pass && r.Outcome == finding.Pass:
		r.Reason, r.Attempts = r.Reason+"; "+at+service.Reason, r.Attempts+service.Attempts
		r.Evidence, r.Control = slices.Concat(r.Evidence, service.Evidence), slices.Concat(r.Control, service.Control)
	case service.Outcome == finding.Pass && r.Outcome == finding.Fail:
	case service.Outcome == r.Outcome && service.Reason == r.Reason: // of one budget it is enough to hear once
	default:
		service.Reason = at + service.Reason
		alone()
	}
	return r
}

// Expecting is the result, and those at other endpoints, with what was expected.
func (r Result) Expecting(text string) Result {
	r.Expected = text
	for i := range r.Also {
		r.Also[i].Expected = text
	}
	return r
}

// tokenHost is the token service at each of its addresses, if it is at another
// origin than the ways in, speaks TLS, and belongs to the registry. Of several
// endpoints that name it, the first looks at it. why says why it is not looked at,
// where that is worth a word.
func (t *Trial) tokenHost(ctx context.Context) (places []Place, why string) {
	ctx, cancel := context.WithTimeout(ctx, wire.ShakeTimeout) // DNS is asked
	defer cancel()
	p, why := t.tokenPlace(ctx)
	switch {
	case why == noService || why == noTLS || t.door.run.planning():
		return nil, ""
	case why != "":
		return nil, why
	case t.wayIn(p.Origin) || !t.firstWith(p.Origin):
		return nil, ""
	}
	for _, at := range t.addressesOf(ctx, p) {
		one := p
		one.request.Address = at
		places = append(places, one)
	}
	return places, ""
}

// addressesOf are the addresses of a token service: clients may use any.
func (t *Trial) addressesOf(ctx context.Context, p Place) []netip.AddrPort {
	guard, only := t.door.reg.Guard, []netip.AddrPort{p.At()}
	u, err := t.door.ep.URL.Parse(p.Origin)
	if err != nil {
		return only
	}
	all, err := guard.Lookup(ctx, u)
	if err != nil || slices.ContainsFunc(all, func(a netip.AddrPort) bool { return guard.Refuses(p.Host, a.Addr(), true) != "" }) {
		return only
	}
	return all[:min(len(all), maxNames)]
}

// wayIn says whether an origin is that of an endpoint, which is looked at as such.
func (t *Trial) wayIn(origin string) bool {
	return slices.ContainsFunc(t.door.target.Endpoints, func(e Endpoint) bool { return !e.shut() && sameOrigin(e.URL.String(), origin) })
}

// firstWith says whether no endpoint before this one names the same token service.
func (t *Trial) firstWith(origin string) bool {
	for _, d := range t.door.run.doors {
		switch {
		case d == t.door:
			return true
		case d.target != t.door.target || !d.usable() || d.ep.Expect == Public && !t.probe.Public:
			continue
		}
		if slices.ContainsFunc(d.lastChallenges(), func(c login.Challenge) bool {
			realm, err := d.ep.URL.Parse(c.Params["realm"])
			return c.Scheme == "bearer" && err == nil && sameOrigin(realm.String(), origin)
		}) {
			return false
		}
	}
	return true
}

func sameOrigin(a, b string) bool {
	one, err := credential.ParseOrigin(a)
	if err != nil {
		return false
	}
	other, err := credential.ParseOrigin(b)
	return err == nil && one == other
}
