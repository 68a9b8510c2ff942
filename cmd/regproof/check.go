// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/regproof/regproof/evidence"
	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/oci"
	"github.com/regproof/regproof/probe"
	"github.com/regproof/regproof/report"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// checkFlags are the options of check, as they were typed.
type checkFlags struct {
	file     string
	quick    quickFlags
	output   outputFlags
	failOn   string
	only     []string
	skip     []string
	active   bool
	prime    bool
	discover bool
	defaults bool
	insecure bool
	slow     bool
	wrong    bool
	throttle bool
	sandbox  string
	imports  []string
	plan     bool
	timeout  time.Duration
	rate     float64
	width    int
	sample   int
	evidence string
}

func checkCommand() *cobra.Command {
	var f checkFlags
	cmd := &cobra.Command{
		Use:   "check [HOST[:PORT][/REPO[:TAG|@DIGEST]]]",
		Short: "Prove that the controls of a registry hold",
		Long: "Prove that the controls of a registry hold at the API layer.\n\n" +
			"check HOST/REPO:TAG proves that no stranger reaches an image that is meant to be\n" +
			"private; check HOST looks at the listings of a registry and proves retrieval on\n" +
			"what it finds; check -f FILE does what a configuration file says.\n" +
			"docs/configuration.md, in the source of regproof, describes the file.\n\n" +
			"The credentials of docker or podman for the host are used to show that there is\n" +
			"something to be denied. Without any, a leak is still found, but nothing can be\n" +
			"proven private (exit 3).\n\n" +
			"Exit codes: 0 nothing at or above --fail-on, 1 findings, 2 usage, 3 could not\n" +
			"prove, 130 interrupted.",
		Args:    cobra.MaximumNArgs(1),
		Example: "  regproof check registry.corp.example/team/app:1.4\n  regproof check -f regproof.yaml -o text -o json=report.json",
		RunE: func(cmd *cobra.Command, args []string) error {
			return check(cmd, f, args)
		},
	}
	fl := cmd.Flags()
	fl.StringVarP(&f.file, "file", "f", "", "configuration file")
	f.quick.add(fl)
	f.output.add(fl)
	fl.StringVar(&f.failOn, "fail-on", "high", "exit 1 at this severity and above: none, low, medium, high, critical")
	fl.StringSliceVar(&f.only, "only", nil, "run only these probes: id, glob, control or clause; they become required")
	fl.StringSliceVar(&f.skip, "skip", nil, "leave these probes out: id, glob, control or clause")
	fl.BoolVar(&f.active, "active", false, "also start uploads, cancelled at once, in configured repositories")
	fl.BoolVar(&f.prime, "prime-caches", false, "let the entitled read images of the sandbox through doors that look like\ncaches")
	fl.BoolVar(&f.discover, "discover", false, "look for doors that are not configured: usual ports, other names; they get\nplain, anonymous requests alone")
	fl.StringSliceVar(&f.imports, "import", nil, "also check the doors that clients on this machine use: containerd, podman,\ndocker; repeatable")
	fl.BoolVar(&f.defaults, "try-default-credentials", false, "try the vendor's default password once, if the product is recognised")
	fl.StringVar(&f.sandbox, "write-sandbox", "", "also write to this repository, which is for nothing else; what is written is\nremoved again (regproof sandbox clean, after a crash)")
	fl.BoolVar(&f.slow, "slow", false, "also wait: for tokens to expire, for a revocation to count; give the run the\ntime for it, with --timeout")
	fl.BoolVar(&f.wrong, "try-wrong-password", false, "log in once as each configured user with a wrong password, and some 400 times\nas check.decoy, a user that nobody needs")
	fl.BoolVar(&f.throttle, "try-throttling", false, "guess 20 passwords of a user that does not exist, to see whether that is\nslowed down; this client may be banned for a while")
	fl.BoolVar(&f.insecure, "insecure", false, "go on where a certificate does not verify, and send credentials there too;\ntransport/certificate still fails")
	fl.BoolVar(&f.plan, "plan", false, "print what would be asked, and send nothing")
	fl.DurationVar(&f.timeout, "timeout", 5*time.Minute, "for the whole run")
	fl.Float64Var(&f.rate, "rate", 0, "requests a second at most; 0 adapts to the registry")
	fl.IntVar(&f.width, "concurrent", 0, "requests under way at once (default 32)")
	fl.IntVar(&f.sample, "sample", 20, "repositories of a listing to prove retrieval on (check HOST)")
	fl.StringVar(&f.evidence, "evidence", "cited", "exchanges that the JSON report carries: cited, all")
	return cmd
}

func check(cmd *cobra.Command, f checkFlags, args []string) error {
	bar, err := severity(f.failOn)
	if err != nil {
		return err
	}
	if f.evidence != "cited" && f.evidence != "all" {
		return fmt.Errorf("--evidence %q: expected cited or all", f.evidence)
	}
	if f.timeout <= 0 || f.sample < 0 {
		return errors.New("--timeout is more than 0, --sample 0 or more")
	}
	if f.plan && len(f.output.formats) > 0 {
		return errors.New("--plan is text alone: leave -o out")
	}
	if cmd.Flags().Changed("concurrent") && f.width < 1 {
		return errors.New("--concurrent is 1 to 256")
	}
	outputs, err := f.output.parse()
	if err != nil {
		return err
	}
	s, err := f.setup(cmd, args)
	if err != nil {
		return err
	}
	if f.insecure && s.loggedIn && !f.plan {
		tell(cmd.ErrOrStderr(), "regproof: --insecure: credentials are sent to servers whose certificate does not verify, whoever they are")
	}
	if f.plan {
		return printPlan(cmd.Context(), cmd.OutOrStdout(), s.opts)
	}
	return prove(cmd, f, s, bar, outputs)
}

// setup reads what to check, from a name or from a file, and lays the flags
// over it.
func (f checkFlags) setup(cmd *cobra.Command, args []string) (*setup, error) {
	var s *setup
	var err error
	switch {
	case f.file != "" && len(args) > 0:
		return nil, errors.New("either a name or -f FILE, not both")
	case f.file != "":
		if name := f.quick.used(cmd.Flags()); name != "" {
			return nil, fmt.Errorf("--%s goes with a name; with -f it stands in the file", name)
		}
		s, err = fromFile(cmd.Context(), f.file)
	case len(args) == 1:
		s, err = f.quick.setup(cmd, args[0], !f.plan)
	default:
		return nil, errors.New("nothing to check: name an image (regproof check HOST/REPO:TAG), a registry (regproof check HOST), or -f FILE")
	}
	if err != nil {
		return nil, err
	}
	o := &s.opts
	o.ID, o.Version = runID(), version
	o.Probes = allProbes()
	o.Sample = f.sample
	if f.active {
		o.Effects = append(o.Effects, probe.CancelledWrite)
	}
	if f.defaults {
		o.Effects = append(o.Effects, probe.DefaultCredentials)
	}
	if f.wrong {
		o.Effects = append(o.Effects, probe.WrongPassword)
	}
	if f.throttle {
		o.Effects = append(o.Effects, probe.ManyPasswords)
	}
	if err := f.writes(s); err != nil {
		return nil, err
	}
	o.Discover, o.Slow = f.discover, f.slow
	if err := s.importDoors(cmd.Context(), f.imports, !f.plan); err != nil {
		return nil, err
	}
	if f.prime {
		if !hasSandbox(o.Images, o.Sandbox) {
			return nil, fmt.Errorf("--prime-caches reads images of the sandbox alone, and none is named: name one in %s/, or set check.sandbox in the file", o.Sandbox)
		}
		o.Effects = append(o.Effects, probe.PrimesCache)
	}
	for i := range o.Targets {
		o.Targets[i].Trust.Insecure = f.insecure
		if f.rate < 0 || f.width < 0 || f.width > 256 {
			return nil, errors.New("--rate is 0 or more, --concurrent 1 to 256")
		}
		if f.rate > 0 {
			o.Targets[i].PerSecond = f.rate
		}
		if f.width > 0 {
			o.Targets[i].Concurrent = f.width
		}
	}
	return s, f.choose(s)
}

// writes lets the run write to the sandbox, which is named by both the user and
// the file, if that names one.
func (f checkFlags) writes(s *setup) error {
	if f.sandbox == "" {
		return nil
	}
	o := &s.opts
	if s.sandboxNamed && f.sandbox != o.Sandbox {
		return fmt.Errorf("--write-sandbox %s is not the sandbox that the file names (check.sandbox: %s)", f.sandbox, o.Sandbox)
	}
	if err := oci.CheckRepository(f.sandbox); err != nil {
		return fmt.Errorf("--write-sandbox: %w", err)
	}
	for _, i := range o.Images {
		if i.Repository == f.sandbox {
			return fmt.Errorf("--write-sandbox %s is the repository of a configured image: the sandbox is for nothing else", f.sandbox)
		}
	}
	o.Sandbox = f.sandbox
	o.Effects = append(o.Effects, probe.SandboxWrite)
	return nil
}

// hasSandbox says whether one of the images lies in the sandbox.
func hasSandbox(images []probe.ImageRef, sandbox string) bool {
	return slices.ContainsFunc(images, func(i probe.ImageRef) bool {
		return i.Repository == sandbox || strings.HasPrefix(i.Repository, sandbox+"/")
	})
}

// choose applies --only, --skip and check.require.
func (f checkFlags) choose(s *setup) error {
	set := func(patterns []string) (map[string]bool, error) {
		out := map[string]bool{}
		for _, p := range patterns {
			ids, err := matchProbes(p)
			if err != nil {
				return nil, err
			}
			for id := range ids {
				out[id] = true
			}
		}
		return out, nil
	}
	only, err := set(f.only)
	if err != nil {
		return fmt.Errorf("--only: %w", err)
	}
	skip, err := set(f.skip)
	if err != nil {
		return fmt.Errorf("--skip: %w", err)
	}
	require, err := set(s.require)
	if err != nil {
		return fmt.Errorf("check.require: %w", err)
	}
	s.opts.Selected = func(p probe.Probe) bool { return len(only) == 0 || only[p.ID] }
	s.opts.Skipped = func(p probe.Probe) bool { return skip[p.ID] }
	s.opts.Require = func(p probe.Probe) bool { return require[p.ID] || (only[p.ID] && !skip[p.ID]) }
	return nil
}

// prove runs the probes and writes the reports.
func prove(cmd *cobra.Command, f checkFlags, s *setup, bar finding.Severity, outputs []output) error {
	recorder, err := evidence.NewRecorder()
	if err != nil {
		return err
	}
	defer recorder.Close()
	spool, err := report.NewSpool()
	if err != nil {
		return err
	}
	defer spool.Close()
	s.opts.Recorder = recorder

	end, err := s.journal()
	if err != nil {
		return err
	}
	defer end()

	ctx, cancel := context.WithTimeout(cmd.Context(), f.timeout)
	defer cancel()
	if up := s.opts.Upstream; up != nil {
		if err := up.Open(ctx); err != nil {
			return err
		}
		defer func() { _ = up.Close() }()
	}
	show := newProgress(cmd.ErrOrStderr(), f.output.quiet)
	s.opts.Progress = show.update
	started := time.Now()
	summary, err := probe.Run(ctx, s.opts, spool)
	show.stop()
	if errors.Is(err, probe.ErrNoTag) {
		for _, d := range summary.Doors {
			if d.Problem != "" {
				return exitError{report.Unproven, fmt.Sprintf("regproof: %s: %s", d.Endpoint, d.Problem)}
			}
		}
		return fmt.Errorf("%w: name one, like %s:1.4", err, s.name)
	}
	if err != nil {
		return err
	}
	if err := recorder.Err(); err != nil {
		return exitError{report.Unproven, "regproof: " + err.Error()}
	}
	problem := s.problem
	if summary.Interrupted && cmd.Context().Err() == nil {
		problem = fmt.Sprintf("the time was up after %s (--timeout)", f.timeout)
	}
	for _, d := range summary.Doors {
		if d.Problem != "" && problem == "" {
			problem = d.Endpoint + ": " + d.Problem
		}
	}
	if len(summary.Refused) > 0 && problem == "" {
		problem = strings.Join(summary.Refused, "; ")
	}
	host, _ := os.Hostname()
	r := &report.Report{
		Run: report.Run{
			ID: s.opts.ID, Version: version, Command: commandLine(cmd, f, s), ConfigSHA256: s.sha256, Host: host, Vantage: report.Vantage{Sources: summary.Sources},
			Mode: modes(s.opts), Started: started.UTC(), Finished: time.Now().UTC(), Requests: recorder.Sent(),
		},
		Exit:    spool.Judge(bar, cmd.Context().Err() != nil, problem, recorder.Sent(), s.loggedIn),
		Summary: spool.Summary(), Controls: spool.Controls(), Doors: summary.Doors, Notes: append(s.notes, summary.Notes...),
		Spool: spool, Recorder: recorder, AllEvidence: f.evidence == "all", CAFile: s.caFile, Probe: findProbe,
	}
	if err := write(cmd, r, outputs, f.output); err != nil {
		return err
	}
	return exitError{code: r.Exit.Code}
}

func modes(o probe.Options) []string {
	out := []string{string(probe.Read)}
	for _, e := range o.Effects {
		out = append(out, string(e))
	}
	return out
}

// commandLine tells what was run, without anything that could be secret.
func commandLine(cmd *cobra.Command, f checkFlags, s *setup) string {
	parts := []string{cmd.CommandPath()}
	if f.file != "" {
		parts = append(parts, "-f "+f.file)
	}
	if s.name != "" {
		parts = append(parts, s.name)
	}
	cmd.Flags().Visit(func(fl *pflag.Flag) {
		switch fl.Name {
		case "only", "skip", "endpoint", "resolve", "fail-on", "active", "prime-caches", "discover", "import", "try-default-credentials", "try-wrong-password", "try-throttling", "write-sandbox", "slow", "insecure", "plain-http", "sample", "username":
			parts = append(parts, "--"+fl.Name+" "+strings.Trim(fl.Value.String(), "[]"))
		}
	})
	return strings.Join(parts, " ")
}

func severity(s string) (finding.Severity, error) {
	switch sev := finding.Severity(s); sev {
	case finding.None, finding.Low, finding.Medium, finding.High, finding.Critical:
		return sev, nil
	}
	return "", fmt.Errorf("%q is no severity: expected none, low, medium, high or critical", s)
}
