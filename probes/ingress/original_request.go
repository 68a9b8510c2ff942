// SPDX-License-Identifier: Apache-2.0

package ingress

import (
	"context"
	"slices"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/probe"
)

// OriginalRequest claims to have asked for something else.
var OriginalRequest = probe.Probe{
	ID:    "ingress/original-request",
	Title: "A client cannot claim that it asked for something else",
	Why: "An authorisation service is told in a header what the client asked for. Where the " +
		"front passes the client's own header on, the client says what is judged.",
	How: []string{
		"the manifest with X-Original-URI, X-Forwarded-Uri, X-Forwarded-Method and their kin naming something harmless",
		"something harmless with X-Original-URL, X-Rewrite-URL and their kin naming the manifest",
		"the manifest with a Referer and an Origin of the registry itself",
	},
	Fix: "Set these headers in the front for every request, from the request itself, and drop " +
		"them where nothing needs them.",
	NotWhen:  "The image is meant to be public: say so with a rule in policy.rules.",
	Severity: finding.Critical,
	Control:  "original-request",
	Effect:   probe.Read,
	Per:      probe.Once,
	Run: func(ctx context.Context, t *probe.Trial) probe.Result {
		return vary(ctx, t, originals())
	},
}

func originals() []row {
	claims := slices.Concat(
		names("X-Original-URI", "/", "/v2/", "/healthz", "/v2/public/x", "/v2/{open}/manifests/latest"),
		names("X-Forwarded-Uri", "/", "/v2/", "/healthz", "/v2/public/x", "/v2/{open}/manifests/latest"),
		names("X-Original-URL", "/", "/v2/"),
		headers("/", "X-Auth-Request-Redirect", "X-Forwarded-Path", "X-Envoy-Original-Path", "X-Original-Path"),
		headers("OPTIONS", "X-Forwarded-Method", "X-Original-Method"),
		headers("https", "X-Forwarded-Proto", "X-Forwarded-Scheme"),
		[]row{{header: [][2]string{{"Referer", "https://{host}/"}}}, {header: [][2]string{{"Origin", "https://{host}"}}}},
	)
	for i := range claims {
		claims[i].cause = "The guard decides by what the client says it asked for."
	}
	for _, h := range []string{"X-Original-URL", "X-Rewrite-URL", "X-Original-URI", "X-Forwarded-Uri"} {
		for _, target := range []string{"/", "/v2/"} {
			claims = append(claims, row{target: target, header: [][2]string{{h, "{target}"}}, cause: "What is served is chosen by a header, after the guard has looked at the path."})
		}
	}
	return claims
}
