// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/regproof/regproof/evidence"
	"github.com/regproof/regproof/probe"
	"github.com/regproof/regproof/report"
	"github.com/regproof/regproof/sandbox"
	"github.com/spf13/cobra"
)

// cleanTimeout bounds sandbox clean as a whole.
const cleanTimeout = 5 * time.Minute

// journal begins the journal of a run that may write. What it returns ends it.
func (s *setup) journal() (func(), error) {
	if !slices.Contains(s.opts.Effects, probe.SandboxWrite) {
		return func() {}, nil
	}
	dir, err := sandbox.Dir(os.Getenv, home())
	if err != nil {
		return nil, err
	}
	j := sandbox.New(dir, s.opts.ID, s.opts.Sandbox)
	s.opts.Journal = j
	return func() { _ = j.Close() }, nil // an error of it was a reason to make nothing more
}

func sandboxCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "sandbox",
		Short: "Look after what a check with --write-sandbox has made",
		Args:  cobra.NoArgs,
	}
	cmd.AddCommand(sandboxClean())
	return cmd
}

// cleaning is one call of sandbox clean.
type cleaning struct {
	file   string
	quick  quickFlags
	list   bool
	forget bool
}

func sandboxClean() *cobra.Command {
	var c cleaning
	cmd := &cobra.Command{
		Use:   "clean [HOST[:PORT]]",
		Short: "Remove what a check left behind that was killed",
		Long: "Remove what a check with --write-sandbox has made and could not remove, since it\n" +
			"was killed or the registry was down. A check writes down each object before it\n" +
			"makes it; these journals lie in $XDG_STATE_HOME/regproof/sandbox, or in\n" +
			"~/.local/state/regproof/sandbox. What they do not hold is never touched, and\n" +
			"nothing is outside of the sandbox.\n\n" +
			"Credentials are found as check finds them: those of docker or podman, the flags\n" +
			"below, or with -f the identities of a configuration file.\n\n" +
			"Exit codes: 0 nothing is left, 2 usage, 3 something could not be removed. What a\n" +
			"registry lets nobody remove stays written down for when deletes are allowed, or\n" +
			"until --forget.",
		Args:    cobra.MaximumNArgs(1),
		Example: "  regproof sandbox clean --list\n  regproof sandbox clean registry.corp.example\n  regproof sandbox clean -f regproof.yaml",
		RunE:    func(cmd *cobra.Command, args []string) error { return c.run(cmd, args) },
	}
	cmd.Flags().StringVarP(&c.file, "file", "f", "", "configuration file")
	cmd.Flags().BoolVar(&c.list, "list", false, "print what the journals hold, and send nothing")
	cmd.Flags().BoolVar(&c.forget, "forget", false, "drop the journal of what cannot be removed through the API")
	c.quick.add(cmd.Flags())
	return cmd
}

func (c cleaning) run(cmd *cobra.Command, args []string) error {
	flag := c.quick.used(cmd.Flags())
	switch {
	case c.file != "" && len(args) > 0:
		return errors.New("either a name or -f FILE, not both")
	case c.file != "" && flag != "":
		return fmt.Errorf("--%s goes with a name; with -f it stands in the file", flag)
	case c.list && (c.forget || c.file != "" || len(args) > 0 || flag != ""):
		return errors.New("--list goes alone: it prints every journal")
	}
	dir, err := sandbox.Dir(os.Getenv, home())
	if err != nil {
		return err
	}
	paths, err := sandbox.List(dir)
	if err != nil {
		return err
	}
	journals, broken := openJournals(cmd.ErrOrStderr(), paths)
	defer func() {
		for _, j := range journals {
			_ = j.Close() // what is left in it was told
		}
	}()
	if len(journals) == 0 && broken == 0 {
		fmt.Fprintf(cmd.OutOrStdout(), "nothing is left: there is no journal in %s\n", dir)
		return nil
	}
	if c.list {
		for _, j := range journals {
			printJournal(cmd.OutOrStdout(), j)
		}
		return exitError{code: brokenCode(broken)}
	}
	setups, err := c.setups(cmd, args, journals)
	if err != nil {
		return err
	}
	left := broken
	for _, j := range journals {
		left += c.clean(cmd, setups, j)
	}
	if left > 0 {
		return exitError{report.Unproven, "exit 3: something could not be removed"}
	}
	return nil
}

func brokenCode(n int) int {
	if n > 0 {
		return report.Unproven
	}
	return report.OK
}

// openJournals takes over what no run is writing any more. A journal that cannot
// be read is counted.
func openJournals(errOut io.Writer, paths []string) (journals []*sandbox.Journal, broken int) {
	for _, path := range paths {
		j, err := sandbox.Open(path)
		switch {
		case errors.Is(err, sandbox.ErrBusy):
			fmt.Fprintf(errOut, "regproof: %s: %v, so it is left alone\n", path, sandbox.ErrBusy)
		case err != nil:
			broken++
			fmt.Fprintf(errOut, "regproof: %s\n", evidence.Printable(err.Error(), 500))
		default:
			journals = append(journals, j)
		}
	}
	return journals, broken
}

func about(j *sandbox.Journal) string {
	if j.Head.Run == "" {
		return j.Path() + ", in which nothing was written down"
	}
	return fmt.Sprintf("run %s of %s, sandbox %s", evidence.Printable(j.Head.Run, 64), j.Head.Started.Format("2006-01-02 15:04"), j.Head.Sandbox)
}

func printJournal(out io.Writer, j *sandbox.Journal) {
	fmt.Fprintln(out, about(j))
	place, told := "", map[string]bool{}
	for _, e := range j.Left() {
		line := fmt.Sprintf("  at %s, made by %s", e.Endpoint, e.Identity)
		if line != place {
			place = line
			fmt.Fprintln(out, evidence.Printable(line, 2000))
		}
		line = "    " + e.String()
		if told[place+line] {
			continue // pushed more than once
		}
		told[place+line] = true
		if e.Kept != "" {
			line += " (not removed: " + e.Kept + ")"
		}
		fmt.Fprintln(out, evidence.Printable(line, 2000))
	}
}

// setups are the registries to clean, with who may do so there: one that was
// named, those of a file, or every host that a journal names.
func (c cleaning) setups(cmd *cobra.Command, args []string, journals []*sandbox.Journal) ([]*setup, error) {
	if c.file != "" {
		s, err := fromFile(cmd.Context(), c.file)
		return []*setup{s}, err
	}
	hosts := args
	if len(args) == 0 {
		hosts = hostsOf(journals)
		if flag := c.quick.used(cmd.Flags()); flag != "" && len(hosts) > 1 {
			return nil, fmt.Errorf("the journals name %s: say for which one --%s is", strings.Join(hosts, ", "), flag)
		}
	}
	var out []*setup
	for _, h := range hosts {
		if strings.Contains(h, "/") {
			return nil, fmt.Errorf("%q: name the registry alone, the journal knows the repository", h)
		}
		s, err := c.quick.setup(cmd, h, true)
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}

// hostsOf are the hosts of all that is left.
func hostsOf(journals []*sandbox.Journal) []string {
	var out []string
	for _, j := range journals {
		for _, e := range j.Left() {
			if u, err := url.Parse(e.Endpoint); err == nil && !slices.Contains(out, u.Host) {
				out = append(out, u.Host)
			}
		}
	}
	return out
}

// clean removes what one journal holds, tells what came of it, and returns how
// much is left of what it was asked to remove.
func (c cleaning) clean(cmd *cobra.Command, setups []*setup, j *sandbox.Journal) int {
	out := cmd.OutOrStdout()
	covered, other := divided(setups, j)
	for _, endpoint := range other {
		fmt.Fprintf(cmd.ErrOrStderr(), "regproof: something is still written down for %s: regproof sandbox clean %s\n", endpoint, asName(endpoint))
	}
	if covered == 0 && len(other) > 0 {
		return 0
	}
	fmt.Fprintln(out, about(j))
	ctx, cancel := context.WithTimeout(cmd.Context(), cleanTimeout)
	defer cancel()
	removed, final := 0, true
	for _, s := range setups {
		recorder, err := evidence.NewRecorder()
		if err != nil {
			fmt.Fprintf(cmd.ErrOrStderr(), "regproof: %v\n", err)
			return 1
		}
		s.opts.ID, s.opts.Version, s.opts.Recorder, s.opts.RequestTimeout = runID(), version, recorder, 10*time.Second
		got := probe.Clean(ctx, s.opts, j)
		_ = recorder.Close()
		removed += got.Removed
		for _, l := range got.Left {
			final = final && l.Final
			fmt.Fprintln(out, report.Fold(evidence.Printable(l.String(), 8000), "  "))
		}
	}
	fmt.Fprintf(out, "  %d are gone\n", removed)
	left, _ := divided(setups, j)
	if left > 0 && final && len(other) == 0 {
		fmt.Fprintln(out, report.Fold("Nobody can remove these through the API. Allow deletes there and clean again, or remove them where the registry runs and add --forget; an upload is purged by most registries in time.", "  "))
		if c.forget {
			if err := j.Forget(); err != nil {
				fmt.Fprintf(cmd.ErrOrStderr(), "regproof: %s\n", evidence.Printable(err.Error(), 500))
				return left
			}
			fmt.Fprintln(out, "  what is written down of them is dropped")
			return 0
		}
	}
	if left > 0 && c.forget {
		fmt.Fprintln(out, report.Fold("Nothing is dropped: it may still be removed, or the journal names other registries.", "  "))
	}
	return left
}

// divided counts what a journal holds of these registries, and names the endpoints
// of the rest.
func divided(setups []*setup, j *sandbox.Journal) (covered int, other []string) {
	for _, e := range j.Left() {
		if slices.ContainsFunc(setups, func(s *setup) bool { return probe.Covers(s.opts, e) }) {
			covered++
		} else if !slices.Contains(other, e.Endpoint) {
			other = append(other, e.Endpoint)
		}
	}
	return covered, other
}

// asName is how an endpoint is given to clean.
func asName(endpoint string) string {
	scheme, host, _ := strings.Cut(endpoint, "://")
	if scheme == "http" {
		return host + " --plain-http"
	}
	return host
}
