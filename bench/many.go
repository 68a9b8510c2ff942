// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// near runs the whole anonymous family on all repositories of a near registry, once for all rows that want it, and
// beside each run the bare client. It keeps to that family since the bare client can send what the family sends: the
// requests of the others differ in headers that a list of targets does not hold, and most ask about one image alone.
// What all families take is measured too, without the comparison.
func (b *bench) near(ctx context.Context) error {
	if len(b.warm) > 0 {
		return nil
	}
	var s served
	c, err := spawn(ctx, &s, "registry", "synthetic", strconv.Itoa(b.repositories))
	if err != nil {
		return err
	}
	defer c.stop()
	file, err := b.config("near.yaml", s.Host, b.repositories)
	if err != nil {
		return err
	}
	only := []string{"-f", file, "--only", "anonymous/*", "--skip", "anonymous/upload"} // uploads need --active
	if _, err := b.check(ctx, s, append(only, "--evidence", "all")...); err != nil {    // not measured: it tells what is asked
		return err
	}
	list := b.path("requests.txt")
	if err := b.mix(ctx, list); err != nil {
		return err
	}
	for range b.repeat {
		before, err := asked(ctx, s)
		if err != nil {
			return err
		}
		m, err := b.check(ctx, s, only...)
		if err != nil {
			return err
		}
		after, err := asked(ctx, s)
		if err != nil {
			return err
		}
		if after-before != m.requests {
			return fmt.Errorf("the report says %d requests, the registry saw %d", m.requests, after-before)
		}
		var l loaded
		client, err := spawn(ctx, &l, "load", "http://"+s.Host, list, strconv.Itoa(workers))
		if err != nil {
			return err
		}
		client.stop()
		again, err := asked(ctx, s)
		if err != nil {
			return err
		}
		if again-after != l.Requests {
			return fmt.Errorf("the bare client says %d requests, the registry saw %d", l.Requests, again-after)
		}
		all, err := b.check(ctx, s, "-f", file)
		if err != nil {
			return err
		}
		b.warm, b.bare, b.whole = append(b.warm, m), append(b.bare, l), append(b.whole, all)
	}
	return nil
}

func (b *bench) mix(ctx context.Context, list string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	out, err := exec.CommandContext(ctx, self, "mix", b.path("report.json"), list).CombinedOutput()
	if err != nil {
		return fmt.Errorf("mix: %w\n%s", err, out)
	}
	return nil
}

// asked is how many requests the synthetic registry has seen.
func asked(ctx context.Context, s served) (int, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.Host+statsPath, nil)
	if err != nil {
		return 0, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	var n int
	return n, json.NewDecoder(io.LimitReader(resp.Body, 64)).Decode(&n)
}

// manyRepositories is row 3: as fast as the machine lets a client be, in little memory.
func manyRepositories(ctx context.Context, b *bench) error {
	if err := b.near(ctx); err != nil {
		return err
	}
	rate := func(m measured) float64 { return float64(m.requests) / m.wall.Seconds() }
	bareRate := func(l loaded) float64 { return float64(l.Requests) / l.Seconds }
	var ratios []float64 // of neighbours in time, since the machine is shared
	for i, m := range b.warm {
		ratios = append(ratios, rate(m)/bareRate(b.bare[i]))
	}
	b.table.add(line{Row: 3, What: fmt.Sprintf("%d repositories: rate by that of a bare client", b.repositories), Measured: median(ratios, same), Goal: 0.8, AtLeast: true,
		Note: fmt.Sprintf("anonymous family, which a bare client can ask too; %s; %d requests, %d connections; regproof %s/s with %s ms of CPU each, net/http %s/s with %s ms", spread(ratios, same), b.warm[0].requests, workers,
			number(median(b.warm, rate)), number(median(b.warm, cpuEach)), number(median(b.bare, bareRate)), number(median(b.bare, func(l loaded) float64 { return l.CPU * 1000 / float64(l.Requests) })))})
	if err := farFamily(ctx, b); err != nil {
		return err
	}
	rss := func(m measured) float64 { return float64(m.rss) / (1 << 20) }
	for _, of := range []struct {
		what string
		runs []measured
	}{{"anonymous family", b.warm}, {"all families", b.whole}} {
		b.table.add(line{Row: 3, What: fmt.Sprintf("peak memory, %s, %d repositories without a delay", of.what, b.repositories), Measured: median(of.runs, rss), Goal: 100, Unit: "MiB",
			Note: fmt.Sprintf("%s; %d requests in %s s; bench itself, below which nothing is seen, %.0f", spread(of.runs, rss), of.runs[0].requests, number(median(of.runs, wall)), ownPeak())})
	}
	return nil
}

// ownPeak is our own peak memory in MiB: a child's ru_maxrss begins with it.
func ownPeak() float64 { return float64(usage().Maxrss) / (1 << 10) }

func usage() syscall.Rusage {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return u
}

// oneVerdict is row 4: one question to each repository, beside what a shell script would do. The script sees a status
// code; regproof also proves that there was something to deny, and asks as real clients do.
func oneVerdict(ctx context.Context, b *bench) error {
	var s served
	c, err := spawn(ctx, &s, "registry", "synthetic", strconv.Itoa(b.repositories))
	if err != nil {
		return err
	}
	defer c.stop()
	file, err := b.config("verdict.yaml", s.Host, b.repositories)
	if err != nil {
		return err
	}
	var urls, names strings.Builder
	for i := range b.repositories {
		fmt.Fprintf(&urls, "http://%s/v2/%s/manifests/%s\n", s.Host, repository(i), syntheticTag)
		fmt.Fprintf(&names, "%s/%s:%s\n", s.Host, repository(i), syntheticTag)
	}
	ours, err := times(b.repeat, func() (measured, error) { return b.check(ctx, s, "-f", file, "--only", "anonymous/manifest-by-tag") })
	if err != nil {
		return err
	}
	sent := median(ours, func(m measured) float64 { return float64(m.requests) })
	b.table.add(line{Row: 4, What: fmt.Sprintf("%d anonymous manifest verdicts", b.repositories), Measured: median(ours, wall), Unit: "s",
		Note: fmt.Sprintf("anonymous/manifest-by-tag alone, %.1f requests each; %s", sent/float64(b.repositories), spread(ours, wall))})
	for _, o := range b.others(ctx) {
		if o.command == nil {
			b.table.add(line{Row: 4, What: "the same by " + o.what, Note: "skipped: " + o.note})
			continue
		}
		n := b.repeat
		if o.slow { // twice is enough for something this far off
			n = 2
		}
		theirs, err := times(n, func() (measured, error) { return b.other(o, urls.String(), names.String()) })
		if err != nil {
			return err
		}
		b.table.add(line{Row: 4, What: "regproof's time by that of " + o.what, Measured: median(ours, wall) / median(theirs, wall),
			Note: fmt.Sprintf("%s s; %s", spread(theirs, wall), o.note)})
	}
	return nil
}

// other is something else that asks each repository.
type other struct {
	what, note string
	command    func() *exec.Cmd // reads what to ask from stdin, a line each
	names      bool             // image names, not URLs
	slow       bool
	codes      []int
}

const curl = `curl -s -o /dev/null -w '%{http_code}\n'`

func (b *bench) others(ctx context.Context) []other {
	shell := func(script string) func() *exec.Cmd {
		return func() *exec.Cmd {
			cmd := exec.CommandContext(ctx, "sh", "-c", script)
			cmd.Env = append(os.Environ(), "DOCKER_CONFIG="+b.dir)
			cmd.WaitDelay = 5 * time.Second
			return cmd
		}
	}
	parallel := other{what: fmt.Sprintf("xargs -P %d curl", workers), note: "1 request each, one process each", codes: []int{0}}
	serial := other{what: "a loop of curl", note: "1 request each, one process each", slow: true, codes: []int{0}}
	crane := other{what: fmt.Sprintf("xargs -P %d crane manifest", workers), note: "2 requests each, one process each", names: true, slow: true, codes: []int{123}}
	if _, err := exec.LookPath("curl"); err != nil {
		parallel.note, serial.note = "curl is not installed", "curl is not installed"
	} else {
		parallel.command = shell(fmt.Sprintf("xargs -P %d -n 1 %s", workers, curl))
		serial.command = shell("while read -r u; do " + curl + ` "$u"; done`)
	}
	binary := b.path("crane")
	if err := build(ctx, binary, "github.com/google/go-containerregistry/cmd/crane"); err != nil {
		crane.note = "it cannot be built from the module graph"
	} else {
		crane.command = shell(fmt.Sprintf("xargs -P %d -n 1 %s manifest", workers, binary))
	}
	return []other{parallel, serial, crane}
}

func (b *bench) other(o other, urls, names string) (measured, error) {
	cmd := o.command()
	cmd.Stdin = strings.NewReader(urls)
	if o.names {
		cmd.Stdin = strings.NewReader(names)
	}
	var out strings.Builder
	cmd.Stdout = &out
	m, err := measure(cmd, o.codes...)
	if got := strings.Count(out.String(), "401"); err == nil && !o.names && got != b.repositories {
		err = fmt.Errorf("%s: %d answers of 401, want %d", o.what, got, b.repositories)
	}
	return m, err
}
