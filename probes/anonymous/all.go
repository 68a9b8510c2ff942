// SPDX-License-Identifier: Apache-2.0

// Package anonymous asks what a stranger reaches: someone without any
// credential, or with a token that is given to anybody. It refuses to decide
// about what it cannot show to be there.
package anonymous

import "github.com/regproof/regproof/probe"

// All lists the family, in the order in which a report shows it.
func All() []probe.Probe {
	return []probe.Probe{
		ManifestByTag,
		ManifestByDigest,
		IndexChild,
		Config,
		Layer,
		Head,
		Tags,
		Catalog,
		Referrers,
		ReferrersTag,
		Upload,
		Existence,
		Challenge,
	}
}
