// SPDX-License-Identifier: Apache-2.0

package anonymous

import (
	"context"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/probe"
)

// Config asks for the config blobs: environment, commands, history.
var Config = probe.Probe{
	ID:    "anonymous/config",
	Title: "An image's config cannot be read without credentials",
	Why: "The config holds environment variables, build history and commands, and secrets " +
		"are often found there.",
	How: []string{
		"GET /v2/REPO/blobs/CONFIG, anonymous, on every address and protocol",
		"one of them as docker asks",
	},
	Fix:      "Guard /v2/REPO/blobs/ as /v2/REPO/manifests/: one rule for all of /v2/.",
	NotWhen:  "The image is meant to be public: say so with a rule in policy.rules.",
	Severity: finding.High,
	Control:  "config",
	Effect:   probe.Read,
	Per:      probe.Image,
	Needs:    []probe.Need{probe.NeedContent},
	Run: func(ctx context.Context, t *probe.Trial) probe.Result {
		var attempts []probe.Attempt
		for _, c := range t.Private(t.Known().Configs) {
			a := blob(t, c)
			attempts = append(attempts, asDocker(a)...)
		}
		if len(attempts) == 0 {
			return t.Complete(probe.NotApplicable("the image has no config of its own"))
		}
		return t.Complete(t.Judge(ctx, attempts))
	},
}
