// SPDX-License-Identifier: Apache-2.0

package product

import (
	"errors"
	"fmt"
	"strings"
)

const (
	guard       = "guard"   // the section of the sound configuration
	frame       = "frame "  // begins the name of a section that holds a frame
	placeholder = "{{fix}}" // where a frame takes the snippet
)

// file is what a file of fixes says.
type file struct {
	title   string
	general []string           // controls that the sound configuration is for
	fixes   map[string]section // by control, and the guard
	frames  map[string]string  // by what stands after in:
}

// section is the fix of one control.
type section struct {
	in, say, snippet string
	wrong, also      []string
}

// parse reads a file of fixes. It begins with "title: NAME"; lines with # and
// empty lines may stand around it. Then come sections, each begun by a line
// "-- CONTROL --". A section holds headers, a sentence, an empty line and the
// snippet. The headers are "in: WHERE" and, as often as needed, "wrong: LINE"
// and "also: CONTROL...", further controls that the section is the fix for.
// A section without a snippet takes that of the section "guard", whose header
// "for: CONTROL..." lists the controls that it is the fix for as it stands. A
// section "-- frame WHERE --" is a whole configuration with a line {{fix}}.
// What is not of this form is an error.
func parse(text string) (file, error) {
	f := file{fixes: map[string]section{}, frames: map[string]string{}}
	head, sections := split(text)
	for line := range strings.SplitSeq(head, "\n") {
		value, ok := strings.CutPrefix(line, "title: ")
		switch {
		case ok && f.title == "":
			f.title = value
		case line != "" && !strings.HasPrefix(line, "#"):
			return file{}, fmt.Errorf("%q before the first section, expected title: NAME", line)
		}
	}
	for _, s := range sections {
		if err := f.add(s[0], s[1]); err != nil {
			return file{}, fmt.Errorf("section %q: %w", s[0], err)
		}
	}
	if f.title == "" {
		return file{}, errors.New("no line title: NAME")
	}
	if f.fixes[guard].snippet == "" {
		return file{}, errors.New("no section guard with a snippet")
	}
	return f, nil
}

// split cuts a file at its section lines, into names and bodies.
func split(text string) (head string, sections [][2]string) {
	var lines []string
	name, named := "", false
	end := func() {
		body := strings.Join(lines, "\n")
		if named {
			sections = append(sections, [2]string{name, body})
		} else {
			head = body
		}
		lines = nil
	}
	for line := range strings.SplitSeq(text, "\n") {
		if n, ok := strings.CutPrefix(line, "-- "); ok && strings.HasSuffix(n, " --") {
			end()
			name, named = strings.TrimSuffix(n, " --"), true
			continue
		}
		lines = append(lines, line)
	}
	end()
	return head, sections
}

func (f *file) add(name, body string) error {
	if where, ok := strings.CutPrefix(name, frame); ok {
		if f.frames[where] != "" || strings.Count(body, placeholder) != 1 {
			return fmt.Errorf("expected once, with one %s", placeholder)
		}
		f.frames[where] = strings.Trim(body, "\n") + "\n"
		return nil
	}
	var s section
	lines := strings.Split(strings.Trim(body, "\n"), "\n")
	for len(lines) > 0 {
		key, value, ok := strings.Cut(lines[0], ": ")
		if !ok || key != strings.ToLower(key) || strings.Contains(key, " ") {
			break
		}
		switch {
		case key == "in" && s.in == "":
			s.in = value
		case key == "wrong":
			s.wrong = append(s.wrong, value)
		case key == "also" && name != guard:
			s.also = append(s.also, strings.Fields(value)...)
		case key == "for" && name == guard:
			f.general = append(f.general, strings.Fields(value)...)
		default:
			return fmt.Errorf("%q: expected in: (once), wrong:, also: or, in %s, for:", lines[0], guard)
		}
		lines = lines[1:]
	}
	say, snippet, _ := strings.Cut(strings.Join(lines, "\n"), "\n\n")
	s.say, s.snippet = strings.Join(strings.Fields(say), " "), strings.Trim(snippet, "\n")
	switch {
	case s.say == "":
		return errors.New("no sentence")
	case (s.in == "") != (s.snippet == ""):
		return errors.New("in: and a snippet go together")
	}
	for _, id := range append([]string{name}, s.also...) {
		if _, ok := f.fixes[id]; ok {
			return fmt.Errorf("%s is there twice", id)
		}
		f.fixes[id] = s
	}
	return nil
}
