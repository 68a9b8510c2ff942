// SPDX-License-Identifier: Apache-2.0

package transport

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/login"
	"github.com/regproof/regproof/oci"
	"github.com/regproof/regproof/probe"
	"github.com/regproof/regproof/product"
	"github.com/regproof/regproof/wire"
)

var ping = oci.Request{Method: "GET", Kind: oci.Ping}

// atHome says whether everything happens on this machine, where plain HTTP is
// what the registry speaks: it goes over no wire.
func atHome(w probe.Way) bool {
	for _, a := range w.Addresses {
		if !a.Addr().IsLoopback() {
			return false
		}
	}
	return w.Primary.Scheme == "http" && w.URL.Scheme == "http"
}

// origin is what was asked, as a person would type it.
func origin(a probe.Answer) string { return a.Request.Scheme + "://" + a.Request.Host }

// mute says what it means that plain HTTP got no answer; ok is false when there
// was one.
func mute(a probe.Answer) (v probe.Verdict, ok bool) {
	v = probe.Verdict{Outcome: finding.Pass, Evidence: a.Trail, Control: a.Trail}
	switch {
	case a.NotAsked != "":
		return probe.Verdict{Outcome: finding.NotChecked, Reason: a.NotAsked, Evidence: a.Trail}, true
	case errors.Is(a.Err, wire.ErrTLSRecord):
		v.Reason = origin(a) + " speaks TLS alone"
	case a.Failure == wire.Refused || a.Failure == wire.Timeout || a.Failure == wire.NoRoute:
		v.Reason = fmt.Sprintf("%s is not reachable from here (%s)", origin(a), a.Failure)
	case a.Failure == wire.Closed || a.Failure == wire.Malformed:
		v.Reason = fmt.Sprintf("%s gives no answer to plain http (%s)", origin(a), a.Failure)
	case a.Status == 0:
		v.Outcome, v.Reason = finding.Unknown, fmt.Sprintf("%s: %s", origin(a), a.Failure)
	case a.Status == 429 || a.Status >= 500:
		v.Outcome, v.Reason = finding.Unknown, fmt.Sprintf("%s answered %d, which says nothing of what is there", origin(a), a.Status)
	default:
		return v, false
	}
	return v, true
}

// challenges are the schemes with which a 401 asks for a credential that can be
// read on the way.
func challenges(a probe.Answer) []string {
	var out []string
	if a.Status != 401 {
		return nil
	}
	for _, c := range login.ParseChallenges(a.Header.Values("Www-Authenticate")) {
		switch c.Scheme {
		case "basic":
			out = append(out, "Basic")
		case "bearer":
			out = append(out, "Bearer")
		}
	}
	return out
}

// registry says whether an answer at /v2/ is a registry's: by its own marks, or
// because it asks for a login in the same words as the endpoint does.
func registry(a, own probe.Answer) bool {
	if product.Detect(a.Header) != product.Unknown || probe.ErrorCode(a.Response) != "" || sendsForToken(a) {
		return true
	}
	if a.Status == 200 && strings.Contains(strings.ToLower(a.Header.Get("Content-Type")), "json") && strings.TrimSpace(string(a.Body)) == "{}" {
		return true
	}
	asked := a.Header.Get("Www-Authenticate")
	return a.Status == 401 && asked != "" && asked == own.First.Header.Get("Www-Authenticate")
}

// sendsForToken says whether an answer sends clients to a token service. That of
// another API with bearer tokens names a realm that leads nowhere, or none.
func sendsForToken(a probe.Answer) bool {
	return a.Status == 401 && slices.ContainsFunc(login.ParseChallenges(a.Header.Values("Www-Authenticate")), func(c login.Challenge) bool {
		u, err := url.Parse(c.Params["realm"])
		return c.Scheme == "bearer" && err == nil && (u.Host != "" || strings.HasPrefix(u.Path, "/"))
	})
}

// sentAway is where a redirect to https leads, "" for every other answer.
func sentAway(a probe.Answer) string {
	to, err := url.Parse(a.Header.Get("Location"))
	if a.Status/100 != 3 || err != nil || to.Scheme != "https" {
		return ""
	}
	return "https://" + to.Host
}

// own is what the endpoint itself answered a stranger at /v2/, at the address of
// a place.
func own(t *probe.Trial, place netip.AddrPort) probe.Answer {
	at := place
	for _, a := range t.Way().Addresses {
		if a.Addr() == place.Addr() {
			at = a
		}
	}
	return t.Ping(probe.Answer{Response: wire.Response{Request: wire.Request{Address: at}}})
}

// beside lets judge look at what plain HTTP is answered at /v2/, at every
// address: at the ports beside https, or for a way in of http at its own. At a
// token service with an origin of its own, service looks at the answer to who asks
// for a token there.
func beside(ctx context.Context, t *probe.Trial, judge func(place netip.AddrPort, a probe.Answer) probe.Verdict, service func(p probe.Place, at netip.AddrPort, a probe.Answer) probe.Verdict) probe.Result {
	w := t.Way()
	if atHome(w) {
		home := probe.NotApplicable("plain http on this machine alone")
		return t.Tokens(ctx, 2, home, func(p probe.Place) []probe.Verdict {
			if p.At().Addr().IsLoopback() {
				return []probe.Verdict{{Outcome: home.Outcome, Reason: home.Reason}}
			}
			return besideTokens(ctx, t, p, service)
		})
	}
	return t.Everywhere(ctx, 2, func(p probe.Place) []probe.Verdict {
		at := p.At()
		switch {
		case p.Token:
			return besideTokens(ctx, t, p, service)
		case w.URL.Scheme == "http":
			a := own(t, at)
			if a.First.Status == 0 {
				return []probe.Verdict{{Outcome: finding.Unknown, Reason: fmt.Sprintf("%s does not answer: %s", at, a.First.Failure), Evidence: a.Trail}}
			}
			a.Response = a.First
			return []probe.Verdict{judge(at, a)}
		}
		var out []probe.Verdict
		for _, place := range t.PlainPorts(p) {
			a := t.InClear(ctx, place, ping, false)
			v, ok := mute(a)
			if !ok {
				v = judge(place, a)
			}
			out = append(out, v)
		}
		return out
	})
}

// besideTokens looks at the plain ports of a token service.
func besideTokens(ctx context.Context, t *probe.Trial, p probe.Place, judge func(p probe.Place, at netip.AddrPort, a probe.Answer) probe.Verdict) []probe.Verdict {
	var out []probe.Verdict
	for _, at := range t.PlainPorts(p) {
		a := t.TokenInClear(ctx, at, p, false)
		v, ok := mute(a)
		if !ok {
			v = judge(p, at, a)
		}
		out = append(out, v)
	}
	return out
}
