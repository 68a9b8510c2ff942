// SPDX-License-Identifier: Apache-2.0

package product_test

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/regproof/regproof/control"
	"github.com/regproof/regproof/product"
)

// The limits of a snippet: it is printed indented by two and as it stands.
const (
	maxWidth = 78
	maxLines = 20
	maxWrong = 69 // after "# wrong: "
)

// TestTexts reads every file: what it says is of the form, about a control that
// exists, and fits a terminal.
func TestTexts(t *testing.T) {
	if n := len(product.Names()); n < 17 {
		t.Fatalf("%d products", n)
	}
	for _, name := range product.Names() {
		t.Run(name, func(t *testing.T) {
			ids, err := product.Controls(name)
			if err != nil {
				t.Fatal(err)
			}
			for _, id := range ids {
				if _, ok := control.Get(id); !ok {
					t.Errorf("%s is no control", id)
				}
				text, ok := product.Fix(id, name)
				if !ok {
					t.Errorf("%s: no fix", id)
				}
				lint(t, id, text)
			}
		})
	}
}

func lint(t *testing.T, id string, text product.Text) {
	t.Helper()
	lines := strings.Split(text.Snippet, "\n")
	if len(lines) > maxLines {
		t.Errorf("%s: %d lines, %d are the most", id, len(lines), maxLines)
	}
	for _, l := range lines {
		if n := utf8.RuneCountInString(l); n > maxWidth && !strings.Contains(l, "type.googleapis.com") || strings.TrimRight(l, " ") != l || strings.Contains(l, "\t") {
			t.Errorf("%s: %d columns, or a tab, or a blank at the end: %q", id, n, l)
		}
	}
	for _, l := range text.Wrong {
		if n := utf8.RuneCountInString(l); n > maxWrong {
			t.Errorf("%s: %d columns: %q", id, n, l)
		}
		if slices.ContainsFunc(lines, func(s string) bool { return strings.TrimSpace(s) == l }) {
			t.Errorf("%s: the fix holds the wrong line %q", id, l)
		}
	}
	if text.Title == "" || text.In == "" || text.Snippet == "" || !strings.HasSuffix(text.Say, ".") || len(text.Say) > 240 {
		t.Errorf("%s: %+v", id, text)
	}
}

// TestFix: a text of its own, the sound configuration for others, and nothing
// where a front cannot help.
func TestFix(t *testing.T) {
	for _, tc := range []struct {
		control, product string
		ok, general      bool
		snippet          string
	}{
		{"host", "nginx", true, false, "ssl_reject_handshake on;"},
		{"layer", "nginx", true, true, "auth_basic_user_file"},
		{"method", "nginx", true, false, "auth_basic_user_file"},
		{"self-registration", "nginx", false, false, ""},
		{"layer", "nosuch", false, false, ""},
		{"layer", "../fixes/nginx", false, false, ""},
		{"nosuch", "nginx", false, false, ""},
		{"guard", "nginx", false, false, ""},
	} {
		text, ok := product.Fix(tc.control, tc.product)
		if ok != tc.ok || text.General != tc.general || !strings.Contains(text.Snippet, tc.snippet) {
			t.Errorf("Fix(%s, %s) = %+v, %v", tc.control, tc.product, text, ok)
		}
	}
	if got := product.For("layer"); !slices.Contains(got, "nginx") || !slices.IsSorted(got) {
		t.Errorf("For(layer) = %v", got)
	}
	if got := product.For("nosuch"); len(got) != 0 {
		t.Errorf("For(nosuch) = %v", got)
	}
}
