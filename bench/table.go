// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// line is one measurement beside its goal. The zero Goal is none: the line only informs.
type line struct {
	Row      int
	What     string
	Measured float64
	Goal     float64
	AtLeast  bool   // more is better; else less is
	Unit     string // of both
	Note     string
}

type table struct{ lines []line }

func (t *table) add(l line) { t.lines = append(t.lines, l) }

// write renders the table in Markdown. The ratio is measured by goal.
func (t *table) write(w io.Writer) error {
	var b strings.Builder
	b.WriteString("| row | what | measured | goal | ratio | | notes |\n|---|---|--:|--:|--:|---|---|\n")
	for _, l := range t.lines {
		goal, ratio, met := "", "", ""
		if l.Goal != 0 {
			sign := "<="
			if l.AtLeast {
				sign = ">="
			}
			goal = sign + " " + number(l.Goal) + " " + l.Unit
			ratio = fmt.Sprintf("%.2f", l.Measured/l.Goal)
			met = "missed"
			if l.met() {
				met = "met"
			}
		}
		fmt.Fprintf(&b, "| %d | %s | %s | %s | %s | %s | %s |\n", l.Row, l.What, strings.TrimSpace(number(l.Measured)+" "+l.Unit), strings.TrimSpace(goal), ratio, met, l.Note)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (l line) met() bool {
	if l.AtLeast {
		return l.Measured >= l.Goal
	}
	return l.Measured <= l.Goal
}

// number shows three significant digits, and never an exponent.
func number(f float64) string {
	switch {
	case f >= 100 || f == float64(int(f)):
		return fmt.Sprintf("%.0f", f)
	case f >= 10:
		return fmt.Sprintf("%.1f", f)
	case f >= 1:
		return fmt.Sprintf("%.2f", f)
	}
	return fmt.Sprintf("%.3f", f)
}

// median of what of says of each; 0 of nothing.
func median[T any](list []T, of func(T) float64) float64 {
	var fs []float64
	for _, v := range list {
		fs = append(fs, of(v))
	}
	if len(fs) == 0 {
		return 0
	}
	slices.Sort(fs)
	if n := len(fs); n%2 == 0 {
		return (fs[n/2-1] + fs[n/2]) / 2
	}
	return fs[len(fs)/2]
}

func same(f float64) float64 { return f }

// spread shows the least and the most beside a median.
func spread[T any](list []T, of func(T) float64) string {
	var fs []float64
	for _, v := range list {
		fs = append(fs, of(v))
	}
	return fmt.Sprintf("%s to %s in %d runs", number(slices.Min(fs)), number(slices.Max(fs)), len(fs))
}
