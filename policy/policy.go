// SPDX-License-Identifier: Apache-2.0

// Package policy answers what is intended. It refuses everything that no rule
// allows, and an empty policy allows nothing to anybody.
package policy

import (
	"fmt"
	"slices"
	"strings"

	"github.com/regproof/regproof/access"
)

// Rule lets somebody do something in some repositories.
type Rule struct {
	Who   []string // identity names, anonymous, or group:NAME
	Repos []string // globs: * within a component, ** for any number of components
	Can   []access.Action
	Line  int // in the configuration file
}

// Policy is a set of rules. The zero value denies.
type Policy struct{ Rules []Rule }

// Decision is an answer, and the rule that gave it ("" when none did).
type Decision struct {
	Effect access.Effect
	Rule   string
}

// Decide answers one question. A rule about the catalog counts whatever
// repositories it names, since a catalog is of the whole registry.
func (p Policy) Decide(q access.Permission) Decision {
	for i, r := range p.Rules {
		if r.who(q) && slices.Contains(r.Can, q.Action) && (q.Action == access.Catalog || r.repos(q.Repository)) {
			return Decision{Effect: access.Allow, Rule: fmt.Sprintf("policy.rules[%d] (line %d)", i, r.Line)}
		}
	}
	return Decision{Effect: access.Deny}
}

// Mentions says whether any rule is about this identity.
func (p Policy) Mentions(identity string, groups []string) bool {
	return slices.ContainsFunc(p.Rules, func(r Rule) bool { return r.who(access.Permission{Identity: identity, Groups: groups}) })
}

func (r Rule) who(q access.Permission) bool {
	return slices.ContainsFunc(r.Who, func(w string) bool {
		if group, ok := strings.CutPrefix(w, "group:"); ok {
			return slices.Contains(q.Groups, group)
		}
		return w == q.Identity
	})
}

func (r Rule) repos(repository string) bool {
	return slices.ContainsFunc(r.Repos, func(glob string) bool {
		return matches(strings.Split(glob, "/"), strings.Split(repository, "/"))
	})
}

// matches compares glob components with those of a repository name.
func matches(glob, name []string) bool {
	if len(glob) == 0 {
		return len(name) == 0
	}
	if glob[0] == "**" {
		for i := range len(name) + 1 {
			if matches(glob[1:], name[i:]) {
				return true
			}
		}
		return false
	}
	return len(name) > 0 && component(glob[0], name[0]) && matches(glob[1:], name[1:])
}

// component matches one component, in which * stands for any characters.
func component(glob, s string) bool {
	parts := strings.Split(glob, "*")
	if len(parts) == 1 {
		return glob == s
	}
	if !strings.HasPrefix(s, parts[0]) {
		return false
	}
	s = s[len(parts[0]):]
	for _, p := range parts[1 : len(parts)-1] {
		i := strings.Index(s, p)
		if i < 0 {
			return false
		}
		s = s[i+len(p):]
	}
	return strings.HasSuffix(s, parts[len(parts)-1])
}

// NamesAnybody says whether any rule is about somebody who has a name: then
// whoever is not named may do nothing.
func (p Policy) NamesAnybody() bool {
	return slices.ContainsFunc(p.Rules, func(r Rule) bool {
		return slices.ContainsFunc(r.Who, func(w string) bool { return w != "anonymous" })
	})
}
