// SPDX-License-Identifier: Apache-2.0

package config

import (
	"fmt"
	"slices"
	"strings"
)

func (c *checker) rule(r *Rule) {
	for i := range r.Who {
		at, ok := c.at[&r.Who[i]]
		switch who := r.Who[i]; {
		case !ok:
		case who == "*":
			c.add(at, "name the identities, or write anonymous for everybody", `who: "*" is not an identity`)
		case strings.HasPrefix(who, GroupPrefix):
			if !c.groups.has(who) {
				c.add(at, "", "who: no identity is in %s%s", quote(who), c.instead(who, c.groups.list))
			}
		case who == Anonymous || c.identities.has(who):
		case c.groups.has(GroupPrefix + who):
			c.add(at, "", "who: %s is a group; write %s", quote(who), quote(GroupPrefix+who))
		default:
			c.add(at, "", "who: identity %s is not defined%s", quote(who), c.instead(who, append([]string{Anonymous}, c.identities.list...)))
		}
	}
	for i := range r.Repos {
		at, ok := c.at[&r.Repos[i]]
		if bad := badGlob(r.Repos[i]); ok && bad != "" {
			c.add(at, "", "repos: %s %s", quote(r.Repos[i]), bad)
		}
	}
}

func (c *checker) image(img *Image) {
	c.refer("registry", "registry", &img.Registry, &c.registries)
	if !c.given[&img.Registry] && !c.flawed[img] {
		switch len(c.file.Registries) {
		case 0:
		case 1:
			img.Registry = c.file.Registries[0].Name
		default:
			c.add(img.Pos, "", "missing key \"registry\": there are several registries")
		}
	}
	if at, ok := c.at[&img.Repository]; ok {
		if bad := badRepository(img.Repository); bad != "" {
			c.add(at, "", "repository: %s %s", quote(img.Repository), bad)
		}
	}
	if at, ok := c.at[&img.Reference]; ok {
		if bad := badReference(img.Reference); bad != "" {
			c.add(at, "", "reference: %s %s", quote(img.Reference), bad)
		}
	}
	if c.refer("control", "identity", &img.Control, &c.identities) {
		c.controlReaches(img)
	}
	c.once(img)
}

// once refuses an image that is listed twice, whose findings would be the same.
func (c *checker) once(img *Image) {
	if img.Registry == "" || img.Repository == "" || img.Reference == "" {
		return
	}
	key := fmt.Sprintf("%q %q %q", img.Registry, img.Repository, img.Reference)
	if before, twice := c.seen[key]; twice {
		c.add(img.Pos, "", "this image is listed twice, first on line %d", before.Line)
		return
	}
	c.seen[key] = img.Pos
}

// controlReaches refuses a control identity whose credential is for other registries: it could prove nothing.
func (c *checker) controlReaches(img *Image) {
	registries := c.reach[img.Control]
	if img.Registry != "" && len(registries) > 0 && !slices.Contains(registries, img.Registry) {
		c.add(c.at[&img.Control], "", "control: identity %s is not for the registry %s", quote(img.Control), quote(img.Registry))
	}
}
