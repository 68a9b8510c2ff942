// SPDX-License-Identifier: Apache-2.0

package lab

import "slices"

// weakEntries are the doors that leak: each must fail its probe, and its twin pass.
func weakEntries() []entry {
	return slices.Concat(
		weakAnonymous(), weakIngress(), weakHeader(),
		weakTransport(),
		weakMutual(),
		weakToken(), weakVerify(), weakWorkload(),
		weakCache(),
		weakImmutable(),
		weakExposure(),
		weakAuthz(),
	)
}

func weak(name, title, twin, probe, id string) Weakness {
	return Weakness{Name: name, Title: title, Kind: Weak, Twin: twin, Probe: probe, Entry: id}
}

func needsToken(w Weakness) Weakness { w.Needs.Token = true; return w }
func needsTLS(w Weakness) Weakness   { w.Needs.TLS = true; return w }
func needsTokens(entries []entry) []entry {
	for i := range entries {
		entries[i].Needs.Token = true
	}
	return entries
}
