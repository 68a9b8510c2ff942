// SPDX-License-Identifier: Apache-2.0

package authz_test

import (
	"context"
	"net/url"
	"slices"
	"testing"

	"github.com/regproof/regproof/access"
	"github.com/regproof/regproof/internal/labtest"
	"github.com/regproof/regproof/lab"
	"github.com/regproof/regproof/policy"
	"github.com/regproof/regproof/probe"
	"github.com/regproof/regproof/probes/authz"
)

// TestPlan holds a plan to what a registry counts that holds its rights.
func TestPlan(t *testing.T) {
	l := labtest.Open(t)
	for name, with := range map[string]func(labtest.Setting) labtest.Setting{
		"read and cancelled": func(s labtest.Setting) labtest.Setting { return s },
		"sandbox":            func(s labtest.Setting) labtest.Setting { return writing(t, "plan", s) },
	} {
		d := labtest.Door(t, l, lab.DoorOptions{Weaknesses: []string{"rights-sound"}})
		var opts probe.Options
		s := setting()
		s.Probes, s.Also, s.Image = authz.All(), nil, "team-a/app:1.3"
		s.Policy.Rules = append(slices.Clone(intended.Rules), policy.Rule{Who: []string{"ci"}, Repos: []string{"**"}, Can: []access.Action{access.Catalog}})
		s = with(s)
		was := s.Change
		s.Change = func(o *probe.Options) { was(o); opts = *o }
		labtest.Prove(t, l, d, s)
		counted := d.Requests()
		u, err := url.Parse(d.URL())
		if err != nil {
			t.Fatal(err)
		}
		opts.Targets[0].Endpoints[0].URL = u
		rows, err := probe.Plan(context.Background(), opts, probe.Shape{Layers: 3})
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, r := range rows {
			n += r.Requests
		}
		if int64(n) != counted || d.Requests() != counted {
			t.Errorf("%s: planned %d, the registry counted %d, then %d", name, n, counted, d.Requests())
			for _, r := range rows {
				t.Logf("%+v", r)
			}
		}
	}
}
