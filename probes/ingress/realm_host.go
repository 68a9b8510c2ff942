// SPDX-License-Identifier: Apache-2.0

package ingress

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/login"
	"github.com/regproof/regproof/oci"
	"github.com/regproof/regproof/probe"
	"github.com/regproof/regproof/wire"
)

// RealmHost looks whether the token realm follows the Host header.
var RealmHost = probe.Probe{
	ID:    "ingress/realm-host",
	Title: "The token realm does not follow the client's Host header",
	Why: "The realm tells clients where to send their password. A realm made from the Host " +
		"header, in an answer that a shared cache keeps, sends other people's passwords to " +
		"whoever poisoned the cache.",
	How: []string{
		"GET /v2/ with a Host header, and with X-Forwarded-Host, of a name that nobody serves",
		"a failure: the realm names it; high when the answer may be kept by a shared cache",
	},
	Fix: "Set the external URL in the registry's configuration (distribution: http.host and " +
		"auth.token.realm, with autoredirect off), and answer 421 to unknown hosts.",
	NotWhen:  "Nothing between clients and the registry keeps answers, and no client is behind a proxy of others.",
	Severity: finding.Low,
	Control:  "realm-host",
	Effect:   probe.Read,
	Per:      probe.Once,
	Run: func(ctx context.Context, t *probe.Trial) probe.Result {
		other := "regproof-" + t.Way().Run + ".invalid"
		ping := probe.Attempt{Request: oci.Request{Method: "GET", Kind: oci.Ping}, Lent: true}
		byHost, byHeader := ping, ping
		byHost.Change = func(r *wire.Request) { r.Host = other }
		byHeader.Change = func(r *wire.Request) { r.Header = append(r.Header, [2]string{"X-Forwarded-Host", other}) }
		answers := t.Ask(ctx, ping, byHost, byHeader)
		if r := t.Doubt(answers[0]); r.Outcome != "" {
			return r
		}
		r := probe.Result{Attempts: len(answers), Evidence: answers[0].Trail, Control: answers[0].Trail}
		if realmOf(answers[0]) == "" {
			r.Outcome, r.Reason = finding.NotApplicable, "no token realm is named"
			return r
		}
		for i, how := range []string{"Host: " + other, "X-Forwarded-Host: " + other} {
			a := answers[i+1]
			u, err := url.Parse(realmOf(a))
			if err != nil || !strings.EqualFold(u.Hostname(), other) {
				continue
			}
			r.Outcome, r.Variant, r.Evidence, r.Observed = finding.Fail, how, a.Trail, "the realm follows"
			r.Reason = "the realm is on the client's host"
			r.Message = fmt.Sprintf("the token realm follows the client's header: %s gives a realm on that host", how)
			if why := cacheable(a.Header); why != "" {
				r.Severity = finding.High
				r.Message += fmt.Sprintf("; the answer may be kept by a shared cache (%s)", why)
			}
			return r
		}
		if r := t.Doubt(answers...); r.Outcome != "" {
			return r
		}
		r.Outcome, r.Observed, r.Reason = finding.Pass, "the realm stays", "the realm stays where it is"
		return r
	},
}

func realmOf(a probe.Answer) string {
	for _, c := range login.ParseChallenges(a.Header.Values("Www-Authenticate")) {
		if c.Scheme == "bearer" {
			return c.Params["realm"]
		}
	}
	return ""
}

// cacheable says why a shared cache may keep an answer (RFC 9111 section 3).
func cacheable(h wire.Header) string {
	control := strings.ToLower(strings.Join(h.Values("Cache-Control"), ","))
	for _, word := range []string{"public", "s-maxage", "max-age"} {
		if strings.Contains(control, word) && !strings.Contains(control, "no-store") && !strings.Contains(control, "private") && !strings.Contains(control, "max-age=0") {
			return "Cache-Control: " + control
		}
	}
	for _, name := range []string{"Age", "X-Cache", "X-Cache-Status", "Cf-Cache-Status"} {
		if v := h.Get(name); v != "" {
			return name + ": " + v
		}
	}
	return ""
}
