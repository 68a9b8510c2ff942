// SPDX-License-Identifier: Apache-2.0

package token_test

import (
	"slices"
	"testing"

	"github.com/regproof/regproof/internal/labtest"
	"github.com/regproof/regproof/lab"
	"github.com/regproof/regproof/probe"
)

// denials counts the denied requests of a run that came with a token: what the
// probes ask, and not what watches them.
func denials(t *testing.T, c *labtest.Collected) (n int) {
	t.Helper()
	for x, err := range c.Recorder.All() {
		if err != nil {
			t.Fatal(err)
		}
		token := slices.ContainsFunc(x.RequestHeaders, func(h [2]string) bool { return h[0] == "Authorization" })
		if (x.Status == 401 || x.Status == 403) && x.Of == "" && token {
			n++
		}
	}
	return n
}

// TestBudget: what half of the family costs of the budget of denied requests.
func TestBudget(t *testing.T) {
	l := labtest.Open(t)
	d := labtest.Door(t, l, lab.DoorOptions{Weaknesses: []string{"sound-token"}})
	for _, c := range []struct {
		name   string
		change func(*probe.Options)
	}{{"one identity", nil}, {"two identities", withDev(l, d, func(*probe.Target) {})}} {
		t.Run(c.name, func(t *testing.T) {
			n := denials(t, labtest.Prove(t, l, d, labtest.Setting{Policy: intended, Change: c.change, Probes: issued()}))
			t.Logf("%d denied requests with a token", n)
			if n > 80 || n < 30 {
				t.Errorf("%d denied requests", n)
			}
		})
	}
}
