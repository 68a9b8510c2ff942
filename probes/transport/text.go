// SPDX-License-Identifier: Apache-2.0

package transport

import (
	"strings"

	"github.com/regproof/regproof/credential"
)

// list writes words as a sentence does.
func list(words []string) string {
	switch n := len(words); n {
	case 0:
		return "nothing"
	case 1:
		return words[0]
	default:
		return strings.Join(words[:n-1], ", ") + " and " + words[n-1]
	}
}

// ofItsOwn says which token service is looked at beside the ways in.
const ofItsOwn = "if it has an origin of its own, speaks TLS, and is on the registry's host or named for it (realms, --allow-realm): " +
	"at each of its addresses, at the same time; what fails there is a finding with that origin as its endpoint"

// place is an origin as people write it.
func place(o credential.Origin) string {
	s := string(o)
	if strings.HasPrefix(s, "https:") {
		return strings.TrimSuffix(s, ":443")
	}
	return strings.TrimSuffix(s, ":80")
}
