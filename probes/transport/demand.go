// SPDX-License-Identifier: Apache-2.0

package transport

import (
	"context"
	"fmt"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/probe"
	"github.com/regproof/regproof/wire"
)

// demand is where tls.mutual says that a certificate must be required: no place
// may answer to whoever has none, or one of nobody.
type demand struct {
	t         *probe.Trial
	c         probe.Certificates
	shown     []shown // nobody's certificates, no certificate first
	attempts  int
	undecided string // where nobody knows what an answer meant
}

// repeated is how often an answer is asked for again before it counts.
const repeated = 3

// demanded adds to what was served what was answered.
func demanded(ctx context.Context, t *probe.Trial, r probe.Result, c probe.Certificates, forged []shown, places []probe.Place, why string) probe.Result {
	d := &demand{t: t, c: c, shown: append([]shown{{who: "no certificate"}}, forged...)}
	reason := ""
	for _, p := range places {
		hole, open := d.at(ctx, p)
		switch {
		case !open && p.Token:
			reason = "; the token service " + p.Origin + " requires one, too"
		case !open:
		case p.Token && p.Origin != places[0].Origin:
			hole.Endpoint, hole.Attempts = p.Origin, d.attempts
			r.Also = append(r.Also, hole)
		case r.Outcome == finding.Fail:
			r.Deviations = append(r.Deviations, finding.Deviation{Variant: hole.Reason + " at " + p.Address(), Evidence: hole.Evidence})
		default:
			hole.Attempts, hole.Also = r.Attempts, r.Also
			r = hole
		}
	}
	if last := places[len(places)-1]; !last.Token && why != "" {
		reason = "; no token service was asked: " + why
	}
	r.Attempts += d.attempts
	switch {
	case r.Outcome == finding.Pass && d.undecided != "":
		r.Outcome, r.Observed, r.Reason = finding.Unknown, "unknown", d.undecided
	case r.Outcome == finding.Pass:
		r.Reason += reason
	}
	return r
}

// at is what a place answers to whoever has no good certificate.
func (d *demand) at(ctx context.Context, p probe.Place) (probe.Result, bool) {
	what := "the API"
	if p.Token {
		what = "the token service " + p.Origin
	}
	for _, s := range d.shown {
		a := d.ask(ctx, p, s)
		if refused(a) {
			continue
		}
		own, decides := d.decides(ctx, p, a)
		var trail []string
		if decides {
			trail = d.byPassword(ctx, p, s)
		}
		if len(trail) > 0 {
			return probe.Result{
				Outcome: finding.Fail, Severity: finding.High, Observed: "allow", Address: p.Address(), Variant: "the right password and " + s.who,
				Reason: "a token for the password and " + s.who, Evidence: trail, Control: ids(own), Subject: &finding.Subject{Kind: "door"},
				Message: fmt.Sprintf("%s gives a token to whoever has the password, with %s: a client certificate is meant to be required, and is not", what, s.who),
			}, true
		}
		if decides {
			continue
		}
		if !answers(a) {
			d.undecided = fmt.Sprintf("%s answers %s to %s, which is neither a refusal nor anything that it would serve", what, text(a), s.who)
			continue
		}
		evidence, again := []string{a.ID}, true
		for range repeated {
			b := d.ask(ctx, p, s)
			evidence, again = append(evidence, b.ID), again && b.Status == a.Status
		}
		if !again {
			d.undecided = fmt.Sprintf("%s does not always answer alike to %s", what, s.who)
			continue
		}
		return probe.Result{
			Outcome: finding.Fail, Severity: finding.High, Observed: "allow", Address: p.Address(), Variant: s.who, Subject: &finding.Subject{Kind: "door"},
			Reason: fmt.Sprintf("%d to whoever shows %s", a.Status, s.who), Evidence: evidence, Control: ids(own),
			Message: fmt.Sprintf("%s answers %d to %s: a client certificate is meant to be required, and is not", what, a.Status, s.who),
		}, true
	}
	return probe.Result{}, false
}

// ask asks once, and once more where the connection was closed: the alert that
// told why may have been lost with it. A handshake that fails with a certificate
// of nobody is a refusal of it, however it is put.
func (d *demand) ask(ctx context.Context, p probe.Place, s shown) wire.Response {
	d.attempts++
	a := d.t.At(ctx, p, presents(s.cert))
	if a.Failure == wire.Closed {
		a = d.t.At(ctx, p, presents(s.cert))
	}
	if s.cert != nil && (a.Failure == wire.Handshake || a.Failure == wire.Closed) {
		a.Failure = wire.ClientCert
	}
	return a
}

// decides says whether the right certificate, and nothing else, is answered in
// another way: then it is its absence that was answered. A 401 that asks for no
// login is another one than that which does.
func (d *demand) decides(ctx context.Context, p probe.Place, a wire.Response) (wire.Response, bool) {
	if d.c.Own() == nil {
		return wire.Response{}, false
	}
	own := d.ask(ctx, p, shown{cert: d.c.Own()})
	another := own.Status != a.Status || own.Header.Has("Www-Authenticate") && !a.Header.Has("Www-Authenticate")
	return own, answers(own) && another && a.Status/100 != 2
}

// byPassword is how the token service took the password for enough, nil if it
// did not.
func (d *demand) byPassword(ctx context.Context, p probe.Place, s shown) []string {
	if !p.Token || d.c.Reader == nil || d.c.Reader.Secret.Credential.IsZero() {
		return nil
	}
	id := *d.c.Reader
	id.Cert, id.Name = s.cert, id.Name+" with "+s.who
	if grant := d.t.LogIn(ctx, id); grant.Header != "" && !grant.Empty() {
		return grant.Evidence
	}
	return nil
}

func ids(r wire.Response) []string {
	if r.ID == "" {
		return nil
	}
	return []string{r.ID}
}
