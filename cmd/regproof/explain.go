// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/regproof/regproof/control"
	"github.com/regproof/regproof/probe"
	"github.com/regproof/regproof/report"
	"github.com/spf13/cobra"
)

func explainCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "explain [PROBE]",
		Short: "Say what a probe does, why it matters and how to fix what it finds",
		Args:  cobra.MaximumNArgs(1),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			var ids []string
			for _, p := range allProbes() {
				ids = append(ids, p.ID+"\t"+p.Title)
			}
			return ids, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				for _, p := range allProbes() {
					fmt.Fprintf(cmd.OutOrStdout(), "regproof explain %s\n", p.ID)
				}
				return nil
			}
			ids, err := matchProbes(args[0])
			if err != nil {
				return err
			}
			first := true
			for _, p := range allProbes() {
				if ids[p.ID] {
					if !first {
						fmt.Fprintln(cmd.OutOrStdout())
					}
					first = false
					explain(cmd.OutOrStdout(), p)
				}
			}
			return nil
		},
	}
}

func explain(out io.Writer, p probe.Probe) {
	fmt.Fprintf(out, "%s  %s\n%s\n\n", p.ID, p.Severity, report.Fold(p.Title+".", "  "))
	section := func(name, text string) {
		if text != "" {
			fmt.Fprintf(out, "%s\n%s\n\n", name, report.Fold(text, "  "))
		}
	}
	section("Why", p.Why)
	fmt.Fprintln(out, "How it is tested")
	for i, h := range p.How {
		lines := strings.Split(report.Fold(h, "     "), "\n")
		lines[0] = fmt.Sprintf("  %d  %s", i+1, strings.TrimSpace(lines[0]))
		fmt.Fprintln(out, strings.Join(lines, "\n"))
	}
	fmt.Fprintln(out)
	section("Passes when", "Every answer is a denial (401, 403, 404, a login page, a refused token) and somebody who may read the image got it in the same run. What proves nothing is unknown, never a pass.")
	section("Fix", p.Fix)
	section("No finding when", p.NotWhen)
	if f := p.Effect.Flag(); f != "" {
		section("Effect on the registry", fmt.Sprintf("%s: it runs only with %s.", p.Effect, f))
	}
	c, _ := control.Get(p.Control)
	var clauses []string
	for _, cl := range c.Clauses {
		clauses = append(clauses, cl.Framework+" "+cl.ID)
	}
	section("Asked for by", strings.Join(clauses, ", "))
}
