// SPDX-License-Identifier: Apache-2.0

package ingress

import (
	"context"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/probe"
)

// PathSpelling spells the path otherwise.
var PathSpelling = probe.Probe{
	ID:    "ingress/path-spelling",
	Title: "No spelling of the path opens what is denied",
	Why: "A front that compares the path as it was sent, before a registry that decodes " +
		"it, guards one spelling of many: /%76%32/ is /v2/ to the registry alone.",
	How: []string{
		"the manifest with letters, slashes and the digest percent-encoded, once and twice",
		"with empty, dot and parent segments, a trailing slash, parameters, a backslash, another case",
		"each must be denied; a redirect to the plain path is followed, anonymously",
	},
	Fix: "Deny everything and open nothing by path, or let the front normalise the path " +
		"(decode, merge slashes, resolve dots) and send on what it decided about.",
	NotWhen:  "The image is meant to be public: say so with a rule in policy.rules.",
	Severity: finding.Critical,
	Control:  "path-spelling",
	Effect:   probe.Read,
	Per:      probe.Once,
	Run: func(ctx context.Context, t *probe.Trial) probe.Result {
		return vary(ctx, t, spellings)
	},
}

const (
	decodes    = "The front compares the path as it was sent, and the registry decodes it."
	normalises = "The front compares the path as it was sent, and the registry normalises it."
	folds      = "The front tells upper from lower case, and the registry does not."
)

var spellings = []row{
	{target: "/%76%32/{repo}/manifests/{ref}", cause: decodes},
	{target: "/v%32/{repo}/manifests/{ref}", cause: decodes},
	{target: "/v2/{repo%}/manifests/{ref}", cause: decodes},
	{target: "/v2/{repo/}/manifests/{ref}", cause: decodes},
	{target: "/v2/{repo}/%6danifests/{ref}", cause: decodes},
	{target: "/v2/{repo}/manifests/{ref%}", cause: decodes},
	{target: "/v2/{repo}/manifests%2f{ref}", cause: decodes},
	{target: "/v2%2f{repo}/manifests/{ref}", cause: decodes},
	{target: "/%2576%2532/{repo}/manifests/{ref}", cause: decodes},
	{target: "/%2e/v2/{repo}/manifests/{ref}", cause: decodes},
	{target: "/x/%2e%2e/v2/{repo}/manifests/{ref}", cause: decodes},
	{target: "/v2/{repo}/manifests/{ref}%00", cause: decodes},
	{target: "/v2/{repo}/manifests/{ref}%0a", cause: decodes},
	{target: "/v2/{repo}/manifests/{ref}%3fx=1", cause: decodes},
	{target: "/v2/{repo}%c0%afmanifests%c0%af{ref}", cause: decodes},
	{target: "//v2/{repo}/manifests/{ref}", cause: normalises},
	{target: "/v2//{repo}/manifests/{ref}", cause: normalises},
	{target: "/v2/{repo}//manifests/{ref}", cause: normalises},
	{target: "/./v2/{repo}/manifests/{ref}", cause: normalises},
	{target: "/v2/./{repo}/manifests/{ref}", cause: normalises},
	{target: "/x/../v2/{repo}/manifests/{ref}", cause: normalises},
	{target: "/v2/x/../{repo}/manifests/{ref}", cause: normalises},
	{target: "/v2/{repo}/manifests/{ref}/", cause: normalises},
	{target: "/v2/{repo}/manifests/{ref}/.", cause: normalises},
	{target: "/v2;x=1/{repo}/manifests/{ref}", cause: normalises},
	{target: "/v2/;/{repo}/manifests/{ref}", cause: normalises},
	{target: "/v2/{repo}/manifests/{ref};x=1", cause: normalises},
	{target: `/v2\{repo}\manifests\{ref}`, cause: normalises},
	{target: "/V2/{repo}/manifests/{ref}", cause: folds},
	{target: "/v2/{repo}/MANIFESTS/{ref}", cause: folds},
	{target: "/v2/{REPO}/manifests/{ref}", cause: folds},
	{of: layer, target: "/%76%32/{repo}/blobs/{ref}", cause: decodes},
	{of: layer, target: "/v2/{repo/}/blobs/{ref}", cause: decodes},
	{of: layer, target: "//v2/{repo}/blobs/{ref}", cause: normalises},
}
