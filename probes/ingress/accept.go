// SPDX-License-Identifier: Apache-2.0

package ingress

import (
	"context"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/oci"
	"github.com/regproof/regproof/probe"
)

// Accept asks for one media type at a time.
var Accept = probe.Probe{
	ID:    "ingress/accept",
	Title: "No Accept header opens what is denied",
	Why: "Guards and scan gates that look at the Accept header, or that know one kind of " +
		"manifest only, let the others through.",
	How: []string{
		"the manifest with each media type alone, with none, as a browser asks",
		"with each content coding that clients offer",
	},
	Fix:      "Decide by repository and identity. What a client accepts says nothing about either.",
	NotWhen:  "The image is meant to be public: say so with a rule in policy.rules.",
	Severity: finding.Critical,
	Control:  "accept",
	Effect:   probe.Read,
	Per:      probe.Once,
	Run: func(ctx context.Context, t *probe.Trial) probe.Result {
		const cause = "The guard looks at what the client accepts."
		var rows []row
		for _, accept := range append(oci.AcceptEach(), "text/html") {
			w := row{set: [][2]string{{"Accept", accept}}, cause: cause}
			if accept == "" {
				w.name = "no Accept"
			}
			rows = append(rows, w)
		}
		for _, coding := range []string{"gzip", "zstd", "gzip, deflate, br"} {
			rows = append(rows, row{set: [][2]string{{"Accept-Encoding", coding}}, cause: cause})
		}
		return vary(ctx, t, rows)
	},
}
