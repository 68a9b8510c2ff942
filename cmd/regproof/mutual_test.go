// SPDX-License-Identifier: Apache-2.0

package main_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/regproof/regproof/access"
	main "github.com/regproof/regproof/cmd/regproof"
	"github.com/regproof/regproof/credential"
	"github.com/regproof/regproof/evidence"
	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/internal/labtest"
	"github.com/regproof/regproof/lab"
	"github.com/regproof/regproof/policy"
	"github.com/regproof/regproof/probe"
	"github.com/regproof/regproof/sandbox"
)

// TestBehindCertificates runs every family against the doors of the lab that
// require a client certificate. Nothing is left undecided because strangers get
// no further than the handshake; a weak door fails what it is named for.
func TestBehindCertificates(t *testing.T) {
	l := labtest.Open(t)
	for _, w := range lab.Weaknesses() {
		token := strings.HasPrefix(w.Probe, "token/")
		if !w.Needs.Certificate || (w.Kind != lab.Sound && !token) {
			continue
		}
		t.Run(w.Name, func(t *testing.T) {
			t.Parallel()
			d := labtest.Door(t, l, lab.DoorOptions{Weaknesses: []string{w.Name}})
			c := labtest.Prove(t, l, d, behindCertificate(t, l, w))
			want := []string{"immutability/tag"} // distribution moves tags
			if w.Kind == lab.Weak {
				want = append(want, w.Probe)
			}
			if got := c.Of(finding.Fail); !slices.Equal(got, want) {
				t.Errorf("fail: %v, want %v", got, want)
			}
			for _, f := range c.Findings {
				if f.Outcome == finding.Unknown || f.Outcome == finding.Error {
					t.Errorf("%s is %s: %s", f.Probe, f.Outcome, f.Reason)
				}
				if f.Outcome == finding.Fail && f.Probe == w.Probe {
					showsCertificate(t, c, f)
				}
				t.Logf("%s %s: %s %s (%s)", f.Outcome, f.Probe, f.Variant, f.Message, f.Reason)
			}
		})
	}
}

// showsCertificate: what reproduces a finding has the certificate, and no password.
func showsCertificate(t *testing.T, c *labtest.Collected, f finding.Finding) {
	t.Helper()
	x, err := c.Recorder.Get(f.Evidence[len(f.Evidence)-1])
	if err != nil {
		t.Fatal(err)
	}
	if call := strings.Join(evidence.Curl(x, ""), " "); !strings.Contains(call, "--cert") || !strings.Contains(call, "Bearer ") || x.Status != 200 {
		t.Errorf("%s: %d to %s", f.Probe, x.Status, call)
	}
	if !strings.Contains(f.Message, "and the certificate of ci") {
		t.Errorf("%s: %s", f.Probe, f.Message)
	}
}

// behindCertificate gives the lab's users their client certificates, beside their
// passwords where the door wants both.
func behindCertificate(t *testing.T, l *lab.Lab, w lab.Weakness) labtest.Setting {
	user, _ := l.User()
	both := strings.Contains(w.Name, "password") || strings.Contains(w.Name, "token")
	// At most doors nobody but the one user is let in at all; at one the other one
	// gets what strangers get.
	dev := w.Needs.Token && w.Name != "mtls-token" && w.Name != "mtls-token-stranger"
	dir, box := t.TempDir(), lab.Sandbox+"/"+w.Name
	return labtest.Setting{
		Probes: main.AllProbes(), Dev: dev, Policy: policy.Policy{Rules: []policy.Rule{
			{Who: []string{user}, Repos: []string{"**"}, Can: []access.Action{access.Pull, access.Push, access.Delete, access.List, access.Catalog}},
			{Who: []string{"dev"}, Repos: []string{"team-b/**"}, Can: []access.Action{access.Pull, access.List}},
		}},
		Change: func(o *probe.Options) {
			for i := range o.Identities {
				id := &o.Identities[i]
				name := id.Name
				if strings.HasPrefix(w.Name, "spiffe-") {
					name = lab.SPIFFE
				}
				cert, err := l.ClientCert(name)
				if err != nil {
					t.Fatal(err)
				}
				if id.Cert = &cert; !both {
					id.Secret = credential.Bound{}
				}
			}
			o.Targets[0].Mutual = true
			o.Effects = append(o.Effects, probe.SandboxWrite, probe.WrongPassword)
			o.ID = "t" + strings.ReplaceAll(w.Name, "-", "")
			o.Sandbox, o.Journal = box, sandbox.New(dir, o.ID, box)
			j := o.Journal
			t.Cleanup(func() {
				if left := j.Left(); len(left) > 0 {
					t.Errorf("left behind: %v", left)
				}
				if err := j.Close(); err != nil {
					t.Error(err)
				}
			})
		},
	}
}
