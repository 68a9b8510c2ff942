// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/regproof/regproof/control"
	"github.com/regproof/regproof/probe"
	"github.com/regproof/regproof/probes/anonymous"
	"github.com/regproof/regproof/probes/authz"
	"github.com/regproof/regproof/probes/cache"
	"github.com/regproof/regproof/probes/exposure"
	"github.com/regproof/regproof/probes/immutability"
	"github.com/regproof/regproof/probes/ingress"
	"github.com/regproof/regproof/probes/token"
	"github.com/regproof/regproof/probes/transport"
)

// allProbes lists every probe there is, family by family.
func allProbes() []probe.Probe {
	return slices.Concat(
		anonymous.All(),
		ingress.All(),
		transport.All(),
		token.All(),
		authz.All(),
		cache.All(),
		immutability.All(),
		exposure.All(),
	)
}

func findProbe(id string) (probe.Probe, bool) {
	for _, p := range allProbes() {
		if p.ID == id {
			return p, true
		}
	}
	return probe.Probe{}, false
}

// matchProbes expands a probe id, a glob over probe ids, a control id, or a
// clause like "NIST SP 800-190 4.2.3" to the probes it means.
func matchProbes(pattern string) (map[string]bool, error) {
	out := map[string]bool{}
	for _, p := range allProbes() {
		ok, err := path.Match(pattern, p.ID)
		if err != nil {
			return nil, fmt.Errorf("%q is not a pattern: %w", pattern, err)
		}
		if ok || pattern == p.Control || cites(p.Control, pattern) {
			out[p.ID] = true
		}
	}
	if len(out) > 0 {
		return out, nil
	}
	for _, framework := range []string{"NIST CSF", "MAESTRO", "OWASP NHI"} {
		if id, ok := strings.CutPrefix(pattern, framework+" "); ok {
			if why := control.Correction(framework, id); why != "" {
				return nil, fmt.Errorf("%q is no clause: %s", pattern, why)
			}
		}
	}
	if slices.ContainsFunc(allProbes(), func(p probe.Probe) bool { return strings.HasPrefix(p.ID, pattern+"/") }) {
		return nil, fmt.Errorf("no probe, control or clause matches %q, did you mean all of the family, %q?", pattern, pattern+"/*")
	}
	return nil, fmt.Errorf("no probe, control or clause matches %q%s (regproof probes lists them, regproof probes --controls the clauses)", pattern, mean(nearest(pattern)))
}

func cites(id, clause string) bool {
	c, _ := control.Get(id)
	for _, cl := range c.Clauses {
		if cl.Framework+" "+cl.ID == clause {
			return true
		}
	}
	return false
}

// nearest is the probe id that a misspelling most likely meant.
func nearest(s string) string {
	best, at := "", 4
	for _, p := range allProbes() {
		for _, name := range []string{p.ID, path.Base(p.ID)} {
			if d := distance(s, name); d < at {
				best, at = p.ID, d
			}
		}
	}
	return best
}

// distance counts the edits between two words (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		last := row[0]
		row[0] = i + 1
		for j := range len(b) {
			next := row[j+1]
			cost := last
			if a[i] != b[j] {
				cost++
			}
			row[j+1] = min(cost, row[j]+1, next+1)
			last = next
		}
	}
	return row[len(b)]
}
