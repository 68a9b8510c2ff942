// SPDX-License-Identifier: Apache-2.0

package cache

import (
	"context"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/probe"
)

// StaleTag compares what a tag means here and at the primary endpoint.
var StaleTag = probe.Probe{
	ID:    "cache/stale-tag",
	Title: "A tag means the same on every way in",
	Why: "A mirror that still serves the old image under a tag keeps a hole open that was " +
		"closed with a new one, and nobody who pulls there sees it.",
	How: []string{
		"the manifest by tag here and at the primary endpoint, by the same identity, with the same Accept; the digests are compared",
		"where they differ both are asked once more, in case the tag was moved meanwhile",
	},
	Fix: "Keep manifests by tag for minutes at most, or let the mirror ask the registry with " +
		"If-None-Match for each; pull by digest where it matters.",
	NotWhen:  "The endpoint holds images of its own and is no mirror of the primary one.",
	Severity: finding.Medium,
	Control:  "stale-tag",
	Effect:   probe.Read,
	Per:      probe.Image,
	Run: func(ctx context.Context, t *probe.Trial) probe.Result {
		return t.SameTag(ctx)
	},
}
