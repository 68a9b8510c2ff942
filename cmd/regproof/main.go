// SPDX-License-Identifier: Apache-2.0

// Command regproof proves that the controls of container registries hold at
// the API layer. Each file here is one command; what it does is in the
// packages below.
//
// Rules of the command line: stdout carries the result and nothing else;
// progress, hints and errors go to stderr. An error is one sentence in lower
// case that says where, what was expected and what to do. A flag that does
// nothing does not exist. Exit codes: 0 nothing at or above the bar, 1
// findings, 2 usage or configuration, 3 could not prove, 130 interrupted.
package main

import (
	"context"
	"errors"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/regproof/regproof/report"
	"github.com/spf13/cobra"
)

func main() {
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// run is main without a process around it. The first interrupt ends the run in
// order, the second at once.
func run(args []string, in io.Reader, out, errOut io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)
	root := command()
	root.SetArgs(args)
	root.SetIn(in)
	root.SetOut(out)
	root.SetErr(errOut)
	err := root.ExecuteContext(ctx)
	var exit exitError
	switch {
	case err == nil:
		return report.OK
	case errors.As(err, &exit):
		if exit.message != "" {
			tell(errOut, exit.message)
		}
		return exit.code
	}
	tell(errOut, "regproof: "+strings.TrimSpace(err.Error()))
	return report.Usage
}

// exitError ends the process with a code. An empty message was already told.
type exitError struct {
	code    int
	message string
}

func (e exitError) Error() string { return e.message }

func command() *cobra.Command {
	root := &cobra.Command{
		Use:           "regproof",
		Short:         "Is your registry really private? Ask the API",
		Long:          "regproof proves that the security controls of container registries hold at the\nAPI layer. It is read-only by default, sends no telemetry, and credentials never\nleave their origin.",
		SilenceUsage:  true,
		SilenceErrors: true,
		Example:       "  regproof check registry.corp.example/team/app:1.4\n  regproof demo",
	}
	root.SetUsageTemplate(strings.ReplaceAll(root.UsageTemplate(), "Flags.FlagUsages ", "Flags.FlagUsagesWrapped 80 "))
	root.SetFlagErrorFunc(flagError)
	root.CompletionOptions.HiddenDefaultCmd = false
	root.AddCommand(checkCommand(), explainCommand(), probesCommand(), doctorCommand(), demoCommand(), labCommand(), sandboxCommand(), versionCommand(), manCommand())
	return root
}
