// SPDX-License-Identifier: Apache-2.0

package token

import (
	"slices"
	"strings"
	"testing"
)

// TestOutsiders: no subject is that of the workload itself, each has a name of
// its own, and what the issue of such rules is about is among them.
func TestOutsiders(t *testing.T) {
	for subject, want := range map[string][]string{
		"repo:acme/app:ref:refs/heads/main": {
			"repo:acme/app-evil:ref:refs/heads/main", "repo:acme/regproof-other:ref:refs/heads/main", "repo:regproof-other/app:ref:refs/heads/main",
			"repo:acme/app:ref:refs/heads/regproof-other", "repo:acme/app:ref:refs/heads/main-evil", "repo:acme/app:ref:refs/tags/main",
			"repo:acme/app:environment:regproof-other", "repo:acme/app:pull_request", "repo:regproof-other/app:pull_request",
		},
		"repo:acme/app:environment:prod": {"repo:acme/app:environment:regproof-other", "repo:acme/app:ref:refs/heads/regproof-other"},
		"project_path:a/b/app:ref_type:branch:ref:main": {
			"project_path:a/b/app-evil:ref_type:branch:ref:main", "project_path:regproof-other/app:ref_type:branch:ref:main",
			"project_path:a/b/app:ref_type:tag:ref:main", "project_path:a/b/app:ref_type:branch:ref:main-evil",
		},
		"system:serviceaccount:build:app": {"system:serviceaccount:regproof-other:app", "system:serviceaccount:build:app-evil", "system:serviceaccount:build:default"},
		"spiffe://acme.example/build/app": {"spiffe://regproof-other.example/build/app", "spiffe://acme.example.evil.example/build/app", "spiffe://acme.example/regproof-other", "spiffe://acme.example/build/app/evil"},
		"auth0|1":                         {"auth0|1-evil", "evil-auth0|1"},
		"repo:":                           nil, "project_path:x": nil, "system:serviceaccount:": nil, "spiffe://": nil, "": nil, "repo:x:": nil, "project_path:x:": nil,
	} {
		var got, names []string
		for _, o := range outsiders(subject) {
			if o.subject == subject {
				t.Errorf("%s is outside of itself: %s", subject, o.name)
			}
			if s, ok := o.claims["repository"].(string); ok && !strings.HasPrefix(o.subject, "repo:"+s+":") {
				t.Errorf("%s does not go with %s", s, o.subject)
			}
			got, names = append(got, o.subject), append(names, o.name)
		}
		for _, w := range want {
			if !slices.Contains(got, w) {
				t.Errorf("%s: %s is not tried", subject, w)
			}
		}
		slices.Sort(names)
		if len(slices.Compact(names)) != len(got) {
			t.Errorf("%s: two of one name", subject)
		}
	}
}

func TestAdmitted(t *testing.T) {
	for _, row := range []struct {
		subject, glob string
		want          bool
	}{
		{"a", "a", true}, {"ab", "a", false}, {"ab", "a*", true}, {"ab", "*b", true}, {"axb", "a*b", true}, {"ab", "a*b", true}, {"a", "a*a", false},
		{"abcabc", "a*c*c", true}, {"abc", "a*c*c", false}, {"", "*", true}, {"x", "", false}, {"xay", "*a*", true}, {"xby", "*a*", false},
	} {
		if got := admitted(row.subject, []string{"none", row.glob}); got != row.want {
			t.Errorf("%q by %q: %v", row.subject, row.glob, got)
		}
	}
}
