// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"context"
	"fmt"
	"net/http"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/oci"
	"github.com/regproof/regproof/probe"
)

// BlobMount asks for a blob of another repository in the sandbox.
var BlobMount = probe.Probe{
	ID:    "authz/blob-mount",
	Title: "A blob cannot be mounted without the right to pull it",
	Why: "A mount makes a blob of one repository one of another, without sending it. A registry that " +
		"asks for the right to push alone gives the content of every repository to whoever may push to one.",
	How: []string{
		"as each identity that policy lets push to the sandbox and not pull the image, that is denied it, and that pushes a blob to the sandbox and reads it there: POST /v2/SANDBOX/blobs/uploads/?mount=DIGEST&from=REPO, and without from",
		"201 with the bytes to be read in the sandbox is a failure, and 201 without them tells that the blob exists, unless a made-up digest gets it too; 202 is an ordinary upload, which is cancelled at once",
		"the blob is written down before, deleted in the sandbox at once, and looked for where it came from",
	},
	Fix: "Update the registry; one of your own must want the right to pull the source, as distribution's token " +
		"service is asked for (repository:SOURCE:pull).",
	NotWhen:  "Never: what may not be pulled may not be mounted.",
	Severity: finding.High,
	Control:  "blob-mount",
	Effect:   probe.SandboxWrite,
	Per:      probe.Once,
	Needs:    []probe.Need{probe.NeedContent},
	Named:    true,
	Run: func(ctx context.Context, t *probe.Trial) probe.Result {
		return claimed(ctx, t, func(ctx context.Context, c *claim) {
			for _, from := range []string{t.Repository(), ""} {
				a := c.box.Mount(ctx, c.blob.Digest, from)
				if a.Status != http.StatusCreated {
					c.refused(a)
					continue
				}
				how := "a mount that names no source"
				if from != "" {
					how = "a mount from " + from
				}
				if c.forAnything(ctx, func(d oci.Digest) probe.Answer { return c.box.Mount(ctx, d, from) }) {
					c.box.Withdraw(ctx, c.blob.Digest)
					c.decide(probe.Result{Outcome: finding.Unknown, Reason: fmt.Sprintf("%d to %s, also of a digest that nothing has", a.Status, how)})
					return
				}
				c.given(ctx, a, how, finding.Medium)
				return
			}
		})
	},
}
