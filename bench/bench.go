// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// bench is one run: the binary under test, a folder for everything, and what was measured.
type bench struct {
	binary       string
	dir          string
	repeat       int
	repositories int
	quick, cold  bool
	table        table

	// What near measured, run by run, for rows 2 and 3.
	warm  []measured // the anonymous family
	bare  []loaded
	whole []measured // all families
}

// newBench builds the regproof of the working tree, unless another binary is given.
func newBench(ctx context.Context, binary string, quick, cold bool) (*bench, error) {
	dir, err := os.MkdirTemp("", "regproof-bench-")
	if err != nil {
		return nil, err
	}
	b := &bench{dir: dir, binary: filepath.Join(dir, "regproof"), repeat: 5, repositories: repositories, quick: quick, cold: cold}
	if quick {
		b.repeat, b.repositories = 3, repositories/5
	}
	if binary != "" {
		b.binary, err = filepath.Abs(binary)
	} else {
		err = build(ctx, b.binary, module+"/cmd/regproof", "-ldflags", "-s -w")
	}
	if err != nil {
		b.close()
		return nil, err
	}
	return b, nil
}

const module = "github.com/regproof/regproof"

// build makes a stripped binary of a package of the module graph.
func build(ctx context.Context, to, pkg string, flags ...string) error {
	args := append([]string{"build", "-trimpath", "-o", to}, flags...)
	out, err := exec.CommandContext(ctx, "go", append(args, pkg)...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("go build %s: %w\n%s", pkg, err, strings.TrimSpace(string(out)))
	}
	return nil
}

func (b *bench) close() { _ = os.RemoveAll(b.dir) }

// path is a file of this run.
func (b *bench) path(name string) string { return filepath.Join(b.dir, name) }

// write keeps a file of this run and returns where.
func (b *bench) write(name string, data []byte) (string, error) {
	return b.path(name), os.WriteFile(b.path(name), data, 0o600)
}

// times does something as often as a median needs.
func times[T any](n int, do func() (T, error)) ([]T, error) {
	var out []T
	for range n {
		v, err := do()
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}
