// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"time"
)

// start is row 5: how long it takes to be there at all.
func start(ctx context.Context, b *bench) error {
	runs, err := times(20, func() (measured, error) { return measure(exec.CommandContext(ctx, b.binary, "version"), 0) })
	if err != nil {
		return err
	}
	ms := func(m measured) float64 { return m.wall.Seconds() * 1000 }
	b.table.add(line{Row: 5, What: "regproof version", Measured: median(runs, ms), Unit: "ms", Note: spread(runs, ms)})
	info, err := os.Stat(b.binary)
	if err != nil {
		return err
	}
	b.table.add(line{Row: 5, What: "binary, stripped", Measured: float64(info.Size()) / (1 << 20), Unit: "MiB"})
	if b.cold {
		return b.demo(ctx)
	}
	return nil
}

// demo times what README tells a newcomer to run, with nothing built before. The modules are there.
func (b *bench) demo(ctx context.Context) error {
	cmd := exec.CommandContext(ctx, "go", "run", module+"/cmd/regproof", "demo")
	cmd.WaitDelay = time.Second
	cmd.Env = append(os.Environ(), "GOCACHE="+b.path("gocache"), "TMPDIR="+b.dir)
	began := time.Now()
	out, err := cmd.CombinedOutput()
	took := time.Since(began)
	if strings.Contains(string(out), "unknown command") {
		b.table.add(line{Row: 5, What: "go run ./cmd/regproof demo, cold", Note: "skipped: there is no demo yet"})
		return nil
	}
	note := "empty build cache, modules at hand"
	if err != nil { // the demo shows failures, and may say so
		note += "; " + err.Error()
	}
	b.table.add(line{Row: 5, What: "go run ./cmd/regproof demo, cold", Measured: took.Seconds(), Unit: "s", Note: note})
	return nil
}
