// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/regproof/regproof/probe"
	"github.com/regproof/regproof/product"
	"github.com/regproof/regproof/report"
)

// checkProduct is an error for a name without fixes. It names the nearest.
func checkProduct(name string) error {
	names := product.Names()
	if slices.Contains(names, name) {
		return nil
	}
	hint, at := "", 4
	for _, n := range names {
		if d := distance(strings.ToLower(name), n); d < at {
			hint, at = fmt.Sprintf("; did you mean %q?", n), d
		}
	}
	return fmt.Errorf("--product %q is not one of %s%s", name, strings.Join(names, ", "), hint)
}

// fixFor prints the fix of a probe's control as configuration. The snippet is
// not folded: it is to be pasted.
func fixFor(out io.Writer, p probe.Probe, name string) {
	text, ok := product.Fix(p.Control, name)
	if !ok {
		fmt.Fprintf(out, "Fix for %s\n%s\n\n", name, report.Fold(noFix(p.Control, name), "  "))
		return
	}
	fmt.Fprintf(out, "Fix for %s\n", text.Title)
	if text.General {
		fmt.Fprintln(out, report.Fold("This is its sound configuration; there is no text for this finding alone.", "  "))
	}
	fmt.Fprintln(out, report.Fold(text.Say, "  "))
	fmt.Fprintf(out, "%s\n\n", report.Fold("It goes into "+text.In+".", "  "))
	for _, l := range text.Wrong {
		fmt.Fprintf(out, "  # wrong: %s\n", l)
	}
	for l := range strings.SplitSeq(text.Snippet, "\n") {
		fmt.Fprintln(out, strings.TrimRight("  "+l, " "))
	}
	fmt.Fprintln(out)
}

// choice writes a command that ends in one of several names, a|b|c, and breaks
// it after a bar where it gets too wide.
func choice(command string, names []string) string {
	var b strings.Builder
	b.WriteString(command)
	width := utf8.RuneCountInString(command)
	for i, n := range names {
		if i < len(names)-1 {
			n += "|"
		}
		if width+len(n) > report.Width {
			b.WriteString("\n      ")
			width = 6
		}
		b.WriteString(n)
		width += len(n)
	}
	return b.String()
}

// noFix is what to say where a product has no text for a control: what to do
// instead, or that only the text is missing, which says nothing of the product.
func noFix(control, name string) string {
	say, ok := product.Instead(control, name)
	if ok {
		say = "There is nothing to set in " + name + ". " + say
	} else {
		say = "There is no text for " + name + " yet. What is said above holds there, too."
	}
	if others := product.For(control); len(others) > 0 {
		say += " There is one for " + strings.Join(others, ", ") + "."
	}
	return say
}
