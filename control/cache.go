// SPDX-License-Identifier: Apache-2.0

package control

func cache() []Control {
	return []Control{
		{"cached-content", "A shared cache asks the registry about every stranger", read,
			[]string{"cache-auth-blind-blob", "cache-auth-blind-manifest"}},
		{"cache-key", "A shared cache tells Accept values apart", []Clause{staleRisk},
			[]string{"cache-auth-blind-manifest"}},
		{"stale-tag", "A tag means the same on every way in", []Clause{staleRisk},
			[]string{"cache-stale-tag"}},
		{"revoked-content", "A cache does not serve what the registry no longer does", []Clause{staleRisk, authRisk, leastPrivilege},
			[]string{"cache-survives-revocation"}},
		{"upstream-realm", "A pull-through cache sends its upstream credential to no foreign token service", []Clause{connection, encrypted, insecureAuth, secretLeakage},
			[]string{"mirror-realm-exfil"}},
	}
}
