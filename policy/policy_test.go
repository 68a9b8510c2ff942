// SPDX-License-Identifier: Apache-2.0

package policy_test

import (
	"testing"

	"github.com/regproof/regproof/access"
	"github.com/regproof/regproof/policy"
)

func TestDecide(t *testing.T) {
	p := policy.Policy{Rules: []policy.Rule{
		{Who: []string{"anonymous"}, Repos: []string{"public/**"}, Can: []access.Action{access.Pull, access.List}},
		{Who: []string{"ci"}, Repos: []string{"team-*/app", "x/*-y-*/z"}, Can: []access.Action{access.Pull, access.Catalog}},
		{Who: []string{"group:builders"}, Repos: []string{"**"}, Can: []access.Action{access.Push}},
	}}
	for _, c := range []struct {
		q    access.Permission
		want access.Effect
	}{
		{access.Permission{Identity: "anonymous", Repository: "public/base", Action: access.Pull}, access.Allow},
		{access.Permission{Identity: "anonymous", Repository: "public/a/b", Action: access.List}, access.Allow},
		{access.Permission{Identity: "anonymous", Repository: "public", Action: access.Pull}, access.Allow}, // ** is any number, none too
		{access.Permission{Identity: "anonymous", Repository: "publican/base", Action: access.Pull}, access.Deny},
		{access.Permission{Identity: "anonymous", Repository: "public/base", Action: access.Push}, access.Deny},
		{access.Permission{Identity: "anonymous", Action: access.Catalog}, access.Deny},
		{access.Permission{Identity: "ci", Repository: "team-a/app", Action: access.Pull}, access.Allow},
		{access.Permission{Identity: "ci", Repository: "team-a/app/x", Action: access.Pull}, access.Deny},
		{access.Permission{Identity: "ci", Repository: "x/team-a/app", Action: access.Pull}, access.Deny},
		{access.Permission{Identity: "ci", Repository: "x/a-y-b/z", Action: access.Pull}, access.Allow},
		{access.Permission{Identity: "ci", Repository: "x/a-y/z", Action: access.Pull}, access.Deny},
		{access.Permission{Identity: "ci", Action: access.Catalog}, access.Allow},
		{access.Permission{Identity: "cia", Repository: "team-a/app", Action: access.Pull}, access.Deny},
		{access.Permission{Identity: "x", Groups: []string{"builders"}, Repository: "a", Action: access.Push}, access.Allow},
		{access.Permission{Identity: "group:builders", Repository: "a", Action: access.Push}, access.Deny},
	} {
		if got := p.Decide(c.q); got.Effect != c.want {
			t.Errorf("Decide(%+v) = %+v, want %s", c.q, got, c.want)
		}
	}
	if got := (policy.Policy{}).Decide(access.Permission{}); got.Effect != access.Deny {
		t.Errorf("an empty policy: %+v", got)
	}
}
