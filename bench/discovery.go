// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
)

// discoverySeconds is how long it may take to look at some twenty doors when most of them say nothing.
const discoverySeconds = 5

// otherDoors is row 6: the doors that nobody listed, most of which let a client wait. That is what a firewall makes of
// the usual ports, so that the waiting and not the asking is what takes the time.
func otherDoors(ctx context.Context, b *bench) error {
	var s surrounded
	c, err := spawn(ctx, &s, "doors")
	if err != nil {
		return err
	}
	defer c.stop()
	if s.Skipped != "" {
		b.table.add(line{Row: 6, What: "discovery", Note: "skipped: " + s.Skipped})
		return nil
	}
	image := []string{s.Host + "/" + repository(0) + ":" + syntheticTag, "--plain-http", "--username", s.User, "--password-stdin"}
	const tag, doors = "anonymous/manifest-by-tag", "exposure/doors,exposure/debug-port"
	list := []*discovery{
		{what: "discovery alone", args: []string{"--discover", "--only", doors}},
		{what: "discovery and " + tag, args: []string{"--discover", "--only", doors + "," + tag}, note: "the registry is asked first, so that what its Alt-Svc names is looked at too; "},
	}
	var without []measured // the same run without what is measured here
	for range b.repeat {
		for _, d := range list {
			if err := d.run(ctx, b, s, image); err != nil {
				return fmt.Errorf("%s: %w", d.what, err)
			}
		}
		m, err := b.check(ctx, s.served, slices.Concat(image, []string{"--only", tag})...)
		if err != nil {
			return err
		}
		without = append(without, m)
	}
	for _, d := range list {
		b.table.add(line{
			Row: 6, What: fmt.Sprintf("%s, %d doors, %d of them silent", d.what, d.looked, s.silent()), Measured: median(d.runs, wall), Goal: discoverySeconds, Unit: "s",
			Note: fmt.Sprintf("%s%d doors never take a connection, %d take it and say nothing; %s; %s alone takes %s s", d.note, s.Dropping, s.Mute, spread(d.runs, wall), tag, number(median(without, wall))),
		})
	}
	return nil
}

// discovery is one way to ask for other doors.
type discovery struct {
	what, note string
	args       []string
	runs       []measured
	looked     int // at how many doors
}

// run measures once, and holds the report to what is there.
func (d *discovery) run(ctx context.Context, b *bench, s surrounded, image []string) error {
	m, err := b.check(ctx, s.served, slices.Concat(image, []string{"--evidence", "all"}, d.args)...)
	if err != nil {
		return err
	}
	data, err := os.ReadFile(b.path("report.json"))
	if err != nil {
		return err
	}
	looked, silent, err := readDoors(data)
	if err == nil && (silent != s.silent() || looked < silent) {
		err = fmt.Errorf("%d doors were looked at and %d were silent, want %d silent", looked, silent, s.silent())
	}
	d.runs, d.looked = append(d.runs, m), looked
	return err
}

// readDoors reads from a report with all its exchanges how many other doors were looked at, and how many exchanges
// ended because nobody answered.
func readDoors(report []byte) (looked, silent int, err error) {
	var r struct {
		Findings []struct {
			Probe    string
			Attempts int
		}
		Exchanges []struct{ Error string }
	}
	if err := json.Unmarshal(report, &r); err != nil {
		return 0, 0, err
	}
	for _, f := range r.Findings {
		if f.Probe == "exposure/doors" {
			looked += f.Attempts
		}
	}
	for _, x := range r.Exchanges {
		if strings.HasPrefix(x.Error, "timeout:") {
			silent++
		}
	}
	return looked, silent, nil
}
