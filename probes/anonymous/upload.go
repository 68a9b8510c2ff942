// SPDX-License-Identifier: Apache-2.0

package anonymous

import (
	"context"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/oci"
	"github.com/regproof/regproof/probe"
)

// Upload starts an upload, and cancels it at once.
var Upload = probe.Probe{
	ID:    "anonymous/upload",
	Title: "An upload cannot be started without credentials",
	Why: "Whoever may start an upload can fill the disk, and often finish it: then a " +
		"stranger decides what your machines run.",
	How: []string{
		"POST /v2/REPO/blobs/uploads/, anonymous, once per endpoint, in a repository that exists",
		"202 is a failure; the upload is cancelled at once by DELETE of its Location",
		"residue: distribution keeps an empty upload folder until it purges uploads, zot a catalog entry",
	},
	Fix:      "Require authentication for every method on /v2/, not only for reads, and purge stale uploads.",
	NotWhen:  "Never: anonymous writes are always a weakness.",
	Severity: finding.High,
	Control:  "upload",
	Effect:   probe.CancelledWrite,
	Per:      probe.Repository,
	Needs:    []probe.Need{probe.NeedContent},
	Run: func(ctx context.Context, t *probe.Trial) probe.Result {
		if !t.Chosen() {
			return probe.NotApplicable("an upload is started once per endpoint, in the first private repository")
		}
		return t.Judge(ctx, []probe.Attempt{{
			Request: oci.Request{Method: "POST", Kind: oci.UploadStart, Repository: t.Repository()},
			OneLane: true,
			Judge:   probe.UploadStart,
		}})
	},
}
