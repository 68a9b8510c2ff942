// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/regproof/regproof/evidence"
	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/wire"
)

// Shake makes a handshake with a place, for a stranger if the hello names
// nobody. It waits for its turn, and counts as a request. The same hello is made
// once; one with a certificate, a session or a request of its own is made each
// time. What was not made has the failure wire.Canceled, and Err says why.
func (t *Trial) Shake(ctx context.Context, p Place, h wire.Hello) wire.Shaken {
	h.Address, h.Host = p.At(), p.request.Host
	if h.SNI == "" {
		h.SNI = p.Host
	}
	if h.Cert != nil || h.Session != nil || h.Then != nil {
		return t.shakeAgain(ctx, h)
	}
	key := fmt.Sprint(h.Address, h.Host, h.Version, h.Suites.Name, h.ByHand, h.SNI, h.Name, h.ALPN)
	d := t.door
	d.mu.Lock()
	made, ok := d.shaken[key]
	if !ok {
		made = &shakenOnce{done: make(chan struct{})}
		if d.shaken == nil {
			d.shaken = map[string]*shakenOnce{}
		}
		d.shaken[key] = made
	}
	d.mu.Unlock()
	if !ok {
		defer close(made.done)
		made.Shaken = t.shakeAgain(ctx, h)
		return made.Shaken
	}
	<-made.done // it is bounded by its own time
	return made.Shaken
}

// shakenOnce is a handshake that several probes look at.
type shakenOnce struct {
	done chan struct{}
	wire.Shaken
}

// shakeAgain makes a handshake, whether or not it was made before.
func (t *Trial) shakeAgain(ctx context.Context, h wire.Hello) wire.Shaken {
	d := t.door
	if most := d.run.opts.RequestTimeout; h.Timeout == 0 && most > 0 && most < wire.ShakeTimeout {
		h.Timeout = most
	}
	if h.Identity == "" {
		h.Identity = anonymous.Name
	}
	asked := wire.Request{Identity: h.Identity, Method: evidence.ClientHello, Scheme: "https", Host: h.Host, Address: h.Address}
	not := func(err error) wire.Shaken {
		return wire.Shaken{Hello: h, Failure: wire.Canceled, Err: err, ID: d.run.note(asked, err)}
	}
	if err := d.pace.enter(ctx, step); err != nil {
		return not(err)
	}
	defer d.pace.leave(wire.Response{})
	switch {
	case d.sentinels.banned():
		return not(errors.New("the registry banned or throttled this client, so it is left alone"))
	case !d.run.spend():
		return not(fmt.Errorf("the budget of %d requests is spent (check.budget.requests)", d.run.opts.MaxRequests))
	case d.run.planning():
		return d.run.simulate.shake(d, asked, h)
	}
	return d.wire.Shake(ctx, h)
}

// shake is a handshake with the model of a sound registry.
func (s *simulation) shake(d *door, asked wire.Request, h wire.Hello) wire.Shaken {
	s.count(d, asked)
	out := wire.Shaken{Hello: h, Failure: wire.Handshake, Alerted: true, Alert: 70}
	if len(h.Suites.Suites) == 0 && (h.Version == 0 || h.Version >= tls.VersionTLS12) && !h.ByHand {
		out = wire.Shaken{Hello: h, Done: true, Version: max(h.Version, tls.VersionTLS12), Suite: tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256}
	}
	return out
}

// Roots are the authorities that this endpoint's certificate is verified with;
// nil are the system's.
func (t *Trial) Roots() *x509.CertPool {
	if t.door.ep.Roots != nil {
		return t.door.ep.Roots
	}
	return t.door.target.Trust.Roots
}

// MinVersion is the lowest TLS version that the registry may offer.
func (t *Trial) MinVersion() uint16 {
	if v := t.door.target.MinVersion; v != 0 {
		return v
	}
	return tls.VersionTLS12
}

// Handshakes makes these handshakes with every address of the endpoint and of its
// token service (Everywhere), all at once, and lets judge look at those of one
// address. One that was closed or not answered, where others were, is made once
// more and alone: it may have been one too many at a time. The gravest verdict is
// the result; further failures are its deviations.
func (t *Trial) Handshakes(ctx context.Context, hellos []wire.Hello, judge func(p Place, got []wire.Shaken) []Verdict) Result {
	each := func(p Place) []Verdict {
		got := make([]wire.Shaken, len(hellos))
		var wg sync.WaitGroup
		for i, h := range hellos {
			wg.Go(func() { got[i] = t.Shake(ctx, p, h) })
		}
		wg.Wait()
		t.alone(ctx, hellos, got)
		return t.shaken(p, got, judge)
	}
	if t.door.ep.URL.Scheme != "https" {
		return t.Tokens(ctx, len(hellos), NotApplicable("the endpoint speaks plain http"), each)
	}
	return t.Everywhere(ctx, len(hellos), each)
}

// alone repeats what had no answer, as long as that helps.
func (t *Trial) alone(ctx context.Context, hellos []wire.Hello, got []wire.Shaken) {
	if !slices.ContainsFunc(got, func(s wire.Shaken) bool { return s.Version != 0 || s.Alerted }) {
		return
	}
	for i := range got {
		// With a time of its own a hello is odd, and silence may be the answer to that.
		if hellos[i].Timeout == 0 && (got[i].Failure == wire.Timeout || got[i].Failure == wire.Closed) {
			again := t.shakeAgain(ctx, got[i].Hello)
			if again.Failure == wire.Timeout {
				return
			}
			got[i] = again
		}
	}
}

// shaken judges the handshakes of one address, unless there was none at all.
func (t *Trial) shaken(p Place, got []wire.Shaken, judge func(Place, []wire.Shaken) []Verdict) []Verdict {
	at := p.At()
	var out []Verdict
	ids := make([]string, 0, len(got))
	for _, s := range got {
		ids = append(ids, s.ID)
		if s.Failure == wire.Canceled {
			return []Verdict{{Outcome: finding.NotChecked, Reason: s.Err.Error(), Evidence: []string{s.ID}}}
		}
	}
	switch first := got[0]; {
	case slices.ContainsFunc(got, func(s wire.Shaken) bool { return s.Version != 0 }):
		out = judge(p, got)
	case first.Failure == wire.NoRoute:
		t.door.run.unroutable(at.Addr())
		out = []Verdict{{Outcome: finding.NotChecked, Reason: "no route to " + at.Addr().String() + " from here", noRoute: true}}
	default:
		out = []Verdict{{Outcome: finding.Unknown, Reason: fmt.Sprintf("no handshake with %s: %s", at, first.Failure)}}
	}
	for i := range out {
		out[i].lane.Proto = "TLS"
		if len(out[i].Evidence) == 0 {
			out[i].Evidence = ids
		}
	}
	return out
}

// gravest makes one result of verdicts that are about addresses. Each says in
// Reason what was seen.
func gravest(all []Verdict, attempts int) Result {
	r := Result{Attempts: attempts, Observed: "unknown"}
	if slices.ContainsFunc(all, func(v Verdict) bool { return !v.noRoute }) {
		all = slices.DeleteFunc(all, func(v Verdict) bool { return v.noRoute })
	}
	if len(all) == 0 {
		r.Outcome, r.Reason = finding.Unknown, "nothing could be asked"
		return r
	}
	slices.SortStableFunc(all, func(a, b Verdict) int {
		switch {
		case graver(a, b):
			return -1
		case graver(b, a):
			return 1
		}
		return a.lane.Address.Compare(b.lane.Address)
	})
	v := all[0]
	r.Outcome, r.Severity, r.Reason, r.Message, r.Subject = v.Outcome, v.Severity, v.Reason, v.Message, v.Subject
	r.Evidence, r.Control, r.Address, r.Protocol = v.Evidence, v.Control, v.lane.Address.Addr().String(), string(v.lane.Proto)
	if r.Outcome == finding.Pass || r.Outcome == finding.Fail {
		r.Observed = v.Reason
	}
	if r.Outcome != finding.Fail {
		return r
	}
	for _, o := range all[1:] {
		if o.Outcome != finding.Fail || len(r.Deviations) >= 50 {
			continue
		}
		what := o.Reason
		if o.lane.Address != v.lane.Address {
			what = "at " + o.lane.Address.Addr().String() + ": " + what
		}
		r.Deviations = append(r.Deviations, finding.Deviation{Variant: what, Evidence: o.Evidence})
	}
	if i := slices.IndexFunc(all, func(o Verdict) bool { return o.lane.Address != v.lane.Address && o.Outcome == finding.Pass }); i >= 0 {
		r.Message += fmt.Sprintf(" (at %s; not at %s)", v.lane.Address.Addr(), all[i].lane.Address.Addr())
	}
	return r
}

// Insist makes a handshake again that showed a weakness, and says whether it
// still does.
func (t *Trial) Insist(ctx context.Context, s wire.Shaken, still func(wire.Shaken) bool) (again wire.Shaken, same bool) {
	again = t.shakeAgain(ctx, s.Hello)
	return again, still(again)
}
