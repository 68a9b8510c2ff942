// SPDX-License-Identifier: Apache-2.0

package authz_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/regproof/regproof/access"
	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/internal/labtest"
	"github.com/regproof/regproof/lab"
	"github.com/regproof/regproof/policy"
	"github.com/regproof/regproof/probe"
	"github.com/regproof/regproof/probes/anonymous"
	"github.com/regproof/regproof/probes/authz"
	"github.com/regproof/regproof/sandbox"
)

// intended is what the lab's sound registry holds.
var intended = policy.Policy{Rules: []policy.Rule{
	{Who: []string{"ci"}, Repos: []string{"team-a/**", lab.Sandbox + "/**"}, Can: []access.Action{access.Pull, access.Push, access.Delete, access.List}},
	{Who: []string{"dev"}, Repos: []string{"team-b/**"}, Can: []access.Action{access.Pull, access.List}},
	{Who: []string{"dev"}, Repos: []string{lab.Sandbox + "/**"}, Can: []access.Action{access.Pull, access.Push, access.List}},
}}

// both are the families that must not tell of one weakness twice.
func both() []probe.Probe { return slices.Concat(anonymous.All(), authz.All()) }

func setting() labtest.Setting {
	return labtest.Setting{Probes: both(), Policy: intended, Dev: true, Also: []string{"team-b/tool:2.0"}, Change: func(o *probe.Options) { o.Sandbox = lab.Sandbox }}
}

// writing lets a run write to the lab's sandbox. Nothing may be left in it.
func writing(t *testing.T, name string, s labtest.Setting) labtest.Setting {
	t.Helper()
	return into(t, name, s, func(left []sandbox.Entry) {
		if len(left) > 0 {
			t.Errorf("left behind: %v", left)
		}
	})
}

// leaving is writing where something cannot be removed: the journal still has it.
func leaving(t *testing.T, name string, s labtest.Setting) labtest.Setting {
	t.Helper()
	return into(t, name, s, func(left []sandbox.Entry) {
		if len(left) == 0 {
			t.Error("nothing is in the journal, though it could not be removed")
		}
	})
}

func into(t *testing.T, name string, s labtest.Setting, left func([]sandbox.Entry)) labtest.Setting {
	t.Helper()
	dir := t.TempDir()
	was := s.Change
	s.Change = func(o *probe.Options) {
		was(o)
		o.Sandbox += "/" + name // of its own, since doors share a store
		o.Effects = append(o.Effects, probe.SandboxWrite)
		o.Journal = sandbox.New(dir, o.ID, o.Sandbox)
		j := o.Journal
		t.Cleanup(func() {
			if err := j.Close(); err != nil {
				t.Error(err)
			}
			left(j.Left())
		})
	}
	return s
}

// TestLab holds the family to its entries of the lab, with the anonymous family
// beside it: a weak door fails the one probe that is named for it, and no other;
// its twin fails none.
func TestLab(t *testing.T) {
	l := labtest.Open(t)
	for _, w := range lab.Weaknesses() {
		if !strings.HasPrefix(w.Probe, "authz/") {
			continue
		}
		t.Run(w.Name, func(t *testing.T) {
			t.Parallel()
			d := labtest.Door(t, l, lab.DoorOptions{Weaknesses: []string{w.Name}})
			c := labtest.Prove(t, l, d, writing(t, w.Name, setting()))
			noSecrets(t, l, c)
			if w.Kind != lab.Weak {
				labtest.Sound(t, c)
				proven(t, c)
				return
			}
			if got := c.Of(finding.Fail); !slices.Equal(got, []string{w.Probe}) {
				t.Errorf("fail: %v, want %s alone", got, w.Probe)
			}
			for _, f := range c.Findings {
				switch {
				case f.Outcome == finding.Error || f.Outcome == finding.Unknown:
					t.Errorf("%s as %s is %s: %s", f.Probe, f.Identity, f.Outcome, f.Reason)
				case strings.Contains(f.Message, "push the image again"):
					t.Errorf("the image was harmed: %s", f.Message)
				case f.Outcome == finding.Fail && (len(f.Evidence) == 0 || len(f.ControlEvidence) == 0):
					t.Errorf("%s as %s without evidence: %+v", f.Probe, f.Identity, f)
				case f.Outcome == finding.Fail:
					t.Logf("%s as %s: %s (%s) [%s]", f.Severity, f.Identity, f.Message, f.Reason, f.Variant)
				}
			}
		})
	}
}

// proven: each probe of the family has decided something.
func proven(t *testing.T, c *labtest.Collected) {
	t.Helper()
	for _, p := range authz.All() {
		if !slices.Contains(c.Of(finding.Pass), p.ID) {
			f, _ := c.Probe(p.ID)
			t.Errorf("%s passes nothing: %s: %s", p.ID, f.Outcome, f.Reason)
		}
	}
	for _, f := range c.Findings {
		if strings.HasPrefix(f.Probe, "authz/") {
			t.Logf("%s as %q in %q: %s: %s", f.Probe, f.Identity, f.Repository, f.Outcome, f.Reason)
		}
	}
}

func noSecrets(t *testing.T, l *lab.Lab, c *labtest.Collected) {
	t.Helper()
	text, err := json.Marshal(c.Findings)
	if err != nil {
		t.Fatal(err)
	}
	for x := range c.Recorder.All() {
		b, _ := json.Marshal(x)
		text = append(text, b...)
	}
	_, ci := l.User()
	_, dev := l.Dev()
	if s := string(text); strings.Contains(s, ci) || strings.Contains(s, dev) {
		t.Error("a password is in what the run leaves behind")
	}
}
