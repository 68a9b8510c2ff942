// SPDX-License-Identifier: Apache-2.0

package immutability

import (
	"context"

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
		"a failure: one of them is accepted with 201 and read back with the same digest",
	},
	Fix: "Distribution: leave validation.manifests.urls.allow empty, which refuses all, or allow exact hosts; elsewhere refuse " +
		"manifests with urls in a gate.",
	NotWhen:  "Windows base images of before 2023 are pushed here with their foreign layers, and the hosts are restricted.",
	Severity: finding.Medium,
	Control:  "foreign-layer",
	Effect:   probe.SandboxWrite,
	Per:      probe.Primary,
	Run: func(ctx context.Context, t *probe.Trial) probe.Result {
		s, why := t.Sandbox(ctx)
		if s == nil {
			return why
		}
		return worst(
			doubtful(ctx, s, "an OCI manifest with a layer at a foreign URL", foreign(s, s.Image().MediaType, "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"), ""),
			doubtful(ctx, s, "a docker manifest with a layer at a foreign URL", foreign(s, oci.MediaDockerManifest, "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"), ""),
		)
	},
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
			map[string]any{"mediaType": layerType, "digest": another(), "size": 1024, "urls": []string{"https://regproof.invalid/layer"}},
		},
	})
}
