// SPDX-License-Identifier: Apache-2.0

package discover

import (
	"context"
	"fmt"
	"regexp"
	"strings"
)

// page is a debug page and what it is recognised by. Profiles and heaps are
// never asked for: they cost the server something, and hold secrets.
type page struct {
	path string
	is   func(body string) bool
}

// pages are what Go programs, registries among them, show on a debug port.
func pages() []page {
	return []page{
		{"/metrics", metrics.MatchString},
		{"/debug/vars", func(b string) bool {
			return strings.HasPrefix(b, "{") && strings.Contains(b, `"cmdline":`) && strings.Contains(b, `"memstats":`)
		}},
		{"/debug/pprof/", func(b string) bool {
			return strings.Contains(b, "/debug/pprof/") && strings.Contains(b, "goroutine") && strings.Contains(b, "heap")
		}},
	}
}

// metrics finds the text format of Prometheus.
var metrics = regexp.MustCompile(`(?m)^# (HELP|TYPE) [a-zA-Z_:][a-zA-Z0-9_:]* `)

// ours finds metrics that a registry exports, by their first word.
var ours = regexp.MustCompile(`(?m)^(registry|zot|harbor|quay)_[a-z0-9_]*[ {]`)

// debug looks for debug pages at a door.
func (s *scan) debug(ctx context.Context, c Candidate, d *Door) {
	var statuses []string
	for _, p := range pages() {
		if ctx.Err() != nil {
			break
		}
		resp := s.get(ctx, c, d, p.path, nil, debugLimit)
		if d.State != "" { // nobody answers
			return
		}
		if speaksTLS(resp) {
			d.State = SpeaksTLS
			return
		}
		statuses = append(statuses, fmt.Sprint(resp.Status))
		if resp.Status == 200 && p.is(string(resp.Body)) {
			d.Pages = append(d.Pages, p.path)
			if m := ours.FindStringSubmatch(string(resp.Body)); m != nil && p.path == "/metrics" {
				d.Note = "metrics of a registry (" + m[1] + "_...)"
			}
		}
		if resp.Failure != "" { // too slow for another
			break
		}
	}
	d.State, d.Product = Shows, ""
	if len(d.Pages) == 0 {
		d.State, d.Note = NoPages, "it answers "+strings.Join(statuses, ", ")
	}
}
