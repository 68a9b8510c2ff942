// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// grant is one entry of a token's "access" claim.
type grant struct {
	Type    string   `json:"type"`
	Name    string   `json:"name"`
	Actions []string `json:"actions"`
}

// rights say what somebody may do; the resource is a type of the scope grammar.
type rights func(resource, name, action string) bool

func everything(resource, name, action string) bool {
	switch resource {
	case "repository":
		return slices.Contains(repositoryActions, action)
	case "registry":
		return name == "catalog" && action == "*"
	}
	return false
}

var repositoryActions = []string{"pull", "push", "delete"}

func pullsTeamB(resource, name, action string) bool {
	return resource == "repository" && action == "pull" && strings.HasPrefix(name, "team-b/")
}

// The rights of strangers. pullsPublic is the sound one.
func pullsPublic(resource, name, action string) bool {
	return resource == "repository" && action == "pull" && strings.HasPrefix(name, "public/")
}
func pullsAnything(resource, _, action string) bool {
	return resource == "repository" && action == "pull"
}
func nothing(string, string, string) bool  { return false }
func whatever(string, string, string) bool { return true }

// allow tells whether all of this is allowed.
func (r rights) allow(need []grant) bool {
	for _, n := range need {
		if len(allowed(n, n.Actions, r)) < len(n.Actions) {
			return false
		}
	}
	return true
}

// grants is the intersection of what was asked with what the user may do.
// It is never nil: an empty claim is "[]", as the specification shows it.
func (s *tokenService) grants(who user, q asked) []grant {
	if s.trims && who.name == "" {
		return tidied(q.scopes)
	}
	if granted, ok := s.unchecked(who, q); ok {
		return granted
	}
	may, granted := s.may(who, q.form), []grant{}
	for _, scope := range strings.Fields(strings.Join(q.scopes, " ")) {
		g, actions, ok := parseScope(scope)
		if !ok {
			continue
		}
		if s.surplus && g.Type == "repository" {
			actions = repositoryActions
		}
		g.Actions = allowed(g, actions, may)
		if len(g.Actions) > 0 {
			granted = append(granted, g)
		}
	}
	if s.surplus && may("registry", "catalog", "*") {
		granted = append(granted, grant{"registry", "catalog", []string{"*"}})
	}
	if s.everywhere && len(granted) > 0 && who.name != "" {
		granted = append(granted, others(granted, may)...)
	}
	return granted
}

// parseScope cuts a scope at its first and its last colon: a name may hold some
// (host:port/name).
func parseScope(scope string) (g grant, actions []string, ok bool) {
	first, last := strings.Index(scope, ":"), strings.LastIndex(scope, ":")
	if first < 0 || first == last {
		return grant{}, nil, false
	}
	return grant{Type: scope[:first], Name: scope[first+1 : last]}, strings.Split(scope[last+1:], ","), true
}

func allowed(g grant, actions []string, may rights) []string {
	var out []string
	for _, action := range actions {
		if may(g.Type, g.Name, action) && !slices.Contains(out, action) {
			out = append(out, action)
		}
	}
	return out
}

// may: whoever is known has at least the rights of a stranger.
func (s *tokenService) may(who user, form bool) rights {
	if who.name != "" && (s.escalates || (form && s.formUnchecked)) {
		return whatever
	}
	return func(resource, name, action string) bool {
		return s.strangers(resource, name, action) || (who.rights != nil && who.rights(resource, name, action))
	}
}

var plainName = regexp.MustCompile(`^[a-z0-9]+([._-][a-z0-9]+)*(/[a-z0-9]+([._-][a-z0-9]+)*)*$`)

// tidied is what a stranger gets of a server that checks a scope as it was sent
// and grants what it makes of it: what is not the plain name of a repository is
// none of its business when it checks, and one when it grants.
func tidied(scopes []string) []grant {
	granted := []grant{}
	for _, scope := range scopes {
		g, actions, ok := parseScope(scope)
		if !ok {
			continue
		}
		plain := g.Type == "registry" || (g.Type == "repository" && plainName.MatchString(g.Name))
		if name, err := url.PathUnescape(g.Name); err == nil {
			g.Name = name
		}
		g.Name = strings.Trim(strings.ToLower(strings.TrimSpace(g.Name)), "/")
		g.Type, _, _ = strings.Cut(strings.ToLower(strings.TrimSpace(g.Type)), "(")
		if g.Actions = allowed(g, actions, pullsAnything); len(g.Actions) > 0 && (!plain || pullsPublic(g.Type, g.Name, "pull")) {
			granted = append(granted, g)
		}
	}
	return granted
}

// gives is a token service that gives strangers these rights.
func gives(r rights) func(*tokenService) { return func(s *tokenService) { s.strangers = r } }
