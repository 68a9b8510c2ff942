// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

// loaded is what the bare client did.
type loaded struct {
	Requests int
	Seconds  float64 // from the first request to the last answer
	CPU      float64 // user and system, in seconds, of the whole process
}

// load is the role of a bare client: load BASE-URL FILE WORKERS sends every request of the file, one "METHOD TARGET
// WHO" a line, as fast as net/http can on that many kept connections.
func load(ctx context.Context, args []string) error {
	if len(args) != 3 {
		return fmt.Errorf("load: want BASE-URL FILE WORKERS")
	}
	data, err := os.ReadFile(args[1])
	if err != nil {
		return err
	}
	n, err := strconv.Atoi(args[2])
	if err != nil {
		return err
	}
	lines := strings.Split(strings.TrimSpace(string(data)), "\n")
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: n, DisableCompression: true}}
	work := make(chan string, n)
	var wg sync.WaitGroup
	var once sync.Once
	began := time.Now()
	for range n {
		wg.Go(func() {
			for line := range work {
				if e := send(ctx, client, args[0], line); e != nil {
					once.Do(func() { err = e })
				}
			}
		})
	}
	for _, line := range lines {
		work <- line
	}
	close(work)
	wg.Wait()
	if err != nil {
		return err
	}
	took := time.Since(began)
	u := usage()
	cpu := time.Duration(u.Utime.Nano() + u.Stime.Nano())
	return serveUntilClosed(ctx, loaded{Requests: len(lines), Seconds: took.Seconds(), CPU: cpu.Seconds()})
}

// send makes one request with the headers that regproof would send, and reads the answer.
func send(ctx context.Context, client *http.Client, base, line string) error {
	f := strings.Fields(line)
	if len(f) != 3 {
		return fmt.Errorf("load: a line %q is not METHOD TARGET WHO", line)
	}
	req, err := http.NewRequestWithContext(ctx, f[0], base+f[1], nil)
	if err != nil {
		return err
	}
	req.Header["User-Agent"] = []string{"regproof/0.1.0-dev (+0123456789)"}
	req.Header["X-Regproof-Run"] = []string{"0123456789"}
	req.Header["Accept-Encoding"] = []string{"identity"}
	if strings.Contains(f[1], "/manifests/") {
		req.Header["Accept"] = []string{"application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.docker.distribution.manifest.v2+json"}
	}
	if f[2] != "anonymous" {
		req.SetBasicAuth(syntheticUser, syntheticPassword)
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return err
}

// mix is the role that turns a report with all its exchanges into lines for load: mix REPORT FILE. It is a process of
// its own so that what it reads does not count as memory of those that are measured later (ru_maxrss is inherited).
func mix(_ context.Context, args []string) error {
	if len(args) != 2 {
		return fmt.Errorf("mix: want REPORT FILE")
	}
	in, err := os.Open(args[0])
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(args[1], os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer out.Close()
	d := json.NewDecoder(bufio.NewReaderSize(in, 1<<20))
	if err := field(d, "exchanges"); err != nil {
		return err
	}
	if _, err := d.Token(); err != nil {
		return err
	}
	w := bufio.NewWriter(out)
	for d.More() {
		var x struct{ Method, Target, Identity, Of string }
		if err := d.Decode(&x); err != nil {
			return err
		}
		if x.Of == "" {
			fmt.Fprintln(w, x.Method, x.Target, x.Identity)
		}
	}
	return w.Flush()
}
