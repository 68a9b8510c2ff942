// SPDX-License-Identifier: Apache-2.0

package anonymous

import (
	"context"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/image"
	"github.com/regproof/regproof/probe"
)

// Head asks with HEAD for what GET is denied.
var Head = probe.Probe{
	ID:    "anonymous/head",
	Title: "HEAD tells a stranger nothing that GET denies",
	Why: "HEAD gives away that an image exists, its current digest, size and type: enough " +
		"to list what you run and to ask for it by digest elsewhere.",
	How: []string{
		"HEAD of the manifest by tag and by digest, of the config and of a layer, anonymous",
		"a 200 counts only with the digest or the exact size, and when HEAD of a random digest is not 200",
	},
	Fix:      "Match paths, not methods: a guard on GET leaves HEAD open.",
	NotWhen:  "The image is meant to be public: say so with a rule in policy.rules.",
	Severity: finding.Medium,
	Control:  "head",
	Effect:   probe.Read,
	Per:      probe.Image,
	Needs:    []probe.Need{probe.NeedContent},
	Run: func(ctx context.Context, t *probe.Trial) probe.Result {
		k := t.Known()
		attempts := []probe.Attempt{manifest(t, string(k.Root.Digest), k.Root)}
		if k.Tag != "" {
			attempts = append(attempts, manifest(t, k.Tag, k.Root))
		}
		for _, list := range [][]*image.Content{t.Private(k.Configs), t.Private(k.Layers)} {
			if len(list) > 0 {
				attempts = append(attempts, blob(t, list[0]))
			}
		}
		for i := range attempts {
			attempts[i].Request.Method, attempts[i].AllLanes, attempts[i].Judge = "HEAD", true, probe.BeyondGet
		}
		return t.Judge(ctx, attempts)
	},
}
