// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"context"
	"fmt"
	"net/http"
	"slices"

	"github.com/regproof/regproof/access"
	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/oci"
	"github.com/regproof/regproof/probe"
)

// Delete deletes what cannot be there, as those who may not delete.
var Delete = probe.Probe{
	ID:    "authz/delete",
	Title: "A named identity cannot delete where policy does not let it",
	Why: "Whoever may delete can stop every deployment at once, and remove the evidence of what ran. " +
		"Where rights are flat, whoever may push may delete.",
	How: []string{
		"DELETE of a manifest and of a blob by digests that cannot exist (64 zeros, then random ones), as each identity that policy does not let delete, and as a stranger",
		"202, or 404 for the digest where a stranger is denied, says that the right was passed: a failure once it is seen for random digests too, on new connections",
		"405, or 400 UNSUPPORTED, says that nobody can delete; a 404 that strangers get as well, or that the identity gets when it reads what is there, proves nothing",
	},
	Fix: "Switch deletion off (distribution: storage.delete.enabled: false), or give the right to delete apart " +
		"from the right to push.",
	NotWhen:  "The registry looks for the digest before it looks at rights: try it with an image of your own in a repository for tests.",
	Severity: finding.High,
	Control:  "authz-delete",
	Effect:   probe.CancelledWrite,
	Per:      probe.Repository,
	Needs:    []probe.Need{probe.NeedContent},
	Decides:  access.Delete,
	Named:    true,
	Run: func(ctx context.Context, t *probe.Trial) probe.Result {
		ids := t.Others(t.Repository(), access.Delete)
		if len(ids) == 0 {
			return nobody(t.Repository(), access.Delete)
		}
		t.Turn(ctx)
		strangers := deletes(ctx, t, nil, 0, zeros)
		results := forEach(ctx, t, ids, func(id *probe.Identity) []probe.Reply {
			return deletes(ctx, t, id, 0, zeros)
		}, func(id *probe.Identity, got []probe.Reply) probe.Result {
			return deleted(ctx, t, id, got, strangers)
		})
		return together(results, probe.Result{})
	},
}

// zeros is the digest of nothing that anybody will find.
func zeros() string { return "sha256:0000000000000000000000000000000000000000000000000000000000000000" }

// deletes asks for the deletion of what cannot be there.
func deletes(ctx context.Context, t *probe.Trial, id *probe.Identity, again int, digest func() string) []probe.Reply {
	var out []probe.Reply
	for _, kind := range []oci.Kind{oci.Manifest, oci.Blob} {
		a := t.Read(ctx, id, probe.Attempt{
			Request: oci.Request{Method: http.MethodDelete, Kind: kind, Repository: t.Repository(), Reference: digest()}, Again: again, Fresh: again > 0, Confirms: again > 0,
		})
		out = append(out, refusedWrite(t, a.Answer))
	}
	return out
}

// passed says whether the answer is that of whoever may delete: it was accepted,
// or it is about the digest.
func passed(a probe.Answer) bool {
	if a.Status == http.StatusAccepted {
		return true
	}
	return a.Status == http.StatusNotFound && slices.Contains([]string{"MANIFEST_UNKNOWN", "BLOB_UNKNOWN", "NOT_FOUND"}, probe.ErrorCode(a.Response))
}

// deleted judges the answers of one identity beside those of a stranger.
func deleted(ctx context.Context, t *probe.Trial, id *probe.Identity, got, strangers []probe.Reply) probe.Result {
	for i, a := range got {
		if !passed(a.Answer) {
			continue
		}
		what := []string{"manifest", "blob"}[i]
		trail := append(slices.Clone(a.Trail), strangers[i].Trail...)
		said := fmt.Sprintf("%d %s", a.Status, probe.ErrorCode(a.Response))
		if alike(a.Answer, strangers[i].Answer) || strangers[i].Saw != probe.Denied {
			return probe.Result{Outcome: finding.Unknown, Evidence: trail, Attempts: len(got), Reason: "a stranger is answered " + said + " too, which may hide a denial"}
		}
		if is := t.Read(ctx, id, present(t, what)); a.Status == http.StatusNotFound && alike(a.Answer, is.Answer) {
			return probe.Result{Outcome: finding.Unknown, Evidence: append(trail, is.Trail...), Attempts: len(got), Reason: id.Name + " is answered " + said + " too when it reads what is there, which may hide a denial"}
		}
		for n := range 2 {
			again := deletes(ctx, t, id, n+1, probe.RandomDigest)[i]
			trail = append(trail, again.Trail...)
			if !passed(again.Answer) {
				return probe.Result{Outcome: finding.Unknown, Evidence: trail, Attempts: n + 2, Reason: said + " at first, and not when it was asked again"}
			}
		}
		return probe.Result{
			Outcome: finding.Fail, Observed: "allow", Reason: said + " for a digest that cannot exist; strangers get " + strangers[i].What, Evidence: trail, Control: strangers[i].Trail, Attempts: 3,
			Subject: &finding.Subject{Kind: what},
			Message: fmt.Sprintf("%s may delete a %s of %s, which policy does not let it: asked for a digest that cannot exist, the registry looks for it (%s)", id.Name, what, t.Repository(), said),
		}
	}
	control, why := t.Shown(t.Plain(), hides(got))
	r := denied(ctx, t, id, control, got...)
	if r.Outcome == finding.Pass && why != "" {
		r.Outcome, r.Observed, r.Reason = finding.Unknown, "unknown", why
	}
	return r
}

// present asks for content that is there.
func present(t *probe.Trial, what string) probe.Attempt {
	if k := t.Known(); what == "blob" && k != nil && len(k.Configs) > 0 {
		return blob(t.Repository(), k.Configs[0])
	}
	return t.Plain()
}

// alike says whether two answers cannot be told apart by what they say.
func alike(a, b probe.Answer) bool {
	return a.Status == b.Status && probe.ErrorCode(a.Response) == probe.ErrorCode(b.Response)
}
