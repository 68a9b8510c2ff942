// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/regproof/regproof/report"
	"github.com/spf13/cobra"
)

func probesCommand() *cobra.Command {
	var schema, controls bool
	cmd := &cobra.Command{
		Use:   "probes",
		Short: "List the probes",
		Long:  "List the probes with their severity and what they need. With --schema, print the\nJSON Schema of the report; with --controls, the catalogue of controls in Markdown.",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			out := cmd.OutOrStdout()
			switch {
			case schema && controls:
				return fmt.Errorf("--schema and --controls are two questions: pass one")
			case schema:
				_, err := out.Write(report.JSONSchema())
				return err
			case controls:
				return report.Controls(out, allProbes())
			}
			for _, p := range allProbes() {
				need := ""
				if f := cmp.Or(p.Effect.Flag(), p.Option); f != "" {
					need = fmt.Sprintf(" (%s)", f)
				}
				fmt.Fprintln(out, strings.TrimRight(fmt.Sprintf("%-30s %-9s%s", p.ID, p.Severity, need), " "))
				fmt.Fprintln(out, report.Fold(p.Title, "    "))
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&schema, "schema", false, "print the JSON Schema of the report")
	cmd.Flags().BoolVar(&controls, "controls", false, "print the catalogue of controls as Markdown")
	return cmd
}
