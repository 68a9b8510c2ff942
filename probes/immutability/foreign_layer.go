// SPDX-License-Identifier: Apache-2.0

package immutability

import (
	"context"
	"fmt"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/oci"
	"github.com/regproof/regproof/probe"
)

// ForeignLayer pushes a manifest whose layer is somewhere else.
var ForeignLayer = probe.Probe{
	ID:    "immutability/foreign-layer",
	Title: "A layer at a foreign URL is refused",
	Why: "A layer with urls is fetched by clients from wherever the manifest says. Old clients send the " +
		"registry's credentials along (CVE-2020-15157), and no scanner of the registry sees what is there.",
	How: []string{
		"in the sandbox, by their own digest: a manifest with an OCI layer of the nondistributable type, and one with a docker foreign layer, with a URL on a host under .invalid, which does not exist; nothing is fetched",
		"a failure: one of them is read back with the same digest; the control of a refusal is a plain image that is accepted before it, and after it too where it was a 5xx",
		"without --write-sandbox: the manifests of the images that were read; one that names a layer at a URL is a failure of low severity",
	},
	Fix: "Distribution: leave validation.manifests.urls.allow empty, which refuses all, or allow exact hosts; elsewhere refuse " +
		"manifests with urls in a gate.",
	NotWhen:  "Windows base images of before 2023 are pushed here with their foreign layers, and the hosts are restricted.",
	Severity: finding.Medium,
	Control:  "foreign-layer",
	Effect:   probe.Read,
	Per:      probe.Primary,
	Run: func(ctx context.Context, t *probe.Trial) probe.Result {
		return pushedForeign(ctx, t, knownForeign(t))
	},
}

// knownForeign are findings of images that are there already.
func knownForeign(t *probe.Trial) []probe.Result {
	var all []probe.Result
	for _, e := range t.ForeignLayers() {
		all = append(all, probe.Result{
			Outcome: finding.Fail, Severity: finding.Low, Observed: "accepted", Expected: "refused", Attempts: 1, Evidence: e.Evidence, Control: e.Evidence,
			Repository: e.Repository, Reason: "the manifest of " + e.Reference + " names " + e.URL, Subject: &finding.Subject{Kind: "layer", Digest: string(e.Layer)},
			Message: fmt.Sprintf("%s (%s) has a layer that clients fetch from %s", e.Repository, e.Reference, e.URL),
		})
	}
	return all
}

// pushedForeign pushes manifests with such layers, if the run may write. What is
// there already goes with it.
func pushedForeign(ctx context.Context, t *probe.Trial, known []probe.Result) probe.Result {
	var r probe.Result
	if s, why := t.Sandbox(ctx); s == nil {
		r = why
	} else {
		r = worst(
			doubtful(ctx, s, "an OCI manifest with a layer at a foreign URL", foreign(s, oci.MediaImageManifest, "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"), ""),
			doubtful(ctx, s, "a docker manifest with a layer at a foreign URL", foreign(s, oci.MediaDockerManifest, "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"), ""),
		)
	}
	if r.Outcome == finding.Fail || len(known) == 0 {
		r.Also = known
		return r
	}
	known[0].Also = known[1:]
	return known[0]
}

// foreign is a manifest with one layer that is said to be elsewhere.
func foreign(s *probe.Sandbox, mediaType, layerType string) probe.Doc {
	config := s.Config()
	if mediaType == oci.MediaDockerManifest {
		config.MediaType = "application/vnd.docker.container.image.v1+json"
	}
	return s.Document(mediaType, map[string]any{
		"config": config,
		"layers": []any{
			map[string]any{"mediaType": layerType, "digest": another("sha256"), "size": 1024, "urls": []string{"https://regproof.invalid/layer"}},
		},
	})
}
