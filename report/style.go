// SPDX-License-Identifier: Apache-2.0

package report

import (
	"strings"
	"unicode/utf8"
)

// Style says how text is shown. The zero value is plain.
type Style struct{ Color bool }

func (s Style) paint(code, text string) string {
	if !s.Color {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

func (s Style) bad(t string) string   { return s.paint("1;31", t) }
func (s Style) good(t string) string  { return s.paint("32", t) }
func (s Style) doubt(t string) string { return s.paint("33", t) }
func (s Style) dim(t string) string   { return s.paint("2", t) }
func (s Style) bold(t string) string  { return s.paint("1", t) }

// Width is how many columns text is folded to.
const Width = 80

// fold breaks text into lines of at most width columns, at spaces. A word
// longer than that is broken anywhere.
func fold(text string, width int) []string {
	var out []string
	line := ""
	for _, word := range strings.Fields(text) {
		for utf8.RuneCountInString(word) > width {
			if line != "" {
				out = append(out, line)
				line = ""
			}
			cut := 0
			for range width {
				_, n := utf8.DecodeRuneInString(word[cut:])
				cut += n
			}
			out = append(out, word[:cut])
			word = word[cut:]
		}
		switch {
		case line == "":
			line = word
		case utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) <= width:
			line += " " + word
		default:
			out = append(out, line)
			line = word
		}
	}
	if line != "" || len(out) == 0 {
		out = append(out, line)
	}
	return out
}

// Fold is fold with an indent, as one string without a last newline.
func Fold(text, indent string) string {
	return indent + strings.Join(fold(text, Width-len(indent)), "\n"+indent)
}
