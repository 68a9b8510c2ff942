// SPDX-License-Identifier: Apache-2.0

package token_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/internal/labtest"
	"github.com/regproof/regproof/lab"
	"github.com/regproof/regproof/probe"
	"github.com/regproof/regproof/probes/token"
	"github.com/regproof/regproof/sandbox"
)

// writing lets a run write to a sandbox of its own. What it made must be gone at
// its end, but for so much of which nobody knows whether it was made.
func writing(t *testing.T, id string, unknown int) func(*probe.Options) {
	t.Helper()
	return func(o *probe.Options) {
		o.Effects = append(o.Effects, probe.SandboxWrite)
		o.ID, o.Sandbox = id, lab.Sandbox+"/"+id
		o.Journal = sandbox.New(t.TempDir(), o.ID, o.Sandbox)
		t.Cleanup(func() {
			if left := o.Journal.Left(); len(left) != unknown {
				t.Errorf("left: %v", left)
			}
			_ = o.Journal.Close()
		})
	}
}

// TestMount: a token for the sandbox mounts what it may not pull where the source
// is not looked at, and nowhere else; nothing is left.
func TestMount(t *testing.T) {
	l := labtest.Open(t)
	for _, tc := range []struct {
		door     string
		outcome  finding.Outcome
		severity finding.Severity
		words    string
	}{
		{"verify-mount-source", finding.Fail, finding.High, "mounts a blob of team-a/app there and reads it; it was taken out of the sandbox again"},
		{"verify-no-repository", finding.NotApplicable, "", "token/repository tells"},
		{"verify-no-signature", finding.NotApplicable, "", "token/signature tells"},
		{"verify-push-deletes", finding.Pass, "", "401 UNAUTHORIZED to a token for"},
		{"verify-sound", finding.Pass, "", "401 UNAUTHORIZED to a token for"},
		{"sound-token", finding.Pass, "", "to a token for"},
		{"sound-basic", finding.NotApplicable, "", "no token service"},
	} {
		t.Run(tc.door, func(t *testing.T) {
			t.Parallel()
			d := labtest.Door(t, l, lab.DoorOptions{Weaknesses: []string{tc.door}})
			s := labtest.Setting{Probes: []probe.Probe{token.Repository, token.Signature, token.Mount}, Policy: intended, Change: writing(t, "mount-"+tc.door, 0)}
			f, _ := labtest.Prove(t, l, d, s).Probe("token/mount")
			t.Logf("%s: %s | %s | %v %v", f.Outcome, f.Reason, f.Message, f.Evidence, f.ControlEvidence)
			if f.Outcome != tc.outcome || !strings.Contains(f.Reason+f.Message, tc.words) || (tc.severity != "" && f.Severity != tc.severity) {
				t.Errorf("%s, %s: %s | %s", f.Outcome, f.Severity, f.Reason, f.Message)
			}
			if tc.outcome != finding.NotApplicable && (f.Identity != "ci" || len(f.ControlEvidence) == 0 || f.Repository != lab.Sandbox+"/mount-"+tc.door) {
				t.Errorf("%s in %s, control %v", f.Identity, f.Repository, f.ControlEvidence)
			}
		})
	}
}

// TestMountAnswers: what is no mount and no denial is not judged, and neither is a
// registry that says 201 to everything.
func TestMountAnswers(t *testing.T) {
	l := labtest.Open(t)
	d := labtest.Door(t, l, lab.DoorOptions{Weaknesses: []string{"sound-token"}})
	for name, tc := range map[string]struct {
		status  int
		outcome finding.Outcome
		words   string
	}{
		"an error":     {http.StatusBadGateway, finding.Unknown, "502"},
		"a rate limit": {http.StatusTooManyRequests, finding.Unknown, "429"},
		"everything":   {http.StatusCreated, finding.Unknown, "a digest that nothing has"},
		"nothing":      {http.StatusTeapot, finding.Unknown, "no denial"},
		"not taken":    {http.StatusMethodNotAllowed, finding.Pass, "405"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			at := labtest.Before(t, d, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
				if r.URL.Query().Has("mount") && r.Header.Get("Authorization") != "" {
					w.WriteHeader(tc.status)
					return
				}
				if strings.Contains(r.URL.Path, "/blobs/sha256:") && strings.Contains(r.URL.Path, lab.Sandbox) && r.Method == http.MethodDelete {
					w.WriteHeader(http.StatusNotFound)
					return
				}
				rewriting(w, r, next)
			})
			unknown := 0
			if tc.status >= 500 {
				unknown = 1 // an upload
			}
			write, instead := writing(t, "answers-"+strings.ReplaceAll(name, " ", "-"), unknown), labtest.Instead(t, probe.Endpoint{URL: at})
			s := labtest.Setting{Probes: []probe.Probe{token.Mount}, Policy: intended, Change: func(o *probe.Options) { write(o); instead(o) }}
			f, _ := labtest.Prove(t, l, d, s).Probe("token/mount")
			if f.Outcome != tc.outcome || !strings.Contains(f.Reason, tc.words) {
				t.Errorf("%s: %s | %s", f.Outcome, f.Reason, f.Message)
			}
		})
	}
	f, _ := labtest.Prove(t, l, d, labtest.Setting{Probes: []probe.Probe{token.Mount}, Policy: intended}).Probe("token/mount")
	if f.Outcome != finding.NotChecked || !strings.Contains(f.Reason, "--write-sandbox") {
		t.Errorf("without a sandbox: %s: %s", f.Outcome, f.Reason)
	}
}
