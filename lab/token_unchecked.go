// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"slices"
	"strings"
)

// unchecked are the grants of a server that checks one thing of a request and
// grants another; ok is false where it grants as it should.
func (s *tokenService) unchecked(who user, q asked) (granted []grant, ok bool) {
	sound := *s
	sound.queryBeside, sound.bodyBeside, sound.firstChecked, sound.refreshUnchecked = false, false, false, false
	only := func(scopes ...string) asked { q := q; q.scopes, q.beside = scopes, nil; return q }
	switch {
	case s.lastService && q.service != "" && q.service != service: // where everything is public
		s := sound
		s.lastService, s.strangers = false, pullsAnything
		return s.grants(who, q), true
	case s.strangersPost && q.form && who.name == "":
		return parsed(q.scopes), true
	case s.refreshUnchecked && q.refresh != "":
		return parsed(q.scopes), true
	case s.queryBeside && len(q.beside) > 0:
		return append(sound.grants(who, only(q.scopes...)), parsed(q.beside)...), true
	case s.bodyBeside && len(q.beside) > 0:
		granted = sound.grants(who, only(q.beside...))
		if len(granted) > 0 {
			granted = append(granted, parsed(q.scopes)...)
		}
		return granted, true
	case s.firstChecked && len(q.scopes) > 1:
		if granted = sound.grants(who, only(q.scopes[0])); len(granted) > 0 {
			granted = parsed(q.scopes[len(q.scopes)-1:])
		}
		return granted, true
	}
	return nil, false
}

// parsed are scopes as they were asked for.
func parsed(scopes []string) []grant {
	granted := []grant{}
	for _, scope := range strings.Fields(strings.Join(scopes, " ")) {
		if g, actions, ok := parseScope(scope); ok {
			g.Actions = actions
			granted = append(granted, g)
		}
	}
	return granted
}

// others are those of the lab's repositories that may be pulled and were not
// granted.
func others(granted []grant, may rights) (out []grant) {
	for _, name := range []string{"public/base", "team-a/app", "team-b/tool"} {
		had := slices.ContainsFunc(granted, func(g grant) bool { return g.Type == "repository" && g.Name == name })
		if !had && may("repository", name, "pull") {
			out = append(out, grant{"repository", name, []string{"pull"}})
		}
	}
	return out
}
