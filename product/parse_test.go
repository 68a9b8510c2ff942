// SPDX-License-Identifier: Apache-2.0

package product

import (
	"strings"
	"testing"
)

// small is a file of fixes with one of everything.
const small = `# Words about it.
title: Small

-- frame the file --
begin
{{fix}}
end

-- guard --
in: the file
for: a b
for: c
Guard
all.

guard: on

-- d --
wrong: guard: off
wrong: guard: maybe
Do not guard half.

-- e --
in: elsewhere
also: g h
Do another thing.

line

other line
`

// TestParse reads each part of the form.
func TestParse(t *testing.T) {
	f, err := parse(small)
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		control, say, in, snippet, whole string
		wrong                            int
		general                          bool
	}{
		{"a", "Guard all.", "the file", "guard: on", "begin\nguard: on\nend\n", 0, true},
		{"c", "Guard all.", "the file", "guard: on", "begin\nguard: on\nend\n", 0, true},
		{"d", "Do not guard half.", "the file", "guard: on", "begin\nguard: on\nend\n", 2, false},
		{"e", "Do another thing.", "elsewhere", "line\n\nother line", "", 0, false},
		{"h", "Do another thing.", "elsewhere", "line\n\nother line", "", 0, false},
	} {
		got, ok := f.fix(tc.control, "small")
		if !ok || got.Say != tc.say || got.In != tc.in || got.Snippet != tc.snippet || got.Title != "Small" ||
			got.Whole() != tc.whole || len(got.Wrong) != tc.wrong || got.General != tc.general {
			t.Errorf("%s: %+v, whole %q, %v", tc.control, got, got.Whole(), ok)
		}
	}
	if got, ok := f.fix("f", "small"); ok {
		t.Errorf("f: %+v", got)
	}
}

// TestParseRefuses changes one thing of a good file.
func TestParseRefuses(t *testing.T) {
	for _, tc := range []struct{ name, old, new, want string }{
		{"no title", "title: Small\n", "", "no line title"},
		{"two titles", "title: Small\n", "title: Small\ntitle: Other\n", "before the first section"},
		{"words before the first section", "# Words", "Words", "before the first section"},
		{"no guard", "-- guard --", "-- guards --", "for:"},
		{"a guard without a snippet", "in: the file\nfor: a b\nfor: c\nGuard\nall.\n\nguard: on\n", "Guard all.\n", "no section guard"},
		{"a section twice", "-- e --", "-- d --", "is there twice"},
		{"a control twice", "also: g h", "also: g d", "is there twice"},
		{"also: in the guard", "for: c", "also: c", "expected in:"},
		{"an unknown header", "in: elsewhere", "where: elsewhere", "expected in:"},
		{"in: twice", "in: elsewhere", "in: elsewhere\nin: here", "expected in:"},
		{"for: elsewhere", "in: elsewhere", "in: elsewhere\nfor: g", "expected in:"},
		{"no sentence", "Do not guard half.\n", "", "no sentence"},
		{"a snippet without a place", "in: elsewhere\n", "", "go together"},
		{"a place without a snippet", "\nline\n\nother line\n", "", "go together"},
		{"a frame without a place for the fix", "{{fix}}\n", "", "with one {{fix}}"},
	} {
		text := strings.Replace(small, tc.old, tc.new, 1)
		if text == small {
			t.Fatalf("%s changes nothing", tc.name)
		}
		if _, err := parse(text); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v, want %q", tc.name, err, tc.want)
		}
	}
}
