// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"context"
	"slices"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/probe"
)

// UploadFinish finishes an upload that somebody else began.
var UploadFinish = probe.Probe{
	ID:    "authz/upload-finish",
	Title: "An upload is finished by nobody who may not push where it was begun",
	Why: "The last request of an upload names a digest and makes a blob of what was sent so far. A registry that " +
		"does not ask there who may push gives the bytes of somebody's unfinished push away, or lets a stranger end it.",
	How: []string{
		"in the sandbox: who may push starts an upload and sends 1 KiB, which a stranger and each identity that may not push there tries to finish with PUT ?digest= and an empty body; then one that holds nothing, with 1 KiB of their own",
		"at last who began it finishes it: the control",
		"with --active: who may push to the image's repository starts an empty upload there, and each identity that may push to the sandbox alone tries to finish it under the sandbox, with content of its own and with what the Location carries beside the name and without; it is cancelled at the end",
		"a failure is 201 and the blob in the sandbox, twice, from one who cannot start an upload there; for an upload of the other repository 201 twice, with the upload gone for who began it and a made-up name refused",
		"no request goes to a place outside of the sandbox but to start, show and cancel that upload; every blob is written down before and deleted at once. A registry that fails, and stores the blob where the upload was begun, keeps 1 KiB there to which nothing refers",
	},
	Fix: "Update the registry. One of your own must ask for the right to push with every request of an upload, " +
		"PUT too, and look the upload up with its repository.",
	NotWhen: "Two who may both push to a repository are not tried against each other: the specification makes the Location " +
		"of an upload a capability of whoever holds it there, and distribution takes it from either.",
	Severity: finding.High,
	Control:  "upload-finish",
	Effect:   probe.SandboxWrite,
	Per:      probe.Once,
	Needs:    []probe.Need{probe.NeedContent},
	Named:    true,
	Run: func(ctx context.Context, t *probe.Trial) probe.Result {
		box, why := t.ByWriter(ctx)
		if box == nil {
			return why
		}
		x := &finishing{t: t, box: box, control: slices.Clone(box.Control)}
		t.Turn(ctx)
		x.strangers(ctx)
		x.neighbours(ctx)
		t.Asked(ctx)
		results := make([]probe.Result, len(x.takers))
		for i, tk := range x.takers {
			results[i] = x.settle(ctx, tk)
			results[i].Repository = t.SandboxName()
		}
		return together(results, probe.Result{})
	},
}
