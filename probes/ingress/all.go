// SPDX-License-Identifier: Apache-2.0

// Package ingress asks for what is denied in odd ways: every part of a request
// that something in front of a registry could decide on is varied, one at a
// time, against the same content. It refuses to accuse a front of what a plain
// request gets too, and of what does not happen again.
//
// Each probe is a table of rows; a row more is an attempt more.
package ingress

import "github.com/regproof/regproof/probe"

// All lists the family, in the order in which a report shows it.
func All() []probe.Probe {
	return []probe.Probe{
		PathSpelling,
		MountPath,
		Query,
		Method,
		Host,
		ServerName,
		Protocol,
		ClientAddress,
		OriginalRequest,
		IdentityHeader,
		Authorization,
		UserAgent,
		Accept,
		Conditional,
		Range,
		Depth,
		StaticExtension,
		Replicas,
		RealmHost,
		LocationHost,
		CORS,
		ParallelAPI,
	}
}
