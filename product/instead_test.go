// SPDX-License-Identifier: Apache-2.0

package product

import (
	"slices"
	"strings"
	"testing"

	"github.com/regproof/regproof/control"
)

// TestInsteads: every sentence is of a product and a control that there are,
// fits where it is printed, and contradicts no setting.
func TestInsteads(t *testing.T) {
	all, err := parseInsteads(insteads)
	if err != nil || len(all) == 0 {
		t.Fatal(len(all), err)
	}
	seen := map[string]bool{}
	for _, i := range all {
		if len(i.say) > 240 || !strings.HasSuffix(i.say, ".") && !strings.HasSuffix(i.say, ").") && !strings.HasSuffix(i.say, "URL.") {
			t.Errorf("%d characters, or no end: %s", len(i.say), i.say)
		}
		for _, id := range i.controls {
			if _, ok := control.Get(id); !ok {
				t.Errorf("%s is no control", id)
			}
			for _, p := range i.products {
				if p != "*" && !slices.Contains(Names(), p) {
					t.Errorf("%s is no product", p)
				}
				if _, ok := Fix(id, p); ok {
					t.Errorf("%s has a setting for %s, and nothing to set", p, id)
				}
				if seen[id+" "+p] {
					t.Errorf("%s of %s is there twice", id, p)
				}
				seen[id+" "+p] = true
			}
		}
	}
}

// TestInstead: a front hands tokens on, any product gets a new certificate, and
// of what nobody has looked at nothing is said.
func TestInstead(t *testing.T) {
	for _, tc := range []struct{ control, product, want string }{
		{"token-signature", "nginx", "The registry verifies"},
		{"tag-immutable", "distribution", "has no immutable tags"},
		{"certificate-strength", "harbor", "Issue it anew"},
		{"self-registration", "nginx", ""},
		{"token-signature", "nosuch", ""},
	} {
		if got, ok := Instead(tc.control, tc.product); ok != (tc.want != "") || !strings.Contains(got, tc.want) {
			t.Errorf("Instead(%s, %s) = %q, %v", tc.control, tc.product, got, ok)
		}
	}
	for _, bad := range []string{"-- a --\nDo it.\n", "-- a --\nfor: x\n"} {
		if _, err := parseInsteads(bad); err == nil {
			t.Errorf("%q is read", bad)
		}
	}
}
