// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/regproof/regproof/evidence"
	"github.com/regproof/regproof/probe"
	"github.com/regproof/regproof/report"
	"github.com/spf13/cobra"
)

func doctorCommand() *cobra.Command {
	var f checkFlags
	cmd := &cobra.Command{
		Use:   "doctor [HOST[:PORT][/REPO[:TAG]]]",
		Short: "Say whether a check could work: names, TLS, the API, credentials",
		Long: "Say whether a check could work: addresses, TLS, the API, the clock, which\n" +
			"credentials file and entry won, and whether that credential is let in where a\n" +
			"made-up one is not. Exit 3 when an endpoint or an identity cannot be used.",
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			s, err := f.setup(cmd, args)
			if err != nil {
				return err
			}
			return doctor(cmd, s)
		},
	}
	cmd.Flags().StringVarP(&f.file, "file", "f", "", "configuration file")
	f.quick.add(cmd.Flags())
	return cmd
}

func doctor(cmd *cobra.Command, s *setup) error {
	recorder, err := evidence.NewRecorder()
	if err != nil {
		return err
	}
	defer recorder.Close()
	s.opts.Recorder = recorder
	s.opts.RequestTimeout = 10 * time.Second
	ctx, cancel := context.WithTimeout(cmd.Context(), time.Minute)
	defer cancel()
	broken := 0
	for _, sign := range probe.Examine(ctx, s.opts) {
		if sign.Level == probe.Broken {
			broken++
		}
		lines := strings.Split(report.Fold(evidence.Printable(sign.Text, 2000), strings.Repeat(" ", 16)), "\n")
		lines[0] = fmt.Sprintf("%-4s  %-9s %s", sign.Level, evidence.Printable(sign.Subject, 40), strings.TrimSpace(lines[0]))
		fmt.Fprintln(cmd.OutOrStdout(), strings.Join(lines, "\n"))
	}
	if !s.loggedIn {
		fmt.Fprintln(cmd.OutOrStdout(), "note  login     there is no credential for this registry: leaks are found, but\n                nothing can be proven private (log in, or pass --username)")
	}
	if broken > 0 {
		return exitError{report.Unproven, fmt.Sprintf("exit 3: %d of these would keep a check from proving anything", broken)}
	}
	return nil
}
