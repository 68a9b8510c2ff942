// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"context"
	"fmt"
	"net/http"
	"slices"

	"github.com/regproof/regproof/access"
	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/probe"
)

// Push starts uploads as those who may not push.
var Push = probe.Probe{
	ID:    "authz/push",
	Title: "A named identity cannot push where policy does not let it",
	Why: "Whoever may push decides what others run. A credential that only pulls is copied to many " +
		"machines; if it can push, each of them can replace the images of all.",
	How: []string{
		"POST /v2/REPO/blobs/uploads/ as each identity that policy does not let push, those who may pull too: once for each identity and endpoint, in a repository that exists",
		"202 is a failure; the upload is cancelled at once by DELETE of its Location, by the same identity or by one that may delete",
		"residue: distribution keeps an empty upload folder until it purges uploads, zot a catalog entry",
	},
	Fix: "Give pull-only identities tokens or robots without the right to push, and let no flat list of users " +
		"(htpasswd, auth_basic) decide about writes.",
	NotWhen:  "The identity is meant to push: say so with a rule in policy.rules.",
	Severity: finding.High,
	Control:  "authz-push",
	Effect:   probe.CancelledWrite,
	Per:      probe.Repository,
	Needs:    []probe.Need{probe.NeedContent},
	Decides:  access.Push,
	Named:    true,
	Run: func(ctx context.Context, t *probe.Trial) probe.Result {
		others := t.Others(t.Repository(), access.Push)
		if len(others) == 0 {
			return nobody(t.Repository(), access.Push)
		}
		ids := slices.DeleteFunc(others, func(id *probe.Identity) bool { return t.StartsAt(id) != t.Repository() })
		results := forEach(ctx, t, ids, func(id *probe.Identity) probe.Started {
			return t.Start(ctx, id, t.Repository())
		}, func(id *probe.Identity, s probe.Started) probe.Result { return started(ctx, t, id, s) })
		return together(results, probe.NotApplicable("an upload is started once for each identity and endpoint, in the first repository where policy does not let it"))
	},
}

// started judges the answer to POST uploads.
func started(ctx context.Context, t *probe.Trial, id *probe.Identity, s probe.Started) probe.Result {
	control, why := t.Shown(t.Plain(), s.Answer.Status == http.StatusNotFound)
	r := probe.Result{Subject: &finding.Subject{Kind: "upload"}, Evidence: s.Trail, Control: control, Attempts: 1}
	if s.Answer.Status == http.StatusAccepted && s.Answer.Header.Get("Location") != "" {
		r.Outcome, r.Observed, r.Reason = finding.Fail, "allow", "an upload was started"
		r.Message = fmt.Sprintf("%s may push to %s, which policy does not let it: an upload was started; %s", id.Name, t.Repository(), s.Done)
		return r
	}
	got := refusedWrite(t, s.Answer)
	if s.Answer.Status == http.StatusAccepted {
		got.What = "202 without a Location"
	}
	d := denied(ctx, t, id, control, got)
	d.Subject = r.Subject
	if d.Outcome == finding.Pass && why != "" {
		d.Outcome, d.Observed, d.Reason = finding.Unknown, "unknown", why
	}
	return d
}

// refusedWrite looks at the answer to a write: a registry that takes no writes
// denies them too.
func refusedWrite(t *probe.Trial, a probe.Answer) probe.Reply {
	r := t.Refusal(a)
	if r.Saw == probe.Nothing && off(a) {
		r.Saw, r.What = probe.Denied, fmt.Sprintf("%d, which everybody gets", a.Status)
	}
	return r
}

// off says whether an answer tells that the registry does no such thing at all.
func off(a probe.Answer) bool {
	return a.Status == http.StatusMethodNotAllowed || (a.Status == http.StatusBadRequest && probe.ErrorCode(a.Response) == "UNSUPPORTED")
}
