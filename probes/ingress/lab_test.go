// SPDX-License-Identifier: Apache-2.0

package ingress_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/internal/labtest"
	"github.com/regproof/regproof/lab"
	"github.com/regproof/regproof/probe"
	"github.com/regproof/regproof/probes/anonymous"
	"github.com/regproof/regproof/probes/ingress"
)

// both are the families that must not tell of one weakness twice.
func both() []probe.Probe { return slices.Concat(anonymous.All(), ingress.All()) }

// with says what else is false of a door: another sentence than that of the
// probe that names the cause.
var with = map[string][]string{
	"query-open":   {"anonymous/catalog"}, // its page has a query
	"replica-open": {"anonymous/catalog", "anonymous/config", "anonymous/index-child", "anonymous/layer", "anonymous/manifest-by-digest", "anonymous/manifest-by-tag", "anonymous/referrers-tag", "anonymous/tags", "anonymous/upload"},
}

// TestLab holds the family to its entries of the lab, with the anonymous family
// beside it: a weak door fails the one probe that is named for it, and no
// other; its twin fails none.
func TestLab(t *testing.T) {
	l := labtest.Open(t)
	for _, w := range lab.Weaknesses() {
		if w.Kind == lab.Hostile || !strings.HasPrefix(w.Probe, "ingress/") {
			continue
		}
		t.Run(w.Name, func(t *testing.T) {
			t.Parallel()
			d := labtest.Door(t, l, lab.DoorOptions{Weaknesses: []string{w.Name}})
			c := labtest.Prove(t, l, d, labtest.Setting{Probes: both()})
			for _, f := range c.Findings {
				if f.Outcome == finding.Error {
					t.Errorf("%s broke: %s\n%s", f.Probe, f.Reason, f.Message)
				}
			}
			if w.Kind != lab.Weak {
				sound(t, c)
				return
			}
			got := slices.DeleteFunc(c.Of(finding.Fail), func(id string) bool { return slices.Contains(with[w.Name], id) })
			if !slices.Equal(got, []string{w.Probe}) {
				t.Errorf("fail: %v, want %s alone", got, w.Probe)
			}
			f, ok := c.Probe(w.Probe)
			if !ok || f.Outcome != finding.Fail {
				t.Errorf("%s is %s: %s", w.Probe, f.Outcome, f.Reason)
			}
			if ok && f.Outcome == finding.Fail && (f.Message == "" || len(f.Evidence) == 0) {
				t.Errorf("a finding without a word or without evidence: %+v", f)
			}
			t.Logf("%s [%s]", f.Message, f.Variant)
			reproduces(t, l, c, d, f)
		})
	}
}

// sound: nothing is accused, and all that is required is proven.
func sound(t *testing.T, c *labtest.Collected) {
	t.Helper()
	for _, f := range c.Findings {
		switch {
		case f.Outcome == finding.Fail:
			t.Errorf("accused: %s: %s (%s, %s)", f.Probe, f.Message, f.Variant, f.Reason)
		case f.Required && f.Outcome != finding.Pass && f.Outcome != finding.NotApplicable:
			t.Errorf("not proven: %s is %s: %s", f.Probe, f.Outcome, f.Reason)
		case f.Outcome == finding.Unknown || f.Outcome == finding.NotChecked:
			t.Errorf("undecided: %s is %s: %s", f.Probe, f.Outcome, f.Reason)
		}
	}
}

// TestOneWeakness holds both families to the anonymous entries of the lab: what
// is open to everybody is no odd way in.
func TestOneWeakness(t *testing.T) {
	l := labtest.Open(t)
	for _, name := range []string{"no-auth", "ping-only", "blobs-open", "manifests-open", "digest-open", "head-open", "bot-filter", "open-to-empty-agent", "open-on-http2", "anon-token", "tags-open"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := labtest.Prove(t, l, labtest.Door(t, l, lab.DoorOptions{Weaknesses: []string{name}}), labtest.Setting{Probes: both()})
			for _, id := range c.Of(finding.Fail) {
				if f, _ := c.Probe(id); strings.HasPrefix(id, "ingress/") {
					t.Errorf("accused twice: %s: %s (%s)", id, f.Message, f.Variant)
				}
			}
		})
	}
}
