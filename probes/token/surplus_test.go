// SPDX-License-Identifier: Apache-2.0

package token_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/regproof/regproof/access"
	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/internal/labtest"
	"github.com/regproof/regproof/lab"
	"github.com/regproof/regproof/login"
	"github.com/regproof/regproof/policy"
	"github.com/regproof/regproof/probe"
	"github.com/regproof/regproof/probes/token"
)

// TestSurplusElsewhere: a token that names another repository is used there, and
// what cannot be used is no pass.
func TestSurplusElsewhere(t *testing.T) {
	l := labtest.Open(t)
	narrow := policy.Policy{Rules: append(intended.Rules[:1:1],
		policy.Rule{Who: []string{"ci"}, Repos: []string{"team-a/**"}, Can: []access.Action{access.Pull}}, intended.Rules[2])}
	// A registry that takes nothing but tokens for one repository.
	strict := func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		j, err := login.ParseJWT(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))
		if grants, _ := j.Grants(); err == nil && len(grants) > 1 && strings.HasPrefix(r.URL.Path, "/v2/team-b/") && !strings.Contains(j.Text("sub"), "dev") {
			r.Header.Del("Authorization")
		}
		if r.URL.Path == "/token" {
			next.ServeHTTP(w, r)
			return
		}
		rewriting(w, r, next)
	}
	gone := func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if strings.HasPrefix(r.URL.Path, "/v2/team-b/") {
			r.Header.Del("Authorization")
		}
		strict(w, r, next)
	}
	for _, tc := range []struct {
		name     string
		policy   policy.Policy
		alone    bool // no image of another repository is configured
		front    labtest.Front
		outcome  finding.Outcome
		severity finding.Severity
		words    string
	}{
		{"its user may read it", intended, false, nil, finding.Fail, finding.Medium, "of team-b/tool is served to a token that was asked for to pull another image"},
		{"its user may not read it", narrow, false, nil, finding.Fail, finding.High, "of team-b/tool is served"},
		{"no image is configured", intended, true, nil, finding.NotChecked, "", "repository:team-b/tool:pull as well, which was not used"},
		{"the registry denies it", intended, false, strict, finding.Pass, "", "which opens nothing that is not open to everybody"},
		{"nobody reads it", intended, false, gone, finding.Unknown, "", "no control: the token says that it allows team-b/tool as well"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			d := labtest.Door(t, l, lab.DoorOptions{Weaknesses: []string{"token-all-repositories"}})
			c := labtest.Prove(t, l, d, labtest.Setting{Probes: []probe.Probe{token.Surplus}, Policy: tc.policy, Change: func(o *probe.Options) {
				if tc.front != nil {
					labtest.Instead(t, probe.Endpoint{URL: labtest.Before(t, d, tc.front)})(o)
				}
				withDev(l, d, func(*probe.Target) {})(o)
				if tc.alone {
					o.Images = o.Images[:1]
				}
			}})
			for _, f := range c.Findings {
				t.Logf("%s %s %s: %s | %s", f.Outcome, f.Severity, f.Repository, f.Reason, f.Message)
			}
			for _, f := range c.Findings {
				if f.Repository != "team-a/app" {
					continue
				}
				if f.Outcome != tc.outcome || tc.severity != "" && f.Severity != tc.severity || !strings.Contains(f.Reason+f.Message, tc.words) {
					t.Errorf("%s %s: %s | %s", f.Severity, f.Outcome, f.Reason, f.Message)
				}
			}
		})
	}
}
