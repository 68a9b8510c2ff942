// SPDX-License-Identifier: Apache-2.0

package finding_test

import (
	"testing"

	"github.com/regproof/regproof/finding"
)

// TestWorse holds fail > error > unknown > notchecked > pass > notapplicable.
func TestWorse(t *testing.T) {
	order := []finding.Outcome{finding.Fail, finding.Error, finding.Unknown, finding.NotChecked, finding.Pass, finding.NotApplicable, ""}
	for i, a := range order {
		for j, b := range order {
			want := a
			if j < i {
				want = b
			}
			if got := finding.Worse(a, b); got != want {
				t.Errorf("Worse(%q, %q) = %q, want %q", a, b, got, want)
			}
		}
	}
}

// TestCheck: a verdict without evidence is the engine's fault, a pass without
// a control proves nothing, and no outcome is unknown.
func TestCheck(t *testing.T) {
	for name, c := range map[string]struct {
		f    finding.Finding
		want finding.Outcome
	}{
		"a proven pass":           {finding.Finding{Outcome: finding.Pass, Evidence: []string{"x1"}, ControlEvidence: []string{"x2"}}, finding.Pass},
		"a pass without control":  {finding.Finding{Outcome: finding.Pass, Evidence: []string{"x1"}}, finding.Unknown},
		"a pass without evidence": {finding.Finding{Outcome: finding.Pass, ControlEvidence: []string{"x1"}}, finding.Error},
		"a leak needs no control": {finding.Finding{Outcome: finding.Fail, Evidence: []string{"x1"}}, finding.Fail},
		"a fail without evidence": {finding.Finding{Outcome: finding.Fail}, finding.Error},
		"nothing":                 {finding.Finding{}, finding.Unknown},
	} {
		if got := c.f.Check(); got.Outcome != c.want || got.Fingerprint == "" || got.Evidence == nil || got.Deviations == nil {
			t.Errorf("%s: %+v, want %s", name, got, c.want)
		}
	}
	a := finding.Finding{Probe: "p", Registry: "r", Repository: "ab", Reference: "c"}.Check()
	b := finding.Finding{Probe: "p", Registry: "r", Repository: "a", Reference: "bc"}.Check()
	c := finding.Finding{Probe: "p", Registry: "r", Repository: "ab", Reference: "c", Outcome: finding.Fail, Evidence: []string{"x9"}}.Check()
	if a.Fingerprint == b.Fingerprint || a.Fingerprint != c.Fingerprint {
		t.Error("a fingerprint names what was tested, and not what came of it")
	}
}
