// SPDX-License-Identifier: Apache-2.0

package evidence

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Printable makes what a server said safe to show anywhere: invalid UTF-8
// becomes \xNN, and control, format and direction characters (terminal
// escapes, bidirectional overrides) become \u{N}. At most limit bytes of s are
// read; what is cut is marked with an ellipsis.
func Printable(s string, limit int) string {
	if len(s) <= limit && plain(s) {
		return s
	}
	cut := len(s) > limit
	if cut {
		s = s[:limit]
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			if cut && len(s)-i < utf8.UTFMax && !utf8.FullRuneInString(s[i:]) {
				i = len(s) // a rune cut in two by the limit
				continue
			}
			fmt.Fprintf(&b, `\x%02X`, s[i])
		case unicode.IsPrint(r):
			b.WriteRune(r)
		default:
			fmt.Fprintf(&b, `\u{%X}`, r)
		}
		i += n
	}
	if cut {
		b.WriteString("...")
	}
	return b.String()
}

// plain says whether s is printable ASCII, as most of what is recorded is.
func plain(s string) bool {
	for i := range len(s) {
		if s[i] < 0x20 || s[i] > 0x7e {
			return false
		}
	}
	return true
}
