// SPDX-License-Identifier: Apache-2.0

package cache

import (
	"context"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/probe"
)

// RevokedContent looks for images that are gone from the registry and not here.
var RevokedContent = probe.Probe{
	ID:    "cache/revoked-content",
	Title: "A cache does not serve what the registry no longer does",
	Why: "An image that was deleted for its holes or its secrets, or whose readers were shut " +
		"out, lives on in every cache that does not ask again.",
	How: []string{
		"an image that the primary endpoint answers 404 for to who may read it, while their credential is seen to work there",
		"the same image here: served to the same identity, or to a stranger",
	},
	Fix: "Let the cache ask the registry about every request, and purge it when an image is " +
		"deleted.",
	NotWhen:  "The endpoint holds images of its own and is no mirror of the primary one.",
	Severity: finding.High,
	Control:  "revoked-content",
	Effect:   probe.Read,
	Per:      probe.Image,
	Run: func(ctx context.Context, t *probe.Trial) probe.Result {
		return t.Outlives(ctx)
	},
}
