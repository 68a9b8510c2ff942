// SPDX-License-Identifier: Apache-2.0

package ingress

import (
	"context"
	"fmt"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/image"
	"github.com/regproof/regproof/probe"
)

// Range asks for a part.
var Range = probe.Probe{
	ID:    "ingress/range",
	Title: "A range request opens nothing",
	Why: "Rules for partial content are often added for downloads that resume, and past the " +
		"guard: the whole is then read in parts.",
	How: []string{
		"a part of a layer at a place drawn by chance past the first KiB: the first bytes of all gzip layers are alike",
		"the manifest as one range from its first byte to its end",
	},
	Fix:      "Guard every request before it is looked at as a range.",
	NotWhen:  "The image is meant to be public: say so with a rule in policy.rules.",
	Severity: finding.Critical,
	Control:  "range",
	Effect:   probe.Read,
	Per:      probe.Once,
	Run: func(ctx context.Context, t *probe.Trial) probe.Result {
		const cause = "Requests with a Range are exempt from the guard."
		plain, _ := plainOf(t, manifest)
		w := row{header: [][2]string{{"Range", "bytes=0-"}}, cause: cause}
		whole, _ := w.attempt(factsOf(t, plain.Request), plain)
		sets := []probe.Set{{Plain: plain, Odd: []probe.Attempt{whole}}}
		if plain, ok := plainOf(t, layer); ok && len(plain.Content.Sample) > 0 {
			part := plain
			c := part.Content
			size := int64(len(c.Sample))
			part.Variant, part.Cause = "Range", cause
			part.Limits = image.Limits{Limit: image.SmallBlob, Keep: size + 4096, Range: fmt.Sprintf("bytes=%d-%d", c.Offset, c.Offset+size-1)}
			sets = append(sets, probe.Set{Plain: plain, Odd: []probe.Attempt{part}})
		}
		return t.Vary(ctx, sets...)
	},
}
