// SPDX-License-Identifier: Apache-2.0

package ingress

import (
	"context"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/probe"
)

// MountPath looks for the registry under another path.
var MountPath = probe.Probe{
	ID:    "ingress/mount-path",
	Title: "No other path leads to the registry past its guard",
	Why: "The same registry often hangs under a second path, for another product or an old " +
		"client. The guard on /v2/ does not see it.",
	How: []string{
		"the manifest under common prefixes, with and without the slash between prefix and v2",
		"under the paths at which repository managers mount a Docker repository",
	},
	Fix: "Guard the whole server, not one path; end prefix locations with a slash, and take " +
		"mounts away that no client uses.",
	NotWhen:  "The image is meant to be public: say so with a rule in policy.rules.",
	Severity: finding.Critical,
	Control:  "mount-path",
	Effect:   probe.Read,
	Per:      probe.Once,
	Run: func(ctx context.Context, t *probe.Trial) probe.Result {
		return vary(ctx, t, mounts())
	},
}

// prefixes are where registries are commonly mounted beside /v2/.
var prefixes = []string{"docker", "registry", "hub", "mirror", "proxy", "api", "artifactory", "{first}"}

func mounts() []row {
	var out []row
	for _, p := range prefixes {
		out = append(out,
			row{target: "/" + p + "v2/{repo}/manifests/{ref}", cause: "A prefix location without its slash puts what follows before the registry's path."},
			row{target: "/" + p + "/v2/{repo}/manifests/{ref}", cause: "The registry is mounted there too, without the guard."})
	}
	for _, target := range []string{
		"/artifactory/api/docker/{first}/v2/{rest}/manifests/{ref}",
		"/api/docker/{first}/v2/{rest}/manifests/{ref}",
		"/repository/{first}/v2/{rest}/manifests/{ref}",
		"/repository/docker/v2/{repo}/manifests/{ref}",
		"/repository/docker-hosted/v2/{repo}/manifests/{ref}",
		"/artifactory/api/docker/docker/v2/{repo}/manifests/{ref}",
		"/artifactory/api/docker/docker-local/v2/{repo}/manifests/{ref}",
		"/v2/docker/{repo}/manifests/{ref}",
		"/v1/{repo}/manifests/{ref}",
		"/{repo}/manifests/{ref}",
	} {
		out = append(out, row{target: target, cause: "The registry is mounted there too, without the guard."})
	}
	return out
}
