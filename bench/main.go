// SPDX-License-Identifier: Apache-2.0

// Command bench measures what regproof promises about time, round trips and memory, beside what else could be used,
// in one run on one machine. It refuses to judge seconds: machines are shared, so what counts are medians and ratios.
//
// The registry, the delay before it and the load are processes of their own: bench starts itself again as `registry`,
// `delay`, `doors`, `load` and `mix`. Everything is on loopback, ends with its parent, and leaves no file behind.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// The setting of every row.
const (
	workers      = 32
	roundTrip    = 50 * time.Millisecond
	repositories = 1000
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) > 0 {
		if role, ok := roles[args[0]]; ok {
			return role(ctx, args[1:])
		}
	}
	fl := flag.NewFlagSet("bench", flag.ContinueOnError)
	quick := fl.Bool("quick", false, "fewer repetitions and repositories")
	only := fl.Int("only", 0, "one `row` alone, 1 to 6")
	binary := fl.String("binary", "", "measure the regproof at this `path` instead of building one")
	cold := fl.Bool("cold", false, "also time go run ./cmd/regproof demo with an empty build cache (row 5)")
	if err := fl.Parse(args); err != nil {
		return err
	}
	if fl.NArg() > 0 || *only < 0 || *only > len(rows) {
		return fmt.Errorf("usage: bench [-quick] [-only 1..%d] [-binary PATH] [-cold]", len(rows))
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Minute)
	defer cancel()
	b, err := newBench(ctx, *binary, *quick, *cold)
	if err != nil {
		return err
	}
	defer b.close()
	for i, row := range rows {
		if *only != 0 && *only != i+1 {
			continue
		}
		began := time.Now()
		if err := row(ctx, b); err != nil {
			return fmt.Errorf("row %d: %w", i+1, err)
		}
		fmt.Fprintf(os.Stderr, "row %d took %s\n", i+1, time.Since(began).Round(time.Second))
	}
	return b.table.write(os.Stdout)
}

// rows are the questions, in the order of the table.
var rows = []func(context.Context, *bench) error{oneRepository, manyTrials, manyRepositories, oneVerdict, start, otherDoors}

// roles are what bench does when it is started by itself.
var roles = map[string]func(context.Context, []string) error{"registry": registry, "delay": delay, "doors": doors, "load": load, "mix": mix}
