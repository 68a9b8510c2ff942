// SPDX-License-Identifier: Apache-2.0

package token_test

import (
	"slices"
	"testing"

	"github.com/regproof/regproof/access"
	"github.com/regproof/regproof/credential"
	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/internal/labtest"
	"github.com/regproof/regproof/login"
	"github.com/regproof/regproof/policy"
	"github.com/regproof/regproof/probe"
	"github.com/regproof/regproof/probes/token"
)

// TestManyOpaqueTokens: tokens that cannot be read are all different. Each of them
// is used, also that of who is asked for last.
func TestManyOpaqueTokens(t *testing.T) {
	l := labtest.Open(t)
	guests := []string{"guest-1", "guest-2", "guest-3"}
	for _, c := range []struct {
		name  string
		front *counter
		fails []string
	}{
		{"each is given what is its own", &counter{others: guests}, nil},
		{"the last is given all", &counter{others: guests, greedy: "guest-3"}, []string{"token/escalation"}},
		{"one spelling of many is granted", &counter{others: guests, spelling: ":PULL"}, []string{"token/scope-syntax"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := c.front.proveWith(t, l, []probe.Probe{token.Escalation, token.ScopeSyntax}, func(o *probe.Options) {
				for _, name := range guests {
					guest := o.Identities[0]
					guest.Name = name
					guest.Secret.Credential = credential.Credential{Username: name, Password: credential.NewSecret("password of " + name)}
					o.Identities = append(o.Identities, guest)
				}
				o.Policy = policy.Policy{Rules: []policy.Rule{
					{Who: []string{"ci"}, Repos: []string{"**"}, Can: []access.Action{access.Pull, access.Push, access.Delete, access.List, access.Catalog}},
					{Who: append(slices.Clone(guests), login.Anonymous), Repos: []string{"team-b/**"}, Can: []access.Action{access.Pull}},
				}}
			})
			fails(t, got, c.fails...)
			for _, id := range []string{"token/escalation", "token/scope-syntax"} {
				if f, _ := got.Probe(id); f.Outcome != finding.Pass && !slices.Contains(c.fails, id) {
					t.Errorf("%s is %s: %s", id, f.Outcome, f.Reason)
				}
			}
		})
	}
}
