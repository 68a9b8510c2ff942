// SPDX-License-Identifier: Apache-2.0

// Package token proves what a registry's tokens are worth: what the token
// service gives to whom, and what the registry takes for a token. It refuses to
// call a token that was given a weakness before it has opened something, and it
// sends what it forges to the registry itself alone.
package token

import "github.com/regproof/regproof/probe"

// All lists the family, in the order in which a report shows it.
func All() []probe.Probe {
	return []probe.Probe{
		Stranger,
		Surplus,
		Escalation,
		ScopeSyntax,
		Repository,
		Action,
		Mount,
		Service,
		Audience,
		Issuer,
		Signature,
		Algorithm,
		Key,
		Structure,
		Kind,
		Query,
		Lifetime,
		Expiry,
		Revocation,
		Basic,
		EmptyCredential,
		UserExistence,
		UserTiming,
		Throttling,
		WorkloadBroker,
		WorkloadEnforcement,
	}
}
