// SPDX-License-Identifier: Apache-2.0

package config

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

const (
	width     = 80   // columns of a rendered fault
	maxFaults = 1000 // a file with more is not a configuration
	maxQuote  = 60   // characters of the file repeated in a message
)

// Fault is one mistake and its place. Message and Hint are plain text for a terminal: nothing from the file is in them
// unescaped, and Source, the excerpt with the caret, shows nothing that looks like a secret.
type Fault struct {
	File         string
	Line, Column int // both 0 when the fault is the file itself
	Message      string
	Hint         string // what to do, or ""
	Source       string // excerpt, several lines, or ""
}

// Faults is every mistake of a file in the order of the file; never empty as an error.
type Faults []Fault

// Error renders the fault in 80 columns: place and message, excerpt, hint.
func (f Fault) Error() string {
	place := escape(f.File)
	if f.Line > 0 {
		place = fmt.Sprintf("%s:%d:%d", place, f.Line, f.Column)
	}
	text := wrap(place+" "+f.Message, "")
	if f.Source != "" {
		text += "\n" + f.Source
	}
	for line := range strings.Lines(f.Hint) {
		text += "\n" + wrap(strings.TrimRight(line, "\n"), "  ")
	}
	return text
}

// Error renders every fault, with an empty line between two.
func (f Faults) Error() string {
	parts := make([]string, len(f))
	for i, fault := range f {
		parts[i] = fault.Error()
	}
	return strings.Join(parts, "\n\n")
}

// collector gathers faults.
type collector struct {
	source *source
	faults Faults
	seen   map[string]bool
	more   int
}

// add notes a fault. The same fault at the same place, seen again through an alias, counts once.
func (c *collector) add(at Position, hint, format string, args ...any) {
	if c.full() {
		c.more++
		return
	}
	f := Fault{File: c.source.name, Line: at.Line, Column: at.Column, Message: fmt.Sprintf(format, args...), Hint: hint}
	key := fmt.Sprintf("%d:%d %s", f.Line, f.Column, f.Message)
	if c.seen[key] {
		return
	}
	if c.seen == nil {
		c.seen = map[string]bool{}
	}
	c.seen[key] = true
	c.faults = append(c.faults, f)
}

func (c *collector) full() bool { return len(c.faults) >= maxFaults }

// result sorts the faults and shows their source, which waits until all the secrets to hide are known.
func (c *collector) result() error {
	if len(c.faults) == 0 {
		return nil
	}
	slices.SortStableFunc(c.faults, func(a, b Fault) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	for i, f := range c.faults {
		c.faults[i].Source = c.source.excerpt(Position{f.Line, f.Column})
	}
	if c.more > 0 {
		c.faults = append(c.faults, Fault{File: c.source.name, Message: fmt.Sprintf("and %d more faults, not shown", c.more)})
	}
	return c.faults
}

// escape makes text from the file safe to show: control characters, bidirectional marks and broken UTF-8 are written out.
func escape(s string) string {
	var b strings.Builder
	for i, r := range s {
		switch {
		case r == utf8.RuneError && !strings.HasPrefix(s[i:], string(utf8.RuneError)):
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case strconv.IsPrint(r):
			b.WriteRune(r)
		default:
			b.WriteString(strings.Trim(strconv.QuoteRuneToASCII(r), "'"))
		}
	}
	return b.String()
}

// cut shortens escaped text.
func cut(s string) string {
	r := []rune(escape(s))
	if len(r) > maxQuote {
		return string(r[:maxQuote-1]) + "…"
	}
	return string(r)
}

func quote(s string) string { return `"` + cut(s) + `"` }

// wrap breaks text at spaces, the first line indented by indent, the others by two columns more at least.
func wrap(text, indent string) string {
	var b strings.Builder
	line := indent
	for i, word := range strings.Split(text, " ") {
		switch {
		case i == 0:
			line += word
		case utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > width:
			b.WriteString(line + "\n")
			line = max(indent, "  ") + word
		default:
			line += " " + word
		}
	}
	return b.String() + line
}
