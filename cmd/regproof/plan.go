// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"
	"math"
	"slices"

	"github.com/regproof/regproof/login"
	"github.com/regproof/regproof/probe"
	"github.com/regproof/regproof/report"
)

// printPlan says what a run would ask, and sends nothing.
func printPlan(ctx context.Context, out io.Writer, opts probe.Options) error {
	shape := probe.DefaultShape
	rows, err := probe.Plan(ctx, opts, shape)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%8s  %-11s %-16s %-16s %s\n", "requests", "method", "identity", "effect", "origin")
	for _, r := range rows {
		fmt.Fprintf(out, "%8d  %-11s %-16s %-16s %s\n", r.Requests, r.Method, r.Identity, r.Effect, r.Origin)
	}
	n := total(rows)
	fmt.Fprintf(out, "%8d  in all; nothing was sent\n", n)
	free := opts
	free.MaxDenied = math.MaxInt32
	whole, err := probe.Plan(ctx, free, shape)
	if err != nil {
		return err
	}
	for _, origin := range origins(opts) {
		attempts, watching := byStrangers(rows, origin)
		fmt.Fprintln(out, report.Fold(fmt.Sprintf("%d attempts by a stranger at %s, and %d repeats that watch for bans", attempts, origin, watching), "          "))
		if all, repeats := byStrangers(whole, origin); all > attempts {
			fmt.Fprintln(out, report.Fold(fmt.Sprintf("The budget of %d denied requests (check.budget.denied) ends it there: %d attempts are left, which would be notchecked. %d is enough for all of them, and a third more with a token service.", opts.MaxDenied, all-attempts, all+repeats), "          "))
		}
	}
	fmt.Fprintln(out)
	more, err := difference(ctx, opts, n, func(s *probe.Shape) { s.Layers++ })
	if err != nil {
		return err
	}
	platform, err := difference(ctx, opts, n, func(s *probe.Shape) { s.Platforms++ })
	if err != nil {
		return err
	}
	fmt.Fprintln(out, report.Fold(fmt.Sprintf("This is for a sound registry with Basic authentication, one address for each endpoint, HTTP/2 on https, and images that are an index of %d platforms with %d different layers. A further layer is %d more, a further platform %d more. With a token service it is about four tenths more, some of it to that service, which a plan does not ask for its name. Each leak is followed by a few requests that prove it.", shape.Platforms, shape.Layers, more, platform), ""))
	return nil
}

// byStrangers are the attempts without credentials at an origin, and the repeats
// among its requests that only watch for bans.
func byStrangers(rows []probe.Planned, origin string) (attempts, watching int) {
	for _, r := range rows {
		if r.Origin == origin && r.Identity == login.Anonymous {
			attempts, watching = attempts+r.Requests-r.Watching, watching+r.Watching
		}
	}
	return attempts, watching
}

// origins are the endpoints of a run, each once.
func origins(opts probe.Options) []string {
	var out []string
	for _, t := range opts.Targets {
		for _, e := range t.Endpoints {
			if o := e.URL.Scheme + "://" + e.URL.Host; !slices.Contains(out, o) {
				out = append(out, o)
			}
		}
	}
	return out
}

func total(rows []probe.Planned) int {
	n := 0
	for _, r := range rows {
		n += r.Requests
	}
	return n
}

// difference is how many requests more another shape takes.
func difference(ctx context.Context, opts probe.Options, n int, change func(*probe.Shape)) (int, error) {
	shape := probe.DefaultShape
	change(&shape)
	rows, err := probe.Plan(ctx, opts, shape)
	return total(rows) - n, err
}
