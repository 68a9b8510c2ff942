// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"strings"
	"testing"
)

// TestMend: no authority makes a signature of SHA-1 good, so none is asked for.
func TestMend(t *testing.T) {
	for problem, want := range map[string]string{
		"x509: certificate signed by unknown authority": "pass --ca-file",
		`x509: certificate signed by unknown authority (possibly because of "x509: cannot verify signature: insecure algorithm SHA1-RSA")`: "signed with SHA-256",
		"x509: certificate has expired": "--insecure goes on",
	} {
		if got := mend(problem); !strings.Contains(got, want) {
			t.Errorf("mend(%s) = %q, want %q", problem, got, want)
		}
	}
}
