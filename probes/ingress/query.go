// SPDX-License-Identifier: Apache-2.0

package ingress

import (
	"context"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/probe"
)

// Query adds a query string.
var Query = probe.Probe{
	ID:    "ingress/query",
	Title: "A query string opens nothing",
	Why: "Exemptions for health checks and static files are often matched against the whole " +
		"request, query and all: ?/healthz is enough to be let in.",
	How: []string{
		"the manifest and a layer with an unknown parameter",
		"with what exemptions look for in the query: /v2/, /healthz, a file extension, a token",
		"with a bare #, which some fronts take for the end of the path",
	},
	Fix:      "Match exemptions against the path alone, anchored at both ends.",
	NotWhen:  "The image is meant to be public: say so with a rule in policy.rules.",
	Severity: finding.Critical,
	Control:  "query",
	Effect:   probe.Read,
	Per:      probe.Once,
	Run: func(ctx context.Context, t *probe.Trial) probe.Result {
		return vary(ctx, t, queries)
	},
}

const (
	anyQuery   = "The guard does not cover requests with a query."
	matchesAll = "An exemption is matched against the query too."
)

var queries = []row{
	{target: "{target}?x=1", cause: anyQuery},
	{target: "{target}?", cause: anyQuery},
	{target: "{target}?/v2/", cause: matchesAll},
	{target: "{target}?x=/v2/", cause: matchesAll},
	{target: "{target}?/healthz", cause: matchesAll},
	{target: "{target}?/health", cause: matchesAll},
	{target: "{target}?x=.js", cause: matchesAll},
	{target: "{target}?x=/public/", cause: matchesAll},
	{target: "{target}?token=x", cause: matchesAll},
	{target: "{target}?access_token=x", cause: matchesAll},
	{target: "{target}?ns={other}", cause: anyQuery},
	{target: "{target}#/healthz", cause: "An exemption is matched against the fragment too."},
	{of: layer, target: "{target}?x=1", cause: anyQuery},
	{of: layer, target: "{target}?/healthz", cause: matchesAll},
}
