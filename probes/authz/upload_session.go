// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"context"
	"slices"

	"github.com/regproof/regproof/access"
	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/oci"
	"github.com/regproof/regproof/probe"
)

// UploadSession touches an upload that somebody else began.
var UploadSession = probe.Probe{
	ID:    "authz/upload-session",
	Title: "An upload belongs to the repository and the user who began it",
	Why: "An upload that is looked up by its name alone can be watched, filled or cancelled by whoever " +
		"learns the name: a push of yours may carry the bytes of somebody else (CVE-2026-32589).",
	How: []string{
		"an identity that policy lets push starts an upload in a configured repository, once per endpoint; who began it cancels it at the end",
		"GET, an empty PATCH, then DELETE of its Location, with what it carries beside the name and without: as a stranger, and as each identity that may neither push nor delete there",
		"the same under a repository where that identity may push",
		"2xx is a failure when it is seen twice (DELETE: when the upload is gone for who began it), a made-up name is answered otherwise, and the identity cannot start an upload there itself",
		"residue: distribution keeps an empty upload folder until it purges uploads, zot a catalog entry",
	},
	Fix: "Update the registry (Quay: the fixes of May 2026). A registry of your own must look an upload up with its " +
		"repository, after the right to push there was checked.",
	NotWhen:  "Never: an upload is nobody else's.",
	Severity: finding.High,
	Control:  "upload-session",
	Effect:   probe.CancelledWrite,
	Per:      probe.Repository,
	Needs:    []probe.Need{probe.NeedContent},
	Named:    true,
	Run: func(ctx context.Context, t *probe.Trial) probe.Result {
		if !t.Chosen() {
			return probe.NotApplicable("an upload is started once per endpoint, in the first private repository")
		}
		owner := pusher(t)
		if owner == nil {
			return probe.NotApplicable("policy lets no identity push to " + t.Repository() + ": " + probe.Configure)
		}
		t.Turn(ctx)
		s, why := t.BeginUpload(ctx, owner, oci.Request{Repository: t.Repository()})
		x := &session{Begun: s, t: t, trail: slices.Clone(s.Answer.Trail)}
		if why != "" {
			return x.notBegun(owner, why)
		}
		attempts := x.touch(ctx)
		done, trail := t.Cancel(ctx, s)
		x.trail = append(x.trail, trail...)
		t.Asked(ctx)
		results := make([]probe.Result, len(attempts))
		for i := range attempts {
			results[i] = x.settle(ctx, attempts[i], done)
		}
		return together(results, probe.Result{})
	},
}

// pusher is who begins the upload: the first whom policy lets push.
func pusher(t *probe.Trial) *probe.Identity {
	for _, id := range t.Identities() {
		if allow, stated, _ := t.May(id, t.Repository(), access.Push); allow && stated {
			return id
		}
	}
	return nil
}
