// SPDX-License-Identifier: Apache-2.0

package transport

import (
	"context"
	"fmt"
	"slices"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/probe"
)

// SessionResumption comes with a TLS session instead of a certificate.
var SessionResumption = probe.Probe{
	ID:    "transport/session-resumption",
	Title: "A resumed TLS session does not stand in for a client certificate",
	Why: "A session that is resumed shows no certificate. Where the sites of one server share " +
		"the keys of their sessions, one that was opened at a site which wants no certificate, " +
		"or another one, may go on at the registry: so in nginx before 1.26.3 and 1.27.4 with " +
		"TLS 1.3 (CVE-2025-23419), and in haproxy 2.6 with verify required for one name of a crt-list.",
	How: []string{
		"where a client certificate is required: sessions of TLS 1.3 and 1.2 under the other names of the server, a made-up one and none; without a certificate, and where one is asked for, with one that signs itself and with those of identities that policy does not let pull",
		"each is resumed under the registry's name without a certificate, for /v2/ and for the manifest; at the token service alike",
		"what is answered so is tried 3 more times, each time with a new session and beside a request without one, which must be refused",
	},
	Fix: "Check the certificate in every request (haproxy: http-request deny unless { ssl_c_used }), " +
		"update (nginx 1.26.3, 1.27.4), end resumption (nginx: ssl_session_tickets off and " +
		"ssl_session_cache off), or give the registry an address and port of its own.",
	Severity: finding.Critical,
	Control:  "session-resumption",
	Effect:   probe.Read,
	Per:      probe.Once,
	Run: func(ctx context.Context, t *probe.Trial) probe.Result {
		if t.Way().URL.Scheme != "https" {
			return probe.NotApplicable("the endpoint speaks no TLS")
		}
		if c := t.Certificates(); !c.Mutual && !c.Asked && c.Own() == nil {
			return probe.NotApplicable("no client certificate is asked for")
		}
		places, _ := t.Places(ctx)
		r := probe.Result{Outcome: finding.NotApplicable, Reason: unneeded}
		for _, p := range places {
			one := resumed(ctx, t, p)
			switch {
			case one.Outcome == finding.Fail && p.Token && p.Origin != places[0].Origin:
				one.Endpoint = p.Origin
				r.Also = append(r.Also, one)
			case finding.Worse(r.Outcome, one.Outcome) == one.Outcome && r.Outcome != one.Outcome:
				one.Also, one.Attempts = r.Also, one.Attempts+r.Attempts
				r = one
			default:
				r.Attempts += one.Attempts
				if r.Outcome == finding.NotApplicable && one.Reason != unneeded {
					r.Reason = one.Reason
				}
			}
		}
		return r
	},
}

// maxOthers is how many identities' certificates sessions are opened with.
const maxOthers = 4

const unneeded = "no client certificate is required here that a session could stand in for"

// resumed tries every session at one place.
func resumed(ctx context.Context, t *probe.Trial, p probe.Place) probe.Result {
	bare := t.At(ctx, p, nil)
	r := probe.Result{Outcome: finding.NotApplicable, Reason: unneeded, Attempts: 1}
	if !refused(bare) {
		return r
	}
	c := t.Certificates()
	others := []shown{{who: "a certificate that signs itself", cert: alone(like(leafOf(c.Own()), nobody(t)))}}
	for _, id := range c.Others[:min(len(c.Others), maxOthers)] {
		others = append(others, shown{who: "the certificate of " + id.Name, cert: id.Cert})
	}
	// What is accepted as it is needs no session.
	others = slices.DeleteFunc(others, func(s shown) bool { return s.cert == nil || !refused(t.At(ctx, p, presents(s.cert))) })
	sessions, trail := 0, []string{bare.ID}
	for _, o := range openings(ctx, t, p, otherNames(t, p, &bare), others) {
		opened, answered, ids, _ := o.try(ctx, t, p)
		r.Attempts += 2
		if !opened {
			continue
		}
		sessions++
		trail = append(trail, ids...)
		if answered {
			if f, again := stands(ctx, t, p, o); again {
				f.Attempts += r.Attempts
				f.Control = append([]string{bare.ID}, t.ReadBy()...)
				return f
			}
		}
	}
	if sessions == 0 {
		r.Reason = "no TLS session can be had here without the client certificate"
		return r
	}
	if len(t.ReadBy()) == 0 {
		r.Outcome, r.Evidence = finding.Unknown, trail[:min(len(trail), 20)]
		r.Reason = fmt.Sprintf("no control: nobody was seen to read the image here; %d sessions of other names opened nothing", sessions)
		return r
	}
	return probe.Result{
		Outcome: finding.Pass, Observed: "deny", Attempts: r.Attempts, Evidence: trail[:min(len(trail), 20)], Control: t.ReadBy(),
		Reason: fmt.Sprintf("%d sessions of other names, none of which opened anything", sessions),
	}
}

// stands repeats what a session was answered, each time beside a request without
// one, which must be refused still: a rate limit may have refused the first. Then
// it asks for the manifest.
func stands(ctx context.Context, t *probe.Trial, p probe.Place, o opening) (probe.Result, bool) {
	r := probe.Result{
		Outcome: finding.Fail, Severity: finding.High, Observed: "allow", Address: p.Address(), Subject: &door,
		Variant: o.String(), Attempts: 3 * repeated,
	}
	for range repeated {
		bare := t.At(ctx, p, nil)
		_, answered, ids, last := o.try(ctx, t, p)
		if !answered || !refused(bare) {
			return r, false
		}
		r.Evidence, r.Reason = ids, fmt.Sprintf("%d to %s", last.Status, o)
	}
	what := "the API"
	if p.Token {
		what = "the token service " + p.Origin
	}
	r.Message = fmt.Sprintf("%s goes on with %s, and asks for no certificate any more", what, o)
	if p.Token {
		return r, true
	}
	keep := &ticket{}
	first := o.begin(ctx, t, p, keep)
	last := o.resume(ctx, t, p.Manifest(), keep)
	r.Attempts += 2
	if s, ok := t.Holds(last); ok && last.TLS.Resumed {
		r.Severity, r.Subject, r.Evidence = finding.Critical, s, []string{first.ID, last.ID}
		r.Message = fmt.Sprintf("%s is served to %s", named(s), o)
		r.Reason = "served to " + o.String()
	}
	return r, true
}
