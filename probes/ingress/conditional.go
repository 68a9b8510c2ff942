// SPDX-License-Identifier: Apache-2.0

package ingress

import (
	"context"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/probe"
)

// Conditional asks whether the content has changed.
var Conditional = probe.Probe{
	ID:    "ingress/conditional",
	Title: "A conditional request opens nothing",
	Why: "Fronts that let a revalidation pass without authentication serve the content to " +
		"whoever claims to have another version of it.",
	How: []string{
		"the manifest and a layer with If-None-Match of the content, of something else and of anything",
		"with If-Modified-Since and If-Match; with Cache-Control",
		"a 304 counts when it is given to the right validator and not to a random one",
	},
	Fix:      "Guard a request before it is looked at as a revalidation.",
	NotWhen:  "The image is meant to be public: say so with a rule in policy.rules.",
	Severity: finding.Critical,
	Control:  "conditional",
	Effect:   probe.Read,
	Per:      probe.Once,
	Run: func(ctx context.Context, t *probe.Trial) probe.Result {
		return vary(ctx, t, conditions())
	},
}

func conditions() []row {
	const random = `"sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"`
	var rows []row
	for _, w := range []row{
		{name: "If-None-Match of something else", header: [][2]string{{"If-None-Match", random}}},
		{header: [][2]string{{"If-Modified-Since", "Thu, 01 Jan 1970 00:00:00 GMT"}}},
		{header: [][2]string{{"If-Match", "*"}}},
		{header: [][2]string{{"Cache-Control", "no-cache"}}},
		{header: [][2]string{{"Cache-Control", "only-if-cached"}}},
	} {
		w.cause = "Conditional requests are exempt from the guard."
		rows = append(rows, w)
	}
	// Those to which 304 is the answer come last: they show less.
	return append(rows,
		row{of: layer, name: "If-None-Match of something else", header: [][2]string{{"If-None-Match", random}}, cause: "Conditional requests are exempt from the guard."},
		row{name: "If-None-Match of the image", header: [][2]string{{"If-None-Match", `"{digest}"`}}, cause: "Conditional requests are exempt from the guard."},
		row{of: layer, name: "If-None-Match of the layer", header: [][2]string{{"If-None-Match", `"{ref}"`}}, cause: "Conditional requests are exempt from the guard."},
	)
}
