// SPDX-License-Identifier: Apache-2.0

// Package exposure asks what a registry shows beside its API: old APIs, debug
// pages, metrics, versions, its storage. It refuses to judge by a status what
// can be recognised by its content, and it copies nothing of what it finds into
// a report but names of products, versions, lengths and hashes.
package exposure

import "github.com/regproof/regproof/probe"

// All lists the family, in the order in which a report shows it.
func All() []probe.Probe {
	return []probe.Probe{
		Doors,
		DebugPort,
		ClosedDoor,
		RedirectedPort,
		ClientConfiguration,
		Storage,
		DefaultCredentials,
		Debug,
		SelfRegistration,
		KnownVulnerability,
		Metrics,
		CatalogSize,
		V1API,
		Version,
		SignedURL,
	}
}
