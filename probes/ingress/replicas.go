// SPDX-License-Identifier: Apache-2.0

package ingress

import (
	"context"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/probe"
)

// Replicas asks the same many times, on new connections.
var Replicas = probe.Probe{
	ID:    "ingress/replicas",
	Title: "Every replica behind one address denies",
	Why: "Behind a balancer one replica with an old configuration is enough: whoever asks " +
		"often reaches it.",
	How: []string{
		"the manifest 20 times on new connections, at every address",
		"the finding says how many were served",
	},
	Fix:      "Roll the configuration out to every replica, and take out of the balancer what does not have it.",
	NotWhen:  "The image is meant to be public: say so with a rule in policy.rules.",
	Severity: finding.Critical,
	Control:  "replicas",
	Effect:   probe.Read,
	Per:      probe.Once,
	Run: func(ctx context.Context, t *probe.Trial) probe.Result {
		plain, _ := plainOf(t, manifest)
		return t.Replicas(ctx, plain)
	},
}
