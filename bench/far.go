// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"strconv"
	"time"
)

// farRoundTrip is that of a registry in the same region.
const farRoundTrip = 20 * time.Millisecond

// farRepositories keeps a run at farRoundTrip under half a minute.
const farRepositories = 300

// farFamily is row 3 with a round-trip time: the whole anonymous family on many
// repositories beside a bare client that sends as many requests over as many
// connections. Without a delay the row compares CPU; with one it compares how
// well the connections are kept busy.
func farFamily(ctx context.Context, b *bench) error {
	n := farRepositories
	if b.quick {
		n /= 3
	}
	var s served
	c, err := spawn(ctx, &s, "registry", "synthetic", strconv.Itoa(n))
	if err != nil {
		return err
	}
	defer c.stop()
	at, far, err := behind(ctx, s.Host, farRoundTrip)
	if err != nil {
		return err
	}
	defer far.stop()
	file, err := b.config("family.yaml", at, n)
	if err != nil {
		return err
	}
	only := []string{"-f", file, "--only", "anonymous/*", "--skip", "anonymous/upload"}
	if _, err := b.check(ctx, s, append(only, "--evidence", "all")...); err != nil { // not measured: it tells what is asked
		return err
	}
	list := b.path("family.txt")
	if err := b.mix(ctx, list); err != nil {
		return err
	}
	var ratios []float64
	var sent int
	for range min(b.repeat, 3) {
		m, err := b.check(ctx, s, only...)
		if err != nil {
			return err
		}
		var l loaded
		client, err := spawn(ctx, &l, "load", "http://"+at, list, strconv.Itoa(workers))
		if err != nil {
			return err
		}
		client.stop()
		sent = m.requests
		ratios = append(ratios, float64(m.requests)/m.wall.Seconds()/(float64(l.Requests)/l.Seconds))
	}
	b.table.add(line{Row: 3, What: fmt.Sprintf("%d repositories at %d ms: rate by that of a bare client", n, farRoundTrip.Milliseconds()), Measured: median(ratios, same), Goal: 0.8, AtLeast: true,
		Note: fmt.Sprintf("anonymous family; %s; %d requests, %d connections", spread(ratios, same), sent, workers)})
	return nil
}
