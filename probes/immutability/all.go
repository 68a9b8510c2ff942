// SPDX-License-Identifier: Apache-2.0

// Package immutability asks whether what was pushed stays what it was: tags
// that move, content under a name that is not its own, deletes that do not
// count, and writes by strangers. It refuses to write anywhere but in the
// sandbox, and to believe a status: what counts is what is read back.
package immutability

import "github.com/regproof/regproof/probe"

// All lists the family, in the order in which a report shows it.
func All() []probe.Probe {
	return []probe.Probe{
		AnonymousWrite,
		Digest,
		Tag,
		TagRecreation,
		TagExemption,
		TagWriters,
		TagRace,
		DeleteDisabled,
		DeletedContent,
		ManifestType,
		ForeignLayer,
	}
}
