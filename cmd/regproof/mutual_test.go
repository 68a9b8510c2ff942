// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"
	"testing"

	"github.com/regproof/regproof/access"
	"github.com/regproof/regproof/credential"
	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/internal/labtest"
	"github.com/regproof/regproof/lab"
	"github.com/regproof/regproof/policy"
	"github.com/regproof/regproof/probe"
	"github.com/regproof/regproof/sandbox"
)

// TestBehindCertificates runs every family against the sound doors of the lab
// that require a client certificate: nothing is accused, and nothing is left
// undecided because strangers get no further than the handshake.
func TestBehindCertificates(t *testing.T) {
	l := labtest.Open(t)
	for _, w := range lab.Weaknesses() {
		if !w.Needs.Certificate || w.Kind != lab.Sound {
			continue
		}
		t.Run(w.Name, func(t *testing.T) {
			t.Parallel()
			d := labtest.Door(t, l, lab.DoorOptions{Weaknesses: []string{w.Name}})
			labtest.Sound(t, labtest.Prove(t, l, d, behindCertificate(t, l, w)))
		})
	}
}

// behindCertificate gives the lab's users their client certificates, beside their
// passwords where the door wants both.
func behindCertificate(t *testing.T, l *lab.Lab, w lab.Weakness) labtest.Setting {
	user, _ := l.User()
	both := strings.Contains(w.Name, "password") || strings.Contains(w.Name, "token")
	dir, box := t.TempDir(), lab.Sandbox+"/"+w.Name
	return labtest.Setting{
		Probes: allProbes(), Dev: true, Policy: policy.Policy{Rules: []policy.Rule{
			{Who: []string{user}, Repos: []string{"**"}, Can: []access.Action{access.Pull, access.Push, access.Delete, access.List, access.Catalog}},
			{Who: []string{"dev"}, Repos: []string{"elsewhere/**"}, Can: []access.Action{access.Pull}},
		}},
		Change: func(o *probe.Options) {
			for i := range o.Identities {
				id := &o.Identities[i]
				name := id.Name
				if strings.HasPrefix(w.Name, "spiffe-") && name == user {
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
			o.Effects = append(o.Effects, probe.SandboxWrite)
			o.ID = "t" + strings.ReplaceAll(w.Name, "-", "")
			o.Sandbox, o.Journal = box, sandbox.New(dir, o.ID, box)
			j := o.Journal
			t.Cleanup(func() { _ = j.Close() })
		},
	}
}

func TestBehindCertificatesLog(t *testing.T) {
	l := labtest.Open(t)
	for _, w := range lab.Weaknesses() {
		if !w.Needs.Certificate || w.Kind != lab.Sound {
			continue
		}
		t.Run(w.Name, func(t *testing.T) {
			d := labtest.Door(t, l, lab.DoorOptions{Weaknesses: []string{w.Name}})
			c := labtest.Prove(t, l, d, behindCertificate(t, l, w))
			for _, o := range []finding.Outcome{finding.Fail, finding.Error, finding.Unknown, finding.NotChecked, finding.NotApplicable, finding.Pass} {
				for _, f := range c.Findings {
					if f.Outcome == o {
						t.Logf("%s %s : %s %s (%s)", f.Outcome, f.Probe, f.Variant, f.Message, f.Reason)
					}
				}
			}
		})
	}
}
