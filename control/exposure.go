// SPDX-License-Identifier: Apache-2.0

package control

import "slices"

func exposure() []Control {
	return []Control{
		{"catalog-size", "The size of a catalog page is bounded", []Clause{maintained},
			[]string{"catalog-unbounded"}},
		{"v1-api", "The first registry API is gone", door,
			[]string{"api-v1-leftover"}},
		{"debug", "No debug server is reachable", door,
			[]string{"debug-port"}},
		{"metrics", "Metrics tell strangers nothing", door,
			[]string{"metrics-open"}},
		{"self-registration", "Strangers cannot make themselves an account", []Clause{authRisk, authMeasure, leastPrivilege, ccmLeast},
			[]string{"self-registration"}},
		{"version", "The registry does not tell strangers its version", []Clause{maintained},
			[]string{"version-disclosure"}},
		{"known-vulnerability", "The registry runs no version with a published vulnerability", []Clause{maintained},
			[]string{"known-cve-version", "mirror-realm-exfil"}},
		{"default-credentials", "The vendor's default password is not valid", []Clause{authRisk, authMeasure, authenticated, insecureAuth, ccmPasswords},
			[]string{"default-credentials"}},
		{"doors", "There is no way in that nobody listed", slices.Concat(door, []Clause{connection, encrypted, inTransit}),
			[]string{"alt-plain-http-port", "backend-direct", "ipv6-only-hole"}},
		{"storage", "The storage behind the registry is not public", read,
			[]string{"storage-bucket-public"}},
		{"signed-url", "A signed storage URL is short-lived", []Clause{authRisk, secretLeakage},
			[]string{"presigned-url-replay"}},
		{"client-configuration", "Clients verify the registry and have no other upstream", []Clause{connection, encrypted, inTransit},
			[]string{"insecure-client-config"}},
		{"redirected-port", "Plain HTTP sends clients to https and serves nothing", []Clause{connection, encrypted, inTransit},
			[]string{"alt-plain-http-port"}},
		{"closed-door", "A way in that is meant to be closed is closed", slices.Concat(door, []Clause{connection, encrypted}),
			[]string{"backend-direct"}},
	}
}
