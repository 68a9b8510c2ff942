// SPDX-License-Identifier: Apache-2.0

package authz_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/regproof/regproof/access"
	"github.com/regproof/regproof/credential"
	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/internal/labtest"
	"github.com/regproof/regproof/lab"
	"github.com/regproof/regproof/policy"
	"github.com/regproof/regproof/probe"
	"github.com/regproof/regproof/probes/authz"
)

var everything = []access.Action{access.Pull, access.Push, access.Delete, access.List, access.Catalog}

// administered is a policy in which ci may do everything.
func administered(more ...policy.Rule) policy.Policy {
	return policy.Policy{Rules: append([]policy.Rule{{Who: []string{"ci"}, Repos: []string{"**"}, Can: everything}}, more...)}
}

var devReads = policy.Rule{Who: []string{"dev"}, Repos: []string{"team-b/**"}, Can: []access.Action{access.Pull, access.List}}

// of is what a probe came to for an identity.
func of(c *labtest.Collected, id, who, repository string) finding.Finding {
	for _, f := range c.Findings {
		if f.Probe == id && f.Identity == who && (repository == "" || f.Repository == repository) {
			return f
		}
	}
	return finding.Finding{}
}

func TestRegistries(t *testing.T) {
	l := labtest.Open(t)
	stranger := policy.Rule{Who: []string{"anonymous"}, Repos: []string{"public/**"}, Can: []access.Action{access.Pull, access.List}}
	for _, c := range []struct {
		name   string
		door   lab.DoorOptions
		policy policy.Policy
		change func(*probe.Options)
		fails  []string
		dev    map[string]finding.Outcome // in team-a/app
		says   string                     // in each reason of those
	}{
		{
			name: "htpasswd knows no rights", policy: administered(devReads),
			fails: []string{"authz/delete", "authz/list", "authz/pull", "authz/push"},
			dev:   map[string]finding.Outcome{"authz/pull": finding.Fail, "authz/push": finding.Fail, "authz/blob-repository": finding.NotApplicable, "authz/upload-session": finding.NotApplicable},
		},
		{
			name: "a token service knows them", door: lab.DoorOptions{Auth: lab.Token}, policy: administered(devReads, stranger),
			dev: map[string]finding.Outcome{
				"authz/pull": finding.Pass, "authz/list": finding.Pass, "authz/push": finding.Pass, "authz/delete": finding.Pass, "authz/blob-repository": finding.Pass, "authz/upload-session": finding.Pass,
			},
		},
		{
			name: "what is hidden", door: lab.DoorOptions{Weaknesses: []string{"hides-404", "rights-sound"}}, policy: intended,
			dev: map[string]finding.Outcome{"authz/pull": finding.Pass, "authz/push": finding.Pass, "authz/delete": finding.Pass},
		},
		{
			name: "hidden from strangers alone", door: lab.DoorOptions{Weaknesses: []string{"hides-404", "any-user-delete"}}, policy: intended,
			fails: []string{"authz/delete"},
			dev:   map[string]finding.Outcome{"authz/delete": finding.Fail},
		},
		{
			name: "open to everybody", door: lab.DoorOptions{Weaknesses: []string{"reads-open"}}, policy: administered(devReads),
			fails: []string{"authz/push", "authz/delete"},
			dev:   map[string]finding.Outcome{"authz/pull": finding.NotApplicable, "authz/list": finding.NotApplicable},
		},
		{
			name: "a dead credential", door: lab.DoorOptions{Weaknesses: []string{"rights-sound"}}, policy: intended, says: "identity dev not proven live",
			change: func(o *probe.Options) { o.Identities[1].Secret.Credential.Password = credential.NewSecret("wrong") },
			dev:    map[string]finding.Outcome{"authz/pull": finding.Unknown, "authz/push": finding.Unknown, "authz/delete": finding.Unknown},
		},
		{
			name: "a registry that is too strict", door: lab.DoorOptions{Weaknesses: []string{"rights-sound"}},
			policy: administered(devReads, policy.Rule{Who: []string{"dev"}, Repos: []string{"team-a/**"}, Can: []access.Action{access.Pull}}),
			fails:  []string{"authz/pull"},
			dev:    map[string]finding.Outcome{"authz/pull": finding.Fail},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := labtest.Setting{Probes: authz.All(), Policy: c.policy, Dev: true, Also: []string{"team-b/tool:2.0"}, Change: c.change}
			got := labtest.Prove(t, l, labtest.Door(t, l, c.door), s)
			slices.Sort(c.fails)
			if fails := got.Of(finding.Fail); !slices.Equal(fails, c.fails) {
				t.Errorf("fail: %v, want %v", fails, c.fails)
			}
			for id, want := range c.dev {
				f := of(got, id, "dev", "team-a/app")
				if f.Outcome != want || !strings.Contains(f.Reason, c.says) {
					t.Errorf("%s: %q (%s), want %s (%s)", id, f.Outcome, f.Reason, want, c.says)
				}
			}
			for _, f := range got.Findings {
				t.Logf("%s as %q in %q: %s: %s %s", f.Probe, f.Identity, f.Repository, f.Outcome, f.Reason, f.Message)
			}
		})
	}
}

// TestTooStrict: that an identity is denied what it may is told as such.
func TestTooStrict(t *testing.T) {
	l := labtest.Open(t)
	d := labtest.Door(t, l, lab.DoorOptions{Weaknesses: []string{"rights-sound"}})
	c := labtest.Prove(t, l, d, labtest.Setting{
		Probes: []probe.Probe{authz.Pull}, Dev: true,
		Policy: administered(policy.Rule{Who: []string{"dev"}, Repos: []string{"team-a/**"}, Can: []access.Action{access.Pull}}),
	})
	f := of(c, "authz/pull", "dev", "")
	if f.Severity != finding.Low || f.Expected != "allow" || f.Observed != "deny" {
		t.Errorf("%s: expected %s, observed %s: %s", f.Severity, f.Expected, f.Observed, f.Message)
	}
}

// TestMatrix: what was observed of named identities stands in the matrix beside
// what is intended.
func TestMatrix(t *testing.T) {
	l := labtest.Open(t)
	d := labtest.Door(t, l, lab.DoorOptions{Weaknesses: []string{"any-user"}})
	alone := setting()
	alone.Probes = authz.All()
	for key := range cells(t, labtest.Prove(t, l, d, alone)) {
		if strings.HasPrefix(key, "anonymous ") {
			t.Errorf("%s, which no probe asked", key)
		}
	}
	cell := cells(t, labtest.Prove(t, l, d, setting()))
	for key, want := range map[string]string{
		"anonymous pull team-a/app": "deny deny pass",
		"ci pull team-a/app":        "allow allow pass",
		"dev pull team-a/app":       "deny allow fail",
		"dev list team-a/app":       "deny deny pass",
		"dev push team-a/app":       "deny deny pass",
		"dev delete team-a/app":     "deny deny pass",
		"dev pull team-b/tool":      "allow allow pass",
		"ci pull team-b/tool":       "deny allow fail",
		"dev catalog the catalog":   "deny deny pass",
	} {
		if cell[key] != want {
			t.Errorf("%s: %q, want %q", key, cell[key], want)
		}
	}
}

// cells are the rows of the matrix: what is intended, observed, and came of it.
func cells(t *testing.T, c *labtest.Collected) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, r := range c.Rows {
		repository := "the catalog"
		if r.Repository != nil {
			repository = *r.Repository
		}
		key := r.Identity + " " + string(r.Action) + " " + repository
		if out[key] != "" {
			t.Errorf("%s twice", key)
		}
		out[key] = string(r.Intended) + " " + string(r.Observed) + " " + r.Outcome
		if r.Identity != "anonymous" && len(r.Evidence) == 0 {
			t.Errorf("%s without evidence", key)
		}
	}
	return out
}

// TestClaims: what is read without a right is grave, what is only told is not,
// and neither is left in the sandbox.
func TestClaims(t *testing.T) {
	l := labtest.Open(t)
	for _, c := range []struct {
		door, probe, says string
		severity          finding.Severity
	}{
		{"mount-unchecked", "authz/blob-mount", "reads it there", finding.High},
		{"blob-head-links", "authz/blob-link", "reads it there, by HEAD", finding.Critical},
		{"blob-oracle", "authz/blob-existence", "is told that a blob", finding.Low},
	} {
		d := labtest.Door(t, l, lab.DoorOptions{Weaknesses: []string{c.door}})
		s := writing(t, "claims-"+c.door, setting())
		s.Probes = authz.All()
		f := of(labtest.Prove(t, l, d, s), c.probe, "dev", "")
		if f.Severity != c.severity || !strings.Contains(f.Message, c.says) || !strings.Contains(f.Message, "taken out of the sandbox again") {
			t.Errorf("%s: %s: %s", c.door, f.Severity, f.Message)
		}
		if f.Repository != lab.Sandbox+"/claims-"+c.door {
			t.Errorf("%s: in %q", c.door, f.Repository)
		}
	}
}

// TestUnmentioned: of who shows that the image is there and stands in no rule,
// nothing is intended.
func TestUnmentioned(t *testing.T) {
	l := labtest.Open(t)
	c := labtest.Prove(t, l, labtest.Door(t, l, lab.DoorOptions{}), labtest.Setting{Probes: authz.All(), Policy: policy.Policy{Rules: []policy.Rule{devReads}}, Dev: true})
	for _, f := range c.Findings {
		if f.Identity == "ci" {
			t.Errorf("%s as ci is %s: %s", f.Probe, f.Outcome, f.Message)
		}
	}
	if f := of(c, "authz/push", "dev", "team-a/app"); f.Outcome != finding.Fail {
		t.Errorf("authz/push as dev is %s: %s", f.Outcome, f.Reason)
	}
}

// TestNothingIntended: a policy that names nobody is no ground to judge
// identities on, and nothing is asked in their name.
func TestNothingIntended(t *testing.T) {
	l := labtest.Open(t)
	d := labtest.Door(t, l, lab.DoorOptions{})
	c := labtest.Prove(t, l, d, labtest.Setting{Probes: authz.All(), Dev: true, Change: func(o *probe.Options) { o.Effects = nil }})
	for _, f := range c.Findings {
		if f.Outcome != finding.NotApplicable || !strings.Contains(f.Reason, "policy.rules") {
			t.Errorf("%s: %s: %s", f.Probe, f.Outcome, f.Reason)
		}
	}
	for x := range c.Recorder.All() {
		if x.Identity == "dev" {
			t.Errorf("asked as dev: %s %s", x.Method, x.Target)
		}
	}
}
