// SPDX-License-Identifier: Apache-2.0

// Package cache looks at shared caches and mirrors before a registry: whether
// they serve what the registry denies, no longer has, or has replaced. It
// refuses to make a leak in order to find it: nothing private is read through a
// door that looks like a cache unless the run allows it.
package cache

import "github.com/regproof/regproof/probe"

// All lists the family, in the order in which a report shows it.
func All() []probe.Probe {
	return []probe.Probe{
		CachedContent,
		CacheKey,
		StaleTag,
		RevokedContent,
		UpstreamRealm,
	}
}
