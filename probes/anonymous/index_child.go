// SPDX-License-Identifier: Apache-2.0

package anonymous

import (
	"context"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/probe"
)

// IndexChild asks for the manifests that an index lists, one per platform.
var IndexChild = probe.Probe{
	ID:    "anonymous/index-child",
	Title: "The manifests inside an index cannot be read without credentials",
	Why: "An index is only a list. Each manifest in it is a whole image of one platform, " +
		"and a guard on the index does not guard them.",
	How: []string{
		"the index is read as the entitled identity, and each child in it",
		"GET /v2/REPO/manifests/CHILD, anonymous, on every address and protocol",
	},
	Fix:      "Authorise by repository, so that every manifest in it needs the same right as the index.",
	NotWhen:  "The image is meant to be public, or the child is also in a public repository.",
	Severity: finding.Critical,
	Control:  "index-child",
	Effect:   probe.Read,
	Per:      probe.Image,
	Needs:    []probe.Need{probe.NeedIndex},
	Run: func(ctx context.Context, t *probe.Trial) probe.Result {
		var attempts []probe.Attempt
		for _, c := range t.Private(t.Known().Children) {
			a := manifest(t, string(c.Digest), c)
			attempts = append(attempts, asDocker(a)...)
		}
		if len(attempts) == 0 {
			return t.Complete(probe.NotApplicable("every child is public elsewhere"))
		}
		return t.Complete(t.Judge(ctx, attempts))
	},
}
