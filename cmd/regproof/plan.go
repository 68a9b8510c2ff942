// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"
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
	for _, origin := range origins(opts) {
		attempts, watching := 0, 0
		for _, r := range rows {
			if r.Origin == origin && r.Identity == login.Anonymous {
				attempts, watching = attempts+r.Requests-r.Watching, watching+r.Watching
			}
		}
		fmt.Fprintln(out, report.Fold(fmt.Sprintf("%d attempts by a stranger at %s, and %d repeats that watch for bans", attempts, origin, watching), "          "))
		if attempts > opts.MaxDenied {
			fmt.Fprintln(out, report.Fold(fmt.Sprintf("That is more than the %d denied requests that an endpoint is asked at most: what comes after them would end as notchecked. Raise check.budget.denied in a file, or ask for fewer images or probes.", opts.MaxDenied), "          "))
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
	fmt.Fprintln(out, report.Fold(fmt.Sprintf("This is for a sound registry with Basic authentication, one address for each endpoint, HTTP/2 on https, and images that are an index of %d platforms with %d different layers. A further layer is %d more, a further platform %d more. A token service is asked once for each identity and scope. Each leak is followed by a few requests that prove it.", shape.Platforms, shape.Layers, more, platform), ""))
	return nil
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
