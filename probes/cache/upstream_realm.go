// SPDX-License-Identifier: Apache-2.0

package cache

import (
	"context"
	"fmt"
	"slices"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/probe"
	"github.com/regproof/regproof/upstream"
)

// UpstreamRealm is the upstream of a cache in a lab, and names a token service
// on a foreign host.
var UpstreamRealm = probe.Probe{
	ID:    "cache/upstream-realm",
	Title: "A pull-through cache sends its upstream credential to no foreign token service",
	Why: "Whoever answers for the upstream once, or stands in between on plain http, names a " +
		"token service of his own and is sent the user name and password with which the cache " +
		"reads every private image upstream. The registry of the distribution project does so " +
		"before 3.1.0 (CVE-2026-33540), Debian's docker-registry 2.8.2 included.",
	How: []string{
		"only with check.upstream in the file, and at endpoints with role: cache: a cache of a lab that has that address for its upstream, with a credential to throw away",
		"regproof listens there while it runs, answers 401 to everybody, and names two token services: one on the upstream's own host, one on another host",
		"a stranger asks the cache for the manifest of a repository that does not exist, under a new name each time; where strangers are denied, who may pull does; a cache that is not there yet is waited for, 30 s at most",
		"a credential that comes to the foreign one, for that very repository, is a failure; it is asked for a second time, and only how it was sent is noted",
		"then only the foreign one is named, and if the cache logged in nowhere, only its own; each time the cache has 1 s after its answer to come",
		"a pass needs to see that there is a credential: it came to the upstream's own host",
	},
	Fix: "Update the cache (distribution: 3.1.0 or later; there is no fix in the 2.x line). Until then give " +
		"it a credential that reads nothing but what it must, and reach the upstream over https alone.",
	NotWhen:  "The credential is good for public images alone.",
	Severity: finding.High,
	Control:  "upstream-realm",
	Effect:   probe.Read,
	Per:      probe.Registry,
	Silent:   true,
	Run:      upstreamRealm,
}

func upstreamRealm(ctx context.Context, t *probe.Trial) probe.Result {
	up := t.Upstream()
	switch {
	case !t.IsCache():
		return probe.NotApplicable("the endpoint is not said to be a cache (role: cache)")
	case up == nil:
		return probe.Result{Outcome: finding.NotChecked, Reason: "it needs check.upstream in the file, and a cache of a lab that has that address for its upstream"}
	}
	release := up.Turn(ctx)
	if release == nil {
		return probe.Result{Outcome: finding.NotChecked, Reason: "interrupted"}
	}
	defer release()
	both := t.Visit(ctx, upstream.Both)
	visits := []probe.Visit{both}
	if both.Sent(upstream.ForeignTokens) != "" {
		return leaked(t, append(visits, t.Visit(ctx, upstream.Both)))
	}
	foreign := t.Visit(ctx, upstream.ForeignAlone)
	visits = append(visits, foreign)
	if foreign.Sent(upstream.ForeignTokens) != "" {
		return leaked(t, append(visits, t.Visit(ctx, upstream.ForeignAlone)))
	}
	if !slices.ContainsFunc(visits, probe.Visit.LoggedIn) {
		visits = append(visits, t.Visit(ctx, upstream.OwnAlone))
	}
	return held(t, visits)
}

// leaked is the result when the credential came to the foreign host.
func leaked(t *probe.Trial, visits []probe.Visit) probe.Result {
	r := sum(visits)
	again, last := visits[len(visits)-1], visits[len(visits)-2]
	r.Outcome, r.Observed = finding.Fail, "a credential"
	r.Message = fmt.Sprintf("the cache sent its upstream credential (%s) to %s, which is not the host of its upstream %s", last.Sent(upstream.ForeignTokens), t.Upstream().Foreign(), t.Upstream().URL())
	r.Reason = "seen for two repositories that nobody else asked for"
	if again.Sent(upstream.ForeignTokens) == "" {
		r.Reason = "seen for a repository that nobody else asked for; when another was asked for, the cache did not log in again"
	}
	return r
}

// held is the result when it did not: a pass if there was one to send.
func held(t *probe.Trial, visits []probe.Visit) probe.Result {
	r := sum(visits)
	r.Outcome = finding.Unknown
	came := slices.ContainsFunc(visits, func(v probe.Visit) bool { return len(v.Came)+len(v.Others) > 0 })
	stray := slices.ContainsFunc(visits, func(v probe.Visit) bool {
		return slices.ContainsFunc(v.Others, func(r upstream.Request) bool { return r.Place == upstream.ForeignTokens && r.Credential != "" })
	})
	switch {
	case stray:
		r.Reason = "a credential came to the foreign token service, but for no repository that was asked for here: look who uses " + t.Upstream().URL()
	case !came:
		r.Reason = fmt.Sprintf("the cache did not come to %s: let it have that for its upstream, and start it while regproof runs (it answered %s)", t.Upstream().URL(), visits[0].Said())
	case !slices.ContainsFunc(visits, probe.Visit.LoggedIn):
		r.Reason = "no control: the cache came to its upstream without a credential, so that there was none to send elsewhere; give it one to throw away"
	case len(visits[0].Came)+len(visits[0].Others)+len(visits[1].Came)+len(visits[1].Others) == 0:
		r.Reason = "no control: the cache did not come while a foreign token service was named"
	default:
		r.Outcome, r.Observed = finding.Pass, "no credential"
		r.Reason = "it logged in at the host of its upstream, and came to the foreign token service without a credential or not at all"
	}
	return r
}

func sum(visits []probe.Visit) probe.Result {
	r := probe.Result{Attempts: len(visits), Identity: visits[0].Identity, Expected: "no credential at a foreign host"}
	for _, v := range visits {
		r.Evidence, r.Control = append(r.Evidence, v.Evidence...), append(r.Control, v.Login...)
	}
	if at := visits[0].Answer.Request.Address; at.IsValid() {
		r.Address, r.Protocol = at.Addr().String(), "HTTP/1.1"
	}
	return r
}
