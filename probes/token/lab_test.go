// SPDX-License-Identifier: Apache-2.0

package token_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/regproof/regproof/access"
	"github.com/regproof/regproof/credential"
	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/internal/labtest"
	"github.com/regproof/regproof/lab"
	"github.com/regproof/regproof/login"
	"github.com/regproof/regproof/policy"
	"github.com/regproof/regproof/probe"
	"github.com/regproof/regproof/probes/token"
)

// intended is what the lab's users may do, as a configuration would say it.
var intended = policy.Policy{Rules: []policy.Rule{
	{Who: []string{login.Anonymous}, Repos: []string{"public/**"}, Can: []access.Action{access.Pull}},
	{Who: []string{"ci"}, Repos: []string{"**"}, Can: []access.Action{access.Pull, access.Push, access.Delete, access.List, access.Catalog}},
	{Who: []string{"dev"}, Repos: []string{"team-b/**"}, Can: []access.Action{access.Pull}},
}}

// withDev adds the second user of the lab, and the images that the policy names.
func withDev(l *lab.Lab, d *lab.Door, more func(*probe.Target)) func(*probe.Options) {
	return func(o *probe.Options) {
		more(&o.Targets[0])
		name, password := l.Dev()
		dev := o.Identities[0]
		dev.Name = name
		dev.Secret.Credential = credential.Credential{Username: name, Password: credential.NewSecret(password)}
		o.Identities = append(o.Identities, dev)
		o.Images = append(o.Images, probe.ImageRef{Registry: "lab", Repository: "team-b/tool", Reference: "2.0"})
	}
}

// also says what else is false of a door: another control than that of the
// probe that names the cause.
var also = map[string][]string{
	// Of a token for another service nobody can tell who is to blame.
	"token-any-service": {"token/audience"},
	"verify-no-aud":     {"token/service"},
}

// signed are the doors whose weakness only the key of the token service shows.
var signed = map[string]bool{"verify-exp-string": true, "verify-exp-absent": true, "verify-first-claim": true, "verify-crit": true}

// issued are the probes of what is issued and what is taken for it.
func issued() []probe.Probe {
	return []probe.Probe{
		token.Stranger, token.Surplus, token.Escalation, token.ScopeSyntax, token.Repository, token.Action, token.Service, token.Audience, token.Issuer,
		token.Signature, token.Algorithm, token.Key, token.Structure,
	}
}

// TestLab holds them to their entries of the lab: a weak door fails the one
// probe that is named for it, and no other; its twin fails none.
func TestLab(t *testing.T) {
	l := labtest.Open(t)
	mine := issued()
	for _, w := range lab.Weaknesses() {
		here := slices.ContainsFunc(mine, func(p probe.Probe) bool { return p.ID == w.Probe })
		if strings.HasPrefix(w.Name, "workload-") {
			continue // see TestWorkloads
		}
		if (!here || w.Kind == lab.Hostile) && !strings.HasPrefix(w.Name, "sound-") && w.Name != "token-empty-access" {
			continue
		}
		if _, more := more[w.Name]; more || w.Probe == "token/expiry" { // see TestLabMore and TestLabExpiry
			continue
		}
		t.Run(w.Name, func(t *testing.T) {
			t.Parallel()
			d := labtest.Door(t, l, lab.DoorOptions{Weaknesses: []string{w.Name}})
			more := func(target *probe.Target) {
				if strings.HasSuffix(w.Name, "-no-iss") || w.Kind != lab.Weak {
					target.Foreign = []probe.Issuer{{Realm: d.URL() + "/other/token"}}
				}
				if signed[w.Name] || w.Kind != lab.Weak {
					id, key := l.SigningKey()
					target.Signing = &probe.Signing{KeyID: id, Key: key}
				}
			}
			c := labtest.Prove(t, l, d, labtest.Setting{Probes: mine, Policy: intended, Change: certified(t, l, w, withDev(l, d, more))})
			for _, f := range c.Findings {
				t.Logf("%s %s: %s | %s", f.Outcome, f.Probe, f.Reason, f.Message)
				if f.Outcome == finding.Error {
					t.Errorf("%s broke: %s\n%s", f.Probe, f.Reason, f.Message)
				}
			}
			t.Logf("%d requests", d.Requests())
			if w.Kind != lab.Weak {
				labtest.Sound(t, c)
				return
			}
			got := slices.DeleteFunc(c.Of(finding.Fail), func(id string) bool { return slices.Contains(also[w.Name], id) })
			if !slices.Equal(got, []string{w.Probe}) {
				t.Errorf("fail: %v, want %s alone", got, w.Probe)
			}
		})
	}
}

// certified gives who has a password a client certificate, too, where the door
// wants one.
func certified(t *testing.T, l *lab.Lab, w lab.Weakness, change func(*probe.Options)) func(*probe.Options) {
	if !w.Needs.Certificate {
		return change
	}
	return func(o *probe.Options) {
		change(o)
		for i := range o.Identities {
			cert, err := l.ClientCert(o.Identities[i].Name)
			if err != nil {
				t.Fatal(err)
			}
			o.Identities[i].Cert = &cert
		}
	}
}
