// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/regproof/regproof/credential"
	"github.com/regproof/regproof/evidence"
	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/lab"
	"github.com/regproof/regproof/login"
	"github.com/regproof/regproof/policy"
	"github.com/regproof/regproof/probe"
	"github.com/regproof/regproof/report"
	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// demoImage is the private image of the demo.
const demoImage, demoTag = "team-a/app", "1.4"

// demoDoor is one way into the demo's registry, and the probes that must fail
// there: none for a sound one.
type demoDoor struct {
	what  string
	weak  []string
	fails []string
	door  *lab.Door
}

func demoCommand() *cobra.Command {
	var keep bool
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "See a registry that looks private, and the ways in that are not",
		Long: "Start a real registry on this machine, sound by itself, with two more ways in\n" +
			"that leak; check them all; and show what a user sees. No network, nothing left\n" +
			"behind.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return demo(cmd, keep) },
	}
	cmd.Flags().BoolVar(&keep, "keep", false, "keep the registry until interrupted, to try the curl lines")
	return cmd
}

func demo(cmd *cobra.Command, keep bool) error {
	out := cmd.OutOrStdout()
	l, err := lab.Open(cmd.Context(), lab.Options{})
	if err != nil {
		return err
	}
	defer l.Close()
	doors := []*demoDoor{
		{what: "the registry, which asks for a password"},
		{what: "a mirror that guards manifests only", weak: []string{"blobs-open"}, fails: []string{"anonymous/layer", "anonymous/config"}},
		{what: "a proxy whose rule knows tags, not digests", weak: []string{"digest-open"}, fails: []string{"anonymous/manifest-by-digest"}},
	}
	fmt.Fprintln(out, "One registry with a private image, and three ways in:")
	for _, d := range doors {
		if d.door, err = l.Door(cmd.Context(), lab.DoorOptions{Weaknesses: d.weak}); err != nil {
			return err
		}
		fmt.Fprintf(out, "  %s  %s\n", d.door.URL(), d.what)
	}
	user, password := l.User()
	host := strings.TrimPrefix(doors[0].door.URL(), "http://")
	fmt.Fprintf(out, "\n$ regproof check %s/%s:%s --username %s \\\n    --password-stdin --endpoint %s \\\n    --endpoint %s\n\n", host, demoImage, demoTag, user, doors[1].door.URL(), doors[2].door.URL())

	r, closeAll, err := demoCheck(cmd, doors, user, password)
	if err != nil {
		return err
	}
	defer closeAll()
	if err := report.Text(out, r, report.TextOptions{Style: report.Style{Color: colored("auto", out)}}); err != nil {
		return err
	}
	if err := asPromised(r, doors); err != nil {
		return exitError{report.Unproven, "the demo did not show what it promises: " + err.Error()}
	}
	fmt.Fprintf(out, "\nThe settings of all three say \"private\". What to run next:\n  regproof explain anonymous/layer\n  regproof check YOUR-REGISTRY/TEAM/APP:TAG\n")
	return demoWait(cmd, keep, password, host)
}

// demoWait keeps the registry up for the curl lines.
func demoWait(cmd *cobra.Command, keep bool, password, host string) error {
	interactive := !keep && terminal(cmd.OutOrStdout()) && term.IsTerminal(int(os.Stdin.Fd()))
	if !keep && !interactive {
		fmt.Fprintln(cmd.OutOrStdout(), "The demo showed what it promises (exit 0). With --keep its registry stays, and\nthe curl lines work.")
		return nil
	}
	fmt.Fprintf(cmd.OutOrStdout(), "\nThe registry is still there: the curl lines above work.\nIts password is %s (curl -u ci:%s http://%s/v2/).\n", password, password, host)
	if keep {
		fmt.Fprintln(cmd.ErrOrStderr(), "Ctrl-C ends it.")
		<-cmd.Context().Done()
		return nil
	}
	fmt.Fprintln(cmd.ErrOrStderr(), "Enter ends it.")
	entered := make(chan struct{})
	go func() {
		_, _ = bufio.NewReader(cmd.InOrStdin()).ReadString('\n')
		close(entered)
	}()
	select {
	case <-entered:
	case <-cmd.Context().Done():
	}
	return nil
}

// demoCheck is check, on the doors of the demo.
func demoCheck(cmd *cobra.Command, doors []*demoDoor, user, password string) (*report.Report, func(), error) {
	target := probe.Target{Name: "demo"}
	id := probe.Identity{Identity: login.Identity{Name: user}}
	id.Secret.Credential = credential.Credential{Username: user, Password: credential.NewSecret(password)}
	for _, d := range doors {
		u, err := url.Parse(d.door.URL())
		if err != nil {
			return nil, nil, err
		}
		target.Endpoints = append(target.Endpoints, probe.Endpoint{URL: u})
		o, err := credential.ParseOrigin(d.door.URL())
		if err != nil {
			return nil, nil, err
		}
		id.Secret.Origins = append(id.Secret.Origins, o)
	}
	recorder, err := evidence.NewRecorder()
	if err != nil {
		return nil, nil, err
	}
	spool, err := report.NewSpool()
	if err != nil {
		_ = recorder.Close()
		return nil, nil, err
	}
	closeAll := func() { _ = recorder.Close(); spool.Close() }
	opts := probe.Options{
		ID: runID(), Version: version, Targets: []probe.Target{target}, Identities: []probe.Identity{id}, Policy: policy.Policy{},
		Images: []probe.ImageRef{{Registry: "demo", Repository: demoImage, Reference: demoTag}},
		Probes: allProbes(), MaxRequests: 20_000, MaxDenied: 600, Recorder: recorder,
	}
	ctx, cancel := context.WithTimeout(cmd.Context(), time.Minute)
	defer cancel()
	started := time.Now()
	summary, err := probe.Run(ctx, opts, spool)
	if err != nil {
		closeAll()
		return nil, nil, err
	}
	return &report.Report{
		Run:     report.Run{ID: opts.ID, Version: version, Mode: modes(opts), Started: started, Finished: time.Now(), Requests: recorder.Sent()},
		Exit:    spool.Judge(finding.High, cmd.Context().Err() != nil, "", recorder.Sent(), true),
		Summary: spool.Summary(), Controls: spool.Controls(), Doors: summary.Doors, Spool: spool, Recorder: recorder, Probe: findProbe,
	}, closeAll, nil
}

// asPromised holds the report to what the demo says: the sound door is proven,
// the others leak.
func asPromised(r *report.Report, doors []*demoDoor) error {
	got := map[string]finding.Outcome{}
	for f := range r.Spool.Findings() {
		got[f.Endpoint+" "+f.Probe] = f.Outcome
	}
	var problems []error
	for _, d := range doors {
		for _, id := range d.fails {
			if o := got[d.door.URL()+" "+id]; o != finding.Fail {
				problems = append(problems, fmt.Errorf("%s is %s at %s", id, o, d.door.URL()))
			}
		}
		for _, id := range []string{"anonymous/manifest-by-tag", "anonymous/manifest-by-digest", "anonymous/layer"} {
			if o := got[d.door.URL()+" "+id]; len(d.fails) == 0 && o != finding.Pass {
				problems = append(problems, fmt.Errorf("%s is %s at %s", id, o, d.door.URL()))
			}
		}
	}
	return errors.Join(problems...)
}
