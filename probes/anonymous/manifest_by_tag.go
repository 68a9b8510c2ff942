// SPDX-License-Identifier: Apache-2.0

package anonymous

import (
	"context"
	"strings"

	"github.com/regproof/regproof/access"
	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/image"
	"github.com/regproof/regproof/probe"
)

// ManifestByTag asks for the manifest by its tag, as `docker pull` does first.
var ManifestByTag = probe.Probe{
	ID:    "anonymous/manifest-by-tag",
	Title: "A manifest cannot be read by tag without credentials",
	Why: "The manifest lists every layer of the image. Whoever reads it by tag can pull " +
		"the image, as anybody on the network could.",
	How: []string{
		"GET /v2/REPO/manifests/TAG, anonymous and cold, before anything else is asked",
		"the token flow, if the registry asks for one, without credentials; then again with the token",
		"the same on every address, over HTTP/1.1 and HTTP/2, as docker, containerd, skopeo and kubelet, without a User-Agent, without our headers, on a new connection",
	},
	Fix: "Require authentication for every route under /v2/, in the registry itself, so that " +
		"each way in holds it alone. In a token service, give anonymous no pull.",
	NotWhen:  "The image is meant to be public: say so with a rule in policy.rules.",
	Severity: finding.Critical,
	Control:  "manifest-by-tag",
	Effect:   probe.Read,
	Per:      probe.Image,
	Required: true,
	Decides:  access.Pull,
	Run: func(ctx context.Context, t *probe.Trial) probe.Result {
		if strings.Contains(t.Reference(), ":") {
			return probe.NotApplicable("the image was given by digest")
		}
		var root *image.Content
		if k := t.Known(); k != nil {
			root = k.Root
		}
		a := manifest(t, t.Reference(), root)
		return t.Judge(ctx, append(core(a), t.Cold(a)...))
	},
}
