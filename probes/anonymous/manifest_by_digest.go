// SPDX-License-Identifier: Apache-2.0

package anonymous

import (
	"context"

	"github.com/regproof/regproof/access"
	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/probe"
)

// ManifestByDigest asks for the manifest by its digest. Guards that match tag
// names do not see it.
var ManifestByDigest = probe.Probe{
	ID:    "anonymous/manifest-by-digest",
	Title: "A manifest cannot be read by digest without credentials",
	Why: "Digests are no secret: they stand in deployments, logs and SBOMs. A guard that " +
		"knows only tags leaves the whole image open to whoever has one.",
	How: []string{
		"GET /v2/REPO/manifests/DIGEST, anonymous, with the token flow",
		"the same on every address and protocol, as real clients, on a new connection",
	},
	Fix:      "Authorise by repository, not by reference: a rule must cover tags and digests alike.",
	NotWhen:  "The image is meant to be public: say so with a rule in policy.rules.",
	Severity: finding.Critical,
	Control:  "manifest-by-digest",
	Effect:   probe.Read,
	Per:      probe.Image,
	Required: true,
	Needs:    []probe.Need{probe.NeedContent},
	Decides:  access.Pull,
	Run: func(ctx context.Context, t *probe.Trial) probe.Result {
		root := t.Known().Root
		a := manifest(t, string(root.Digest), root)
		return t.Judge(ctx, core(a))
	},
}
