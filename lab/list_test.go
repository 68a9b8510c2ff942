// SPDX-License-Identifier: Apache-2.0

package lab_test

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/regproof/regproof/lab"
)

func TestList(t *testing.T) {
	all := map[string]lab.Weakness{}
	previous := ""
	for _, w := range lab.Weaknesses() {
		if w.Name <= previous {
			t.Errorf("%s after %s: not sorted, or twice", w.Name, previous)
		}
		previous, all[w.Name] = w.Name, w
	}
	kebab := regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)
	for _, w := range all {
		if !kebab.MatchString(w.Name) || !strings.HasSuffix(w.Title, ".") || !strings.Contains(w.Probe, "/") {
			t.Errorf("malformed: %+v", w)
		}
		switch {
		case w.Kind == lab.Sound && w.Twin != "":
			t.Errorf("%s: a sound entry has no twin", w.Name)
		case w.Kind != lab.Sound && all[w.Twin].Kind != lab.Sound:
			t.Errorf("%s: twin %q is not sound", w.Name, w.Twin)
		}
	}
}

// TestEveryWeaknessIsShown: each weak entry is named in some table of these
// tests, which show what leaks there and that its twin holds.
func TestEveryWeaknessIsShown(t *testing.T) {
	files, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	var tests []byte
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		tests = append(tests, text...)
	}
	for _, w := range lab.Weaknesses() {
		if w.Kind == lab.Weak && !bytes.Contains(tests, []byte(`"`+w.Name+`"`)) {
			t.Errorf("%s: no row", w.Name)
		}
	}
}
