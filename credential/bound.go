// SPDX-License-Identifier: Apache-2.0

package credential

// Bound is a credential and the origins that may see it. The zero value goes nowhere.
type Bound struct {
	Credential Credential
	Origins    []Origin
	PlainHTTP  bool // the operator said that http is meant, for the listed origins
}

// For returns the credential if it may go to that origin: it is listed, and it is https,
// or loopback, or http that the operator allowed. Both sides are parsed anew, so the
// spelling of a string that was merely converted to an Origin does not matter, and what
// does not parse matches nothing.
func (b Bound) For(o Origin) (Credential, bool) {
	to, err := ParseOrigin(string(o))
	if err != nil || b.Credential.IsZero() {
		return Credential{}, false
	}
	if to.plain() && !b.PlainHTTP && !to.loopback() {
		return Credential{}, false
	}
	for _, listed := range b.Origins {
		if l, err := ParseOrigin(string(listed)); err == nil && l == to {
			return b.Credential, true
		}
	}
	return Credential{}, false
}
