// SPDX-License-Identifier: Apache-2.0

package cache_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/internal/labtest"
	"github.com/regproof/regproof/lab"
	"github.com/regproof/regproof/probe"
	"github.com/regproof/regproof/probes/anonymous"
	"github.com/regproof/regproof/probes/cache"
	"github.com/regproof/regproof/probes/ingress"
)

func families() []probe.Probe { return slices.Concat(anonymous.All(), ingress.All(), cache.All()) }

// TestID: the engine leaves to this probe what a cache does.
func TestID(t *testing.T) {
	if cache.CachedContent.ID != probe.CachedContent {
		t.Errorf("%s is known to the engine as %s", cache.CachedContent.ID, probe.CachedContent)
	}
}

// TestLab holds the family to its entries of the lab, with the others beside
// it: what a cache does is told once, and by this family.
func TestLab(t *testing.T) {
	l := labtest.Open(t)
	for _, w := range lab.Weaknesses() {
		if w.Kind == lab.Hostile || !strings.HasPrefix(w.Probe, "cache/") {
			continue
		}
		t.Run(w.Name, func(t *testing.T) {
			t.Parallel()
			d := labtest.Door(t, l, lab.DoorOptions{Weaknesses: []string{w.Name}})
			c := labtest.Prove(t, l, d, labtest.Setting{Probes: families(), Change: primed})
			if w.Kind == lab.Weak {
				if got := c.Of(finding.Fail); !slices.Equal(got, []string{w.Probe}) {
					t.Errorf("fail: %v, want %s alone", got, w.Probe)
				}
				if f, _ := c.Probe(probe.CachedContent); f.Outcome == finding.Fail && !pastCache(t, c, f) {
					t.Errorf("%s cites nothing that was asked past the cache: %v", f.Message, f.ControlEvidence)
				}
			} else if got := c.Of(finding.Fail); len(got) > 0 {
				t.Errorf("accused: %v", got)
			}
			for _, f := range c.Findings {
				if f.Outcome == finding.Fail || f.Outcome == finding.Error || f.Probe == w.Probe || (w.Kind == lab.Sound && f.Required && f.Outcome != finding.Pass) {
					t.Logf("%s %s: %s; %s", f.Outcome, f.Probe, f.Message, f.Reason)
				}
			}
		})
	}
}

// primed lets the entitled read through a cache: the image stands for one of
// the sandbox.
func primed(o *probe.Options) {
	o.Effects = append(o.Effects, probe.PrimesCache)
	o.Sandbox = "team-a"
}

// TestUnprimed: nothing is read through a door that looks like a cache, and
// what was not tried is not said to hold.
func TestUnprimed(t *testing.T) {
	l := labtest.Open(t)
	d := labtest.Door(t, l, lab.DoorOptions{Weaknesses: []string{"cache-blobs-open"}})
	c := labtest.Prove(t, l, d, labtest.Setting{Probes: families()})
	f, _ := c.Probe(probe.CachedContent)
	t.Logf("%s: %s", f.Outcome, f.Reason)
	if f.Outcome == finding.Pass {
		t.Errorf("passed: %s", f.Reason)
	}
}

// pastCache says whether a finding cites the denial that no cache has seen.
func pastCache(t *testing.T, c *labtest.Collected, f finding.Finding) bool {
	t.Helper()
	return slices.ContainsFunc(f.ControlEvidence, func(id string) bool {
		x, err := c.Recorder.Get(id)
		if err != nil {
			t.Fatal(err)
		}
		return x.Status == 401 && strings.Contains(x.Target, "?regproof=")
	})
}
