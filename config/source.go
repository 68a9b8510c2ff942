// SPDX-License-Identifier: Apache-2.0

package config

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// context is how many lines are shown before the line of a fault.
const context = 2

// source is the text of the file, kept to show where a fault is.
type source struct {
	name   string
	lines  []string
	hidden map[int]int // line: column from which it is never shown, because a secret stands there
	cache  map[int]shown
}

func newSource(name string, data []byte) *source {
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	if len(data) > maxSize {
		data = nil
	}
	lines := strings.Split(string(data), "\n")
	for i, line := range lines {
		lines[i] = strings.TrimSuffix(line, "\r")
	}
	return &source{name: name, lines: lines, hidden: map[int]int{}, cache: map[int]shown{}}
}

// hide keeps a line from being shown from a column on.
func (s *source) hide(at Position) {
	if col, ok := s.hidden[at.Line]; !ok || at.Column < col {
		s.hidden[at.Line] = at.Column
	}
}

// excerpt shows the line at a position, with the lines before it and a caret below, within the width of a terminal.
func (s *source) excerpt(at Position) string {
	if at.Line < 1 || at.Line > len(s.lines) {
		return ""
	}
	digits := len(strconv.Itoa(at.Line))
	room := width - digits - len("> "+" | ")
	line := s.show(at.Line)
	caret := line.columns[min(max(at.Column-1, 0), len(line.columns)-1)]
	// One window over all the lines keeps their indentation comparable.
	start := 0
	if len(line.text) > room && caret > room*2/3 {
		start = caret - room/2
	}
	var b strings.Builder
	for n := max(1, at.Line-context); n <= at.Line; n++ {
		mark := " "
		if n == at.Line {
			mark = ">"
		}
		text := window(s.show(n).text, start, room)
		fmt.Fprintf(&b, "%s\n", strings.TrimRight(fmt.Sprintf("%s %*d | %s", mark, digits, n, text), " "))
	}
	fmt.Fprintf(&b, "  %*s | %s^", digits, "", strings.Repeat(" ", caret-start))
	return b.String()
}

// shown is a line as it is shown, and the column of each of its characters there, with one more for the end.
type shown struct {
	text    []rune
	columns []int
}

// show masks and escapes a line. It remembers: a thousand faults may stand on one line of a megabyte.
func (s *source) show(line int) shown {
	if out, ok := s.cache[line]; ok {
		return out
	}
	var out shown
	text := mask(s.lines[line-1])
	for len(text) > 0 {
		_, size := utf8.DecodeRuneInString(text)
		cell := text[:size]
		if col, ok := s.hidden[line]; ok && len(out.columns) >= col-1 {
			cell = "*"
		}
		out.columns = append(out.columns, len(out.text))
		out.text = append(out.text, []rune(escape(cell))...)
		text = text[size:]
	}
	out.columns = append(out.columns, len(out.text))
	s.cache[line] = out
	return out
}

// window cuts a line to the characters that fit, with an ellipsis at each side that was cut.
func window(line []rune, start, room int) string {
	if start >= len(line) {
		return ""
	}
	part := slices.Clone(line[start:min(len(line), start+room)])
	if start > 0 {
		part[0] = '…'
	}
	if len(line)-start > room {
		part[len(part)-1] = '…'
	}
	return string(part)
}
