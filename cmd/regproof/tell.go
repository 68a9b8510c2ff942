// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/regproof/regproof/lab"
	"github.com/regproof/regproof/report"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// tell writes an error or a hint, folded where a person reads it. A file or a
// program gets every line whole, to search in.
func tell(w io.Writer, message string) {
	if terminal(w) {
		foldErrors(w, message)
		return
	}
	fmt.Fprintln(w, message)
}

// foldErrors writes a message a line at a time. A line that is too wide is
// folded at its blanks, but for one that begins with some: it is an example, or
// a place in a file. A word is never cut: it may be an address to copy.
func foldErrors(w io.Writer, message string) {
	for line := range strings.SplitSeq(message, "\n") {
		if utf8.RuneCountInString(line) <= report.Width || strings.HasPrefix(line, " ") {
			fmt.Fprintln(w, line)
			continue
		}
		out, width := "", 0
		for i, word := range strings.Split(line, " ") {
			n := utf8.RuneCountInString(word)
			switch {
			case i == 0:
				out, width = word, n
			case width+1+n > report.Width:
				out, width = out+"\n  "+word, 2+n
			default:
				out, width = out+" "+word, width+1+n
			}
		}
		fmt.Fprintln(w, out)
	}
}

// mean is a hint at the name that was most likely meant, "" for none.
func mean(name string) string {
	if name == "" {
		return ""
	}
	return fmt.Sprintf(", did you mean %q?", name)
}

// closest is the name that a misspelling most likely meant: fewer edits than
// at, and the first of those with the fewest.
func closest(s string, names []string, at int) (best string) {
	for _, n := range names {
		if d := distance(s, n); d < at {
			best, at = n, d
		}
	}
	return best
}

// checkWeaknesses is an error for a name that the lab does not know.
func checkWeaknesses(names []string) error {
	known := map[string]bool{}
	var all []string
	for _, w := range lab.Weaknesses() {
		known[w.Name] = true
		all = append(all, w.Name)
	}
	for _, n := range names {
		if !known[n] {
			return fmt.Errorf("no weakness is called %q%s (regproof lab ls lists them)", n, mean(closest(n, all, 4)))
		}
	}
	return nil
}

// flagError adds to an unknown flag the one that was most likely meant: the
// only one that begins so, else the nearest.
func flagError(cmd *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	if !errors.As(err, &unknown) || unknown.GetSpecifiedShortnames() != "" {
		return err
	}
	name := unknown.GetSpecifiedName()
	var all, begin []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if f.Hidden {
			return
		}
		all = append(all, f.Name)
		if strings.HasPrefix(f.Name, name) {
			begin = append(begin, f.Name)
		}
	})
	near := closest(name, all, min(4, 1+len(name)/3))
	if len(begin) == 1 {
		near = begin[0]
	}
	if near == "" {
		return fmt.Errorf("%w (%s --help lists the flags)", err, cmd.CommandPath())
	}
	return fmt.Errorf("%w%s", err, mean("--"+near))
}
