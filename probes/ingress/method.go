// SPDX-License-Identifier: Apache-2.0

package ingress

import (
	"context"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/probe"
)

// Method asks by other methods than GET and HEAD.
var Method = probe.Probe{
	ID:    "ingress/method",
	Title: "No method opens what GET is denied",
	Why: "A guard that lists GET and POST lets every other method through, and some " +
		"registries and fronts answer an unknown method as they answer GET.",
	How: []string{
		"OPTIONS of the manifest, and GET in lower case",
		"with --active also TRACE, PROPFIND, QUERY and an unknown method",
		"an answer counts only with the bytes of the image: 200 to OPTIONS is usual",
	},
	Fix:      "Let the guard cover every method; exempt none, or OPTIONS of a browser alone.",
	NotWhen:  "The image is meant to be public: say so with a rule in policy.rules.",
	Severity: finding.Critical,
	Control:  "method",
	Effect:   probe.Read,
	Per:      probe.Once,
	Run: func(ctx context.Context, t *probe.Trial) probe.Result {
		rows := methods
		if t.Allows(probe.CancelledWrite) {
			rows = append(rows[:len(rows):len(rows)], unusualMethods...)
		}
		return vary(ctx, t, rows)
	},
}

const byMethod = "The guard lists methods, and this one is not among them."

var methods = []row{
	{method: "OPTIONS", cause: byMethod},
	{method: "get", cause: byMethod},
}

// unusualMethods are no reads by their name, so they wait for --active.
var unusualMethods = []row{
	{method: "TRACE", cause: byMethod},
	{method: "PROPFIND", cause: byMethod},
	{method: "QUERY", cause: byMethod},
	{method: "REPORT", cause: byMethod},
	{method: "FOO", cause: byMethod},
}
