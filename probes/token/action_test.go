// SPDX-License-Identifier: Apache-2.0

package token_test

import (
	"net/http"
	"testing"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/internal/labtest"
	"github.com/regproof/regproof/lab"
	"github.com/regproof/regproof/probe"
	"github.com/regproof/regproof/probes/token"
)

// TestActionUnanswered: a DELETE without an answer that says anything is no
// denial, whatever became of the upload.
func TestActionUnanswered(t *testing.T) {
	l := labtest.Open(t)
	d := labtest.Door(t, l, lab.DoorOptions{Weaknesses: []string{"sound-token"}})
	for name, tc := range map[string]struct {
		status int
		want   finding.Outcome
	}{
		"an error":     {http.StatusBadGateway, finding.Unknown},
		"a rate limit": {http.StatusTooManyRequests, finding.Unknown},
		"not taken":    {http.StatusMethodNotAllowed, finding.Pass},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			at := labtest.Before(t, d, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
				if r.Method == http.MethodDelete {
					w.WriteHeader(tc.status)
					return
				}
				rewriting(w, r, next)
			})
			c := labtest.Prove(t, l, d, labtest.Setting{Probes: []probe.Probe{token.Action}, Change: labtest.Instead(t, probe.Endpoint{URL: at})})
			if f, ok := c.Probe("token/action"); !ok || f.Outcome != tc.want {
				t.Errorf("%s: %s", f.Outcome, f.Reason)
			}
		})
	}
}
