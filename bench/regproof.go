// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// measured is one run of a process.
type measured struct {
	wall     time.Duration
	cpu      time.Duration // user and system
	rss      int64         // peak, in bytes
	requests int           // as the report says; 0 when there is none
}

func wall(m measured) float64 { return m.wall.Seconds() }

// cpuEach is the CPU of one request, in ms.
func cpuEach(m measured) float64 { return m.cpu.Seconds() * 1000 / float64(m.requests) }

// measure runs a process to its end. One of the exit codes must come out.
func measure(cmd *exec.Cmd, codes ...int) (measured, error) {
	var said bytes.Buffer
	cmd.Stderr = &said
	if cmd.Stdout == nil {
		cmd.Stdout = &said
	}
	began := time.Now()
	err := cmd.Run()
	m := measured{wall: time.Since(began)}
	if cmd.ProcessState == nil {
		return m, err
	}
	m.cpu = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	if u, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		m.rss = int64(u.Maxrss) << 10
	}
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return m, err
	}
	for _, c := range codes {
		if cmd.ProcessState.ExitCode() == c {
			return m, nil
		}
	}
	return m, fmt.Errorf("%s: %s\n%s", strings.Join(cmd.Args, " "), cmd.ProcessState, bytes.TrimSpace(said.Bytes()))
}

// check runs `regproof check` on a registry that must be proven sound, and reads from its report how many requests
// it took. args may not name an output.
func (b *bench) check(ctx context.Context, s served, args ...string) (measured, error) {
	report := b.path("report.json")
	m, err := measure(b.command(ctx, s, append([]string{"-q", "-o", "json=" + report}, args...)...), 0)
	if err != nil {
		return m, err
	}
	m.requests, err = requests(report)
	return m, err
}

// command is a `regproof check` that may log in to a registry, and that reads no configuration of whoever runs bench.
func (b *bench) command(ctx context.Context, s served, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, b.binary, append([]string{"check"}, args...)...)
	cmd.Env = append(os.Environ(), "TMPDIR="+b.dir, "HOME="+b.dir, "BENCH_USER="+s.User, "BENCH_PASSWORD="+s.Password)
	cmd.Stdin = strings.NewReader(s.Password)
	return cmd
}

// requests reads run.requests, near the top of a report that may be long.
func requests(report string) (int, error) {
	f, err := os.Open(report)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	d := json.NewDecoder(f)
	if err := field(d, "run"); err != nil {
		return 0, err
	}
	var run struct{ Requests int }
	err = d.Decode(&run)
	return run.Requests, err
}

// field skips to the value of a key of the document's outermost object.
func field(d *json.Decoder, name string) error {
	if _, err := d.Token(); err != nil {
		return err
	}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return err
		}
		if key == name {
			return nil
		}
		var skipped json.RawMessage
		if err := d.Decode(&skipped); err != nil {
			return err
		}
	}
	return fmt.Errorf("the report has no %q", name)
}

// config is a file that checks n repositories of the synthetic registry, wherever it is reached.
func (b *bench) config(name, host string, n int) (string, error) {
	var y strings.Builder
	fmt.Fprintf(&y, "version: 1\nregistries:\n  - {name: bench, url: \"http://%s\", rate: {concurrent: %d}}\n", host, workers)
	y.WriteString("identities:\n  - {name: ci, from: {env: [BENCH_USER, BENCH_PASSWORD]}}\ncheck: {budget: {requests: 10000000, denied: 10000000}}\nimages:\n")
	for i := range n {
		fmt.Fprintf(&y, "  - {repository: %s, reference: %q}\n", repository(i), syntheticTag)
	}
	return b.write(name, []byte(y.String()))
}
