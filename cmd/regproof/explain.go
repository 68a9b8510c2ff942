// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/regproof/regproof/control"
	"github.com/regproof/regproof/probe"
	"github.com/regproof/regproof/product"
	"github.com/regproof/regproof/report"
	"github.com/spf13/cobra"
)

func explainCommand() *cobra.Command {
	var name string
	cmd := &cobra.Command{
		Use:   "explain [PROBE]",
		Short: "Say what a probe does, why it matters and how to fix what it finds",
		Long: "Say what a probe does, why it matters and how to fix what it finds. With\n" +
			"--product, the fix is shown as configuration of that registry or front:\n" +
			report.Fold(strings.Join(product.Names(), ", ")+".", ""),
		Example: "  regproof explain anonymous/layer --product nginx",
		Args:    cobra.MaximumNArgs(1),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			var ids []string
			for _, p := range allProbes() {
				ids = append(ids, p.ID+"\t"+p.Title)
			}
			return ids, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if cmd.Flags().Changed("product") {
				if err := checkProduct(name); err != nil {
					return err
				}
			}
			if len(args) == 0 {
				listExplained(cmd.OutOrStdout(), name)
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
					explain(cmd.OutOrStdout(), p, name)
				}
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&name, "product", "", "show the fix as configuration of this registry or front")
	_ = cmd.RegisterFlagCompletionFunc("product", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return product.Names(), cobra.ShellCompDirectiveNoFileComp
	})
	return cmd
}

// listExplained lists the probes, or those whose fix a product has.
func listExplained(out io.Writer, name string) {
	for _, p := range allProbes() {
		if name == "" {
			fmt.Fprintf(out, "regproof explain %s\n", p.ID)
		} else if _, ok := product.Fix(p.Control, name); ok {
			fmt.Fprintf(out, "regproof explain %s --product %s\n", p.ID, name)
		}
	}
}

// explain prints a probe. A product's name adds the fix as its configuration.
func explain(out io.Writer, p probe.Probe, name string) {
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
	section("Passes when", passes(p))
	section("Fix", p.Fix)
	if name != "" {
		fixFor(out, p, name)
	}
	section("No finding when", p.NotWhen)
	if f := p.Effect.Flag(); f != "" {
		section("Effect on the registry", fmt.Sprintf("%s: it runs only with %s.", p.Effect, f))
	}
	if p.Option != "" {
		section("Runs with", p.Option)
	}
	c, _ := control.Get(p.Control)
	section("Asked for by", report.Clauses(c.Clauses))
	if products := product.For(p.Control); name == "" && len(products) > 0 {
		fmt.Fprintf(out, "The fix as configuration\n%s\n", choice("  regproof explain "+p.ID+" --product ", products))
	}
}

// measured are the probes of tokens whose pass is no denial.
var measured = []string{"token/lifetime", "token/user-existence", "token/user-timing", "token/throttling"}

// passes says what a pass of a probe rests on.
func passes(p probe.Probe) string {
	const never = " What proves nothing is unknown, never a pass."
	switch family, _, _ := strings.Cut(p.ID, "/"); {
	case family == "exposure":
		return "It is not served to strangers from this vantage, or is as it should be. A page that every path gets is no answer." + never
	case family == "ingress" && len(p.Needs) == 0:
		return "Every way to ask is answered without the content, somebody who may read the image got it in the same run, and the plain request was denied. An odd way may be answered with any status." + never
	case family == "transport" && p.Per == probe.Registry:
		return "Every address of the endpoint was tried, and none of the failures above was seen." + never
	case family == "transport":
		return "Every answer is a denial (400, 401, 403, 495, 496, a refused handshake) and somebody who may read the image got it with a certificate in the same run." + never
	case family == "immutability":
		return "What must be refused was refused, or had changed nothing when it was read back, and a plain push worked beside it." + never
	case family == "authz":
		return "Every answer is a denial (401, 403, 404), the identity was let in at the registry in the same run where a made-up user is not, and somebody who has the right was served." + never
	case slices.Contains(measured, p.ID):
		return "It was tried to the end, and none of the failures above was seen." + never
	case p.ID == "cache/upstream-realm":
		return "The cache showed its credential to the host of its upstream, and none came to the other host." + never
	case family == "cache":
		return "The answers here are those of the registry: a stranger is denied also after the entitled were served, a tag is the same as at the primary endpoint." + never
	}
	return "Every answer is a denial (401, 403, 404, a login page, a refused token) and somebody who may read the image got it in the same run." + never
}
