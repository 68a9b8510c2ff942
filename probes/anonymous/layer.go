// SPDX-License-Identifier: Apache-2.0

package anonymous

import (
	"context"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/probe"
)

// Layer asks for the layers: the files themselves.
var Layer = probe.Probe{
	ID:    "anonymous/layer",
	Title: "A layer cannot be downloaded without credentials",
	Why: "Layers hold the program and its secrets. A manifest that answers 401 is no " +
		"protection when whoever knows a layer's digest gets the bytes.",
	How: []string{
		"GET /v2/REPO/blobs/LAYER of every layer that is not also public, anonymous, on every address and protocol",
		"one of them as real clients, and on a new connection",
		"a redirect to storage counts as served when it is signed, or the one that the entitled get",
	},
	Fix: "Guard /v2/REPO/blobs/ as /v2/REPO/manifests/: one rule for all of /v2/. A CDN or " +
		"cache in front must ask the registry about every request.",
	NotWhen:  "The layer is also in a public repository: list that image too, and it is left out.",
	Severity: finding.Critical,
	Control:  "layer",
	Effect:   probe.Read,
	Per:      probe.Image,
	Required: true,
	Needs:    []probe.Need{probe.NeedContent},
	Run: func(ctx context.Context, t *probe.Trial) probe.Result {
		var attempts []probe.Attempt
		for i, c := range t.Private(t.Known().Layers) {
			a := blob(t, c)
			if i == 0 {
				attempts = append(attempts, core(a)...)
			} else {
				a.AllLanes = true
				attempts = append(attempts, a)
			}
		}
		if len(attempts) == 0 {
			return t.Complete(probe.NotApplicable("the image has no layer of its own"))
		}
		return t.Complete(t.Judge(ctx, attempts))
	},
}
