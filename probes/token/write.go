// SPDX-License-Identifier: Apache-2.0

package token

import (
	"context"
	"fmt"
	"net/http"
	"slices"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/probe"
)

// write uses a token to start an upload, which is cancelled at once, and to
// delete a manifest that cannot exist. The upload is started once; without a
// token only where that one was started, to see that it takes one.
func write(ctx context.Context, t *probe.Trial, g given, with string) probe.Result {
	a := form{name: g.name, token: g.Token, with: with, as: g.as(), secret: true}.attempt(probe.Attempt{})
	var v probe.Verdict
	var deletes finding.Outcome
	var reason string
	var trail []string
	together(func() { v = t.Begin(ctx, a) }, func() { deletes, reason, trail = strikes(ctx, t, a) })
	r := probe.Result{Outcome: v.Outcome, Reason: "upload: " + v.Reason, Message: v.Message, Subject: v.Subject, Evidence: v.Evidence, Control: v.Control, Identity: g.as(), Variant: g.name, Attempts: 1, Observed: "unknown"}
	if v.Outcome == finding.Fail {
		plain := t.Begin(ctx, probe.Attempt{Variant: "without a token"})
		r.Attempts++
		r.Control = append(r.Control, plain.Evidence...)
		r.Observed = "allow"
		if plain.Outcome == finding.Fail {
			return t.Told("an upload can be started without a token", "anonymous/upload")
		}
		return r
	}
	r.Attempts += len(trail)
	r.Evidence = slices.Concat(r.Evidence, trail)
	switch {
	case deletes == finding.Fail:
		r.Outcome, r.Observed, r.Subject = finding.Fail, "allow", &finding.Subject{Kind: "manifest"}
		r.Reason = "the right to delete was there"
		r.Message = struck(t, with, reason)
	case r.Outcome == finding.Pass:
		// What was not asked, or had no answer, is no denial.
		if r.Outcome = deletes; deletes == finding.Pass {
			r.Observed = "deny"
		}
		r.Reason += "; DELETE of a manifest that cannot exist: " + reason
	}
	return r
}

// strikes says whether a token has the right to delete: what cannot exist is
// said not to, twice, where a stranger is denied. 405 says nothing: many
// registries delete for nobody, or not in this way.
func strikes(ctx context.Context, t *probe.Trial, a probe.Attempt) (outcome finding.Outcome, reason string, trail []string) {
	for range 2 {
		answer := t.Strike(ctx, a)
		trail = append(trail, answer.Trail...)
		reason = fmt.Sprintf("%d %s", answer.Status, probe.ErrorCode(answer.Response))
		switch s := answer.Status; {
		case answer.NotAsked != "":
			return finding.NotChecked, answer.NotAsked, trail
		case s == 0:
			return finding.Unknown, "no answer (" + string(answer.Failure) + ")", trail
		case s == http.StatusTooManyRequests || s >= 500:
			return finding.Unknown, reason, trail
		}
		gone := answer.Status == http.StatusNotFound && probe.ErrorCode(answer.Response) == "MANIFEST_UNKNOWN"
		if !gone && answer.Status != http.StatusAccepted {
			return finding.Pass, reason, trail
		}
	}
	stranger := t.Strike(ctx, probe.Attempt{})
	trail = append(trail, stranger.Trail...)
	switch {
	case stranger.NotAsked != "":
		return finding.NotChecked, stranger.NotAsked, trail
	case stranger.Status == http.StatusUnauthorized || stranger.Status == http.StatusForbidden:
		return finding.Fail, reason, trail
	case stranger.Status == 0 || stranger.Status == http.StatusTooManyRequests || stranger.Status >= 500:
		return finding.Unknown, reason + ", and a stranger got no answer that says anything", trail
	}
	return finding.Pass, reason + ", as a stranger is told too", trail
}

// struck is the message for a token that has the right to delete.
func struck(t *probe.Trial, with, reason string) string {
	return fmt.Sprintf("%s deletes in %s: for a manifest that cannot exist it is told %s, where a stranger is denied", with, t.Repository(), reason)
}
