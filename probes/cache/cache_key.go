// SPDX-License-Identifier: Apache-2.0

package cache

import (
	"context"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/probe"
)

// CacheKey asks for one tag by different media types.
var CacheKey = probe.Probe{
	ID:    "cache/cache-key",
	Title: "A shared cache tells Accept values apart",
	Why: "A registry may answer one tag with an index or with a single manifest, by what the " +
		"client accepts. A cache that does not look at Accept gives clients the wrong one.",
	How: []string{
		"the manifest by tag as the entitled, for a Docker manifest alone, plainly and with an unknown parameter that no cache has seen",
		"a failure: plainly it is the answer that was given for another Accept, and past the cache it is not",
	},
	Fix: "Put Accept into the cache key, or let the registry send Vary: Accept and the cache " +
		"obey it. This way of failing was not seen on real software here, so it is reported as low.",
	NotWhen:  "Every client of this endpoint asks with the same Accept.",
	Severity: finding.Low,
	Control:  "cache-key",
	Effect:   probe.Read,
	Per:      probe.Once,
	Needs:    []probe.Need{probe.NeedContent},
	Run: func(ctx context.Context, t *probe.Trial) probe.Result {
		return t.KeyedByAccept(ctx)
	},
}
