// SPDX-License-Identifier: Apache-2.0

package control_test

import (
	"strings"
	"testing"

	"github.com/regproof/regproof/control"
)

// TestCatalogue: ids are unique, every control cites something, and nothing
// that is known to be wrong is cited.
func TestCatalogue(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range control.All() {
		if seen[c.ID] {
			t.Errorf("%s is there twice", c.ID)
		}
		seen[c.ID] = true
		if c.Title == "" || strings.HasSuffix(c.Title, ".") || len(c.Clauses) == 0 {
			t.Errorf("%s: %+v", c.ID, c)
		}
		for _, cl := range c.Clauses {
			if why := control.Correction(strings.Fields(cl.Framework)[0], cl.ID); why != "" || cl.ID == "" || cl.Title == "" {
				t.Errorf("%s cites %+v: %s", c.ID, cl, why)
			}
		}
		if got, ok := control.Get(c.ID); !ok || got.Title != c.Title {
			t.Errorf("Get(%s) = %+v, %v", c.ID, got, ok)
		}
	}
	for citation, says := range map[[2]string]string{
		{"NIST CSF", "PR.AC-1"}: "PR.AA-01", {"MAESTRO", "IAM-02"}: "Cloud Controls Matrix", {"OWASP NHI", "NHI-01"}: "NHI4 and NHI5",
	} {
		if got := control.Correction(citation[0], citation[1]); !strings.Contains(got, says) {
			t.Errorf("%v: %q does not say %q", citation, got, says)
		}
	}
}
