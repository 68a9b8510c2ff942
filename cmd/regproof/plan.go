// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"

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
	fmt.Fprintf(out, "%8s  %-7s %-16s %-16s %s\n", "requests", "method", "identity", "effect", "origin")
	for _, r := range rows {
		fmt.Fprintf(out, "%8d  %-7s %-16s %-16s %s\n", r.Requests, r.Method, r.Identity, r.Effect, r.Origin)
	}
	n := total(rows)
	fmt.Fprintf(out, "%8d  in all; nothing was sent\n\n", n)
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
