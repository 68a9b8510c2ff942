// SPDX-License-Identifier: Apache-2.0

package anonymous_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/lab"
	"github.com/regproof/regproof/probe"
)

// TestHostile meets registries that mean harm. Whatever they answer, the run
// ends within its deadline, nothing breaks, nothing that they attack is a
// pass, no secret goes where it should not, and the trap is left alone.
func TestHostile(t *testing.T) {
	l := open(t)
	for _, w := range lab.Weaknesses() {
		if w.Kind != lab.Hostile {
			continue
		}
		t.Run(w.Name, func(t *testing.T) {
			t.Parallel()
			d := door(t, l, lab.DoorOptions{Weaknesses: []string{w.Name}})
			begin := time.Now()
			c := prove(t, l, d, setting{Timeout: 40 * time.Second, Change: func(o *probe.Options) { o.RequestTimeout = time.Second }})
			if took := time.Since(begin); took > 50*time.Second {
				t.Errorf("took %s, the deadline was 40 s", took)
			}
			for _, f := range c.Findings {
				if f.Outcome == finding.Error {
					t.Errorf("%s broke: %s\n%s", f.Probe, f.Reason, f.Message)
				}
				if f.Probe == w.Probe && f.Outcome == finding.Pass && !soundElsewhere[w.Name] {
					t.Errorf("%s passed: %s", f.Probe, f.Reason)
				}
				checkPrintable(t, f)
			}
			_, password := l.User()
			for x, err := range c.Recorder.All() {
				if err != nil {
					t.Fatal(err)
				}
				b, _ := json.Marshal(x)
				if strings.Contains(string(b), password) {
					t.Errorf("exchange %s holds the password", x.ID)
				}
			}
			for _, h := range d.Trap() {
				if h.Secret {
					t.Errorf("a secret went to the trap: %s %s", h.Method, h.URI)
				} else if !mayVisit[w.Name] {
					t.Errorf("the trap was visited: %s %s", h.Method, h.URI)
				}
			}
		})
	}
}

// soundElsewhere are doors whose attack is beside the denial: they are guarded
// all the same, and a pass is the truth.
var soundElsewhere = map[string]bool{
	"foreign-location": true, "foreign-link": true, "endless-paging": true,
}

// mayVisit are doors whose trap may be asked without a secret.
var mayVisit = map[string]bool{}

func checkPrintable(t *testing.T, f finding.Finding) {
	t.Helper()
	b, err := json.Marshal(f)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range string(b) {
		if r < 0x20 || r == 0x7f || (r >= 0x80 && r < 0xa0) {
			t.Errorf("%s holds %U: %q", f.Probe, r, b)
			return
		}
	}
}
