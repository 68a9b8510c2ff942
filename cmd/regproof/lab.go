// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/regproof/regproof/lab"
	"github.com/regproof/regproof/report"
	"github.com/spf13/cobra"
)

func labCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "lab",
		Short: "Run real registries with named weaknesses, on this machine alone",
		Args:  cobra.NoArgs,
	}
	cmd.AddCommand(labList(), labRun())
	return cmd
}

func labList() *cobra.Command {
	return &cobra.Command{
		Use:   "ls",
		Short: "List the weaknesses, and the sound registries beside them",
		Args:  cobra.NoArgs,
		Run: func(cmd *cobra.Command, _ []string) {
			for _, w := range lab.Weaknesses() {
				twin := ""
				if w.Twin != "" {
					twin = "  (twin: " + w.Twin + ")"
				}
				fmt.Fprintf(cmd.OutOrStdout(), "%-11s %s%s\n%s\n", w.Kind, w.Name, twin, report.Fold(w.Title, "            "))
			}
		},
	}
}

func labRun() *cobra.Command {
	var auth string
	var tls bool
	cmd := &cobra.Command{
		Use:     "run [WEAKNESS...]",
		Short:   "Serve a registry with these weaknesses until interrupted",
		Example: "  regproof lab run blobs-open\n  regproof lab run --tls open-on-http2",
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			var names []string
			for _, w := range lab.Weaknesses() {
				names = append(names, w.Name+"\t"+w.Title)
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			o := lab.DoorOptions{Weaknesses: args, TLS: tls}
			switch auth {
			case "basic":
			case "token":
				o.Auth = lab.Token
			case "none":
				o.Auth = lab.None
			default:
				return fmt.Errorf("--auth %q: expected basic, token or none", auth)
			}
			return serveLab(cmd, o)
		},
	}
	cmd.Flags().StringVar(&auth, "auth", "basic", "how the registry authenticates: basic, token, none")
	cmd.Flags().BoolVar(&tls, "tls", false, "serve https and HTTP/2, with an authority made for the occasion")
	return cmd
}

func serveLab(cmd *cobra.Command, o lab.DoorOptions) error {
	l, err := lab.Open(cmd.Context(), lab.Options{})
	if err != nil {
		return err
	}
	defer l.Close()
	d, err := l.Door(cmd.Context(), o)
	if err != nil {
		return err
	}
	out := cmd.OutOrStdout()
	user, password := l.User()
	host := strings.TrimPrefix(strings.TrimPrefix(d.URL(), "https://"), "http://")
	flags := ""
	if strings.HasPrefix(d.URL(), "https:") {
		pem := d.CAPEM()
		f, err := os.CreateTemp("", "regproof-lab-ca-*.pem")
		if err != nil {
			return err
		}
		defer os.Remove(f.Name())
		if _, err := f.Write(pem); err != nil {
			return err
		}
		if err := f.Close(); err != nil {
			return err
		}
		flags = " --ca-file " + f.Name()
	}
	fmt.Fprintf(out, "registry  %s\nuser      %s, password %s\n", strings.Join(d.Addrs(), " "), user, password)
	private := ""
	for _, i := range l.Images() {
		public := ""
		if i.Public {
			public = " (public)"
		} else if private == "" {
			private = i.Reference()
		}
		fmt.Fprintf(out, "image     %s/%s%s\n", host, i.Reference(), public)
	}
	for _, at := range d.Addrs()[1:] {
		flags += " --endpoint " + strings.SplitAfter(d.URL(), "://")[0] + at
	}
	fmt.Fprintf(out, "try       echo %s | regproof check %s/%s%s \\\n            --username %s --password-stdin\n", password, host, private, flags, user)
	fmt.Fprintln(cmd.ErrOrStderr(), "serving until interrupted (Ctrl-C)")
	<-cmd.Context().Done()
	return nil
}
