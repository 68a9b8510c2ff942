// SPDX-License-Identifier: Apache-2.0

package config

import (
	"bytes"
	"unicode"
	"unicode/utf8"
)

// readable tells whether the bytes are a text that a person reads as the parser does: UTF-8, no control characters,
// nothing that reorders or hides what is shown (a policy that reads differently from what it says is an attack).
func (c *collector) readable(data []byte) bool {
	if len(data) > maxSize {
		c.add(Position{}, "", "the file is larger than %d KiB", maxSize>>10)
		return false
	}
	text := bytes.TrimPrefix(data, []byte("\ufeff"))
	at, before := Position{1, 1}, len(c.faults)
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		switch {
		case r == '\n':
			at = Position{at.Line + 1, 0}
		case r == utf8.RuneError && size == 1:
			c.add(at, "", `byte \x%02x is not UTF-8`, text[0])
		case r == '\t' || r == '\r' && len(text) > 1 && text[1] == '\n':
		case unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' || r == '\u2029' || r == '\ufeff':
			c.add(at, "", "control character %U in the file", r)
		}
		at.Column++
		text = text[size:]
	}
	return len(c.faults) == before
}
