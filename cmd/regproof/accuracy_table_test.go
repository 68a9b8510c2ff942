// SPDX-License-Identifier: Apache-2.0

package main_test

import (
	"fmt"
	"strings"
)

// accuracyTable shows the cases and what regproof said of them, for
// docs/accuracy.md.
func accuracyTable(cases []accuracyCase, results []accuracyResult) string {
	var b strings.Builder
	b.WriteString("# How well regproof sees the weaknesses of real software\n\n" +
		"Made by `make accuracy`. Every row starts software that nobody here wrote, twice: weak,\n" +
		"and sound, where the configuration differs in the weakness alone. `TestAccuracySetups`\n" +
		"shows without regproof that the weak half gives private content to a stranger who sends\n" +
		"one request, that the twin does not, and that both serve the entitled. The weakness is\n" +
		"an entry of the failure catalogue. Bold is what is not as expected.\n\n")
	b.WriteString("| weakness | software | set-up | expected | got | twin | cause, as regproof named it |\n|---|---|---|---|---|---|---|\n")
	var ran, weak, missed, accused, proven, other int
	for i, c := range cases {
		r := results[i]
		if !r.ran {
			row(&b, c.weakness, c.software, c.name+": "+c.setup, names(c.fails), "skipped", "", "")
			continue
		}
		ran++
		expected, got := "sound", ""
		if c.weak != nil {
			weak++
			expected, got = fmt.Sprintf("exit %d: %s", c.exit(), names(c.fails)), fmt.Sprintf("exit %d: %s", r.exit, names(r.got))
		}
		twin := fmt.Sprintf("%s: exit %d", c.sound, r.twinExit)
		if len(r.twin) > 0 {
			twin += ": " + names(r.twin)
		}
		switch {
		case r.missed:
			missed++
			got = "**" + got + "**"
		case len(r.problems) > 0 && !r.accused:
			other++
			got = strings.TrimSpace(got + " **" + r.problems[0] + "**")
		}
		if r.accused {
			accused++
			twin = "**" + twin + "**"
		}
		if r.twinExit == 0 && !r.accused {
			proven++
		}
		row(&b, c.weakness, c.software, c.name+": "+c.setup, expected, got, twin, r.cause)
	}
	fmt.Fprintf(&b, "\n%d of %d cases ran, %d of them with a weak half: %d missed, %d of the sound ones accused, %d of %d proven sound (exit 0), %d otherwise not as expected.\n",
		ran, len(cases), weak, missed, accused, proven, ran, other)
	return b.String()
}

func row(b *strings.Builder, cells ...string) {
	for i, cell := range cells {
		cells[i] = strings.NewReplacer("|", `\|`, "\n", " ").Replace(cell)
	}
	fmt.Fprintf(b, "| %s |\n", strings.Join(cells, " | "))
}

func names(probes []string) string { return strings.Join(probes, ", ") }
