// SPDX-License-Identifier: Apache-2.0

package transport

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"slices"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/probe"
)

// PlainHTTP looks for the registry without TLS.
var PlainHTTP = probe.Probe{
	ID:    "transport/plain-http",
	Title: "Plain HTTP serves nothing beside HTTPS",
	Why: "What is served without TLS can be read and changed on the way: credentials, tokens, and " +
		"the images themselves. A client that is told of an insecure registry, or falls back, uses " +
		"that door, and whoever stands between decides what it pulls.",
	How: []string{
		"beside https, at every address: GET /v2/ with plain HTTP, anonymous, at port 80 and at the port of the endpoint, 3 s each; where anything answers, the manifest of a private image too",
		"a failure: an answer of a registry (critical when the manifest is served), twice; no answer, a redirect to https and a web server that is no registry are not",
		"an endpoint whose own URL is http fails when it answers, unless everything is on this machine and the registry speaks plain HTTP there",
		"the token service, " + ofItsOwn + ": GET of its path without a scope in the same way, at port 80 and at its own; a failure: a token, or a 401 like the one over https, twice; any other answer that is the same over https is unknown",
		"no credential is sent, not even a made-up one",
	},
	Fix: "Close the port, or let it redirect to https and nothing else (nginx: return 301 " +
		"https://$host$request_uri;), and bind the registry behind a front to loopback.",
	NotWhen:  "The way between is private and encrypted already, as in a service mesh.",
	Severity: finding.High,
	Control:  "plain-http",
	Effect:   probe.Read,
	Per:      probe.Registry,
	Silent:   true,
	Run: func(ctx context.Context, t *probe.Trial) probe.Result {
		r := beside(ctx, t, func(place netip.AddrPort, a probe.Answer) probe.Verdict {
			return servesPlainly(ctx, t, place, a)
		}, func(p probe.Place, at netip.AddrPort, a probe.Answer) probe.Verdict {
			return givesPlainly(ctx, t, p, at, a)
		}).Expecting("no token service over plain http")
		r.Expected = "no registry over plain http"
		return r
	},
}

func servesPlainly(ctx context.Context, t *probe.Trial, place netip.AddrPort, a probe.Answer) probe.Verdict {
	if request, is, ok := t.PrivateManifest(); ok {
		got := t.InClear(ctx, place, request, false)
		if got.NotAsked == "" && is(got.Response) && is(t.InClear(ctx, place, request, true).Response) {
			return probe.Verdict{
				Outcome: finding.Fail, Severity: finding.Critical, Evidence: slices.Concat(a.Trail, got.Trail), Control: a.Trail,
				Subject: &finding.Subject{Kind: "manifest", Digest: "sha256:" + got.SHA256, MediaType: got.Header.Get("Content-Type")},
				Reason:  fmt.Sprintf("%s serves a private manifest to anybody", origin(got)),
				Message: fmt.Sprintf("%s serves a private manifest to anybody, without TLS", origin(got)),
			}
		}
	}
	v := probe.Verdict{Outcome: finding.Pass, Evidence: a.Trail, Control: a.Trail}
	if to := sentAway(a); to != "" {
		v.Reason = fmt.Sprintf("%s answers %d to %s", origin(a), a.Status, to)
		return v
	}
	if a.Status == http.StatusBadRequest || a.Status == http.StatusUpgradeRequired || a.Status == 497 {
		// Fronts are told to add a registry's header to every answer, to this one too.
		v.Reason = fmt.Sprintf("%s answers %d, and wants TLS", origin(a), a.Status)
		return v
	}
	if !registry(a, own(t, place)) {
		v.Reason = fmt.Sprintf("%s answers %d, and is no registry", origin(a), a.Status)
		return v
	}
	if again := t.InClear(ctx, place, ping, true); again.Status != a.Status {
		return probe.Verdict{Outcome: finding.Unknown, Reason: fmt.Sprintf("%s answers %d, and then not again", origin(a), a.Status), Evidence: append(a.Trail, again.Trail...)}
	}
	v.Outcome, v.Reason = finding.Fail, fmt.Sprintf("%s answers %d as a registry", origin(a), a.Status)
	v.Message = fmt.Sprintf("the registry is served over plain http at %s (%d)", origin(a), a.Status)
	return v
}
