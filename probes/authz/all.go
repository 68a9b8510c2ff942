// SPDX-License-Identifier: Apache-2.0

// Package authz asks as named identities for what policy does not let them do,
// and for what it does: somebody who is known is not yet somebody who may. It
// refuses to take a right that strangers have for one of its own, and to hold a
// denial for access control when the credential was not seen alive.
package authz

import "github.com/regproof/regproof/probe"

// All lists the family, in the order in which a report shows it.
func All() []probe.Probe {
	return []probe.Probe{
		Pull,
		List,
		Push,
		Delete,
		BlobRepository,
		BlobMount,
		BlobLink,
		BlobExistence,
		BlobStatus,
		UploadSession,
		UploadFinish,
	}
}
