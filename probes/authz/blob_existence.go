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

// BlobExistence begins a push that sends nothing.
var BlobExistence = probe.Probe{
	ID:    "authz/blob-existence",
	Title: "A push does not tell whether a blob exists elsewhere",
	Why: "A registry that spares an upload because it has the bytes already tells whoever may push anywhere " +
		"which layers others have: whether they run a version that is known to be weak, say.",
	How: []string{
		"as each identity that policy lets push to the sandbox and not pull the image, that is denied it, and that pushes a blob to the sandbox and reads it there: POST /v2/SANDBOX/blobs/uploads/?digest=DIGEST without a body, for a blob of the image and for made-up digests",
		"201 for the image's alone, twice, is a failure: low, since nothing but its existence is told, and high where the bytes can be read in the sandbox afterwards",
		"the blob is written down before, deleted in the sandbox at once, and looked for where it came from; what is an ordinary upload is cancelled at once",
	},
	Fix:      "Let an upload be complete only when its bytes have come, or were pushed by the same user to the same repository.",
	NotWhen:  "Whoever may push may know every digest anyway.",
	Severity: finding.Low,
	Control:  "blob-existence",
	Effect:   probe.SandboxWrite,
	Per:      probe.Once,
	Needs:    []probe.Need{probe.NeedContent},
	Named:    true,
	Run: func(ctx context.Context, t *probe.Trial) probe.Result {
		return claimed(ctx, t, func(ctx context.Context, c *claim) {
			announce := func(d oci.Digest) probe.Answer { return c.box.Announce(ctx, d) }
			a := announce(c.blob.Digest)
			if a.Status != http.StatusCreated {
				c.told(a, announce(oci.Digest(probe.RandomDigest())))
				return
			}
			anything := c.forAnything(ctx, announce)
			c.box.Withdraw(ctx, c.blob.Digest)
			c.trail = append(c.trail, a.Trail...)
			switch a = announce(c.blob.Digest); {
			case anything:
				c.box.Withdraw(ctx, c.blob.Digest)
				c.decide(probe.Result{Outcome: finding.Unknown, Reason: fmt.Sprintf("%d without the bytes, also for a digest that nothing has", a.Status)})
				return
			case a.Status != http.StatusCreated:
				c.decide(probe.Result{Outcome: finding.Unknown, Reason: fmt.Sprintf("201 without the bytes, and %s when it was asked again", probe.Says(a))})
				return
			}
			c.given(ctx, a, "an upload that sends nothing", finding.Low)
		})
	},
}

// told keeps the answer about a blob that exists, if one that does not exist gets
// the same.
func (c *claim) told(a, absent probe.Answer) {
	if absent.NotAsked == "" && a.NotAsked == "" && !alike(a, absent) {
		c.trail = append(append(c.trail, a.Trail...), absent.Trail...)
		c.decide(probe.Result{Outcome: finding.Unknown, Reason: fmt.Sprintf("a blob that exists is answered %s, and one that does not %s", probe.Says(a), probe.Says(absent))})
		return
	}
	r := refusedWrite(c.t, a)
	if c.refused(a); r.Saw == probe.Nothing && a.Status/100 == 4 { // it is refused for having no bytes
		last := &c.replies[len(c.replies)-1]
		last.Saw, last.What = probe.Denied, probe.Says(a)+", as for a digest that nothing has"
	}
}
