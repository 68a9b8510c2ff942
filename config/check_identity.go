// SPDX-License-Identifier: Apache-2.0

package config

import (
	"slices"
	"strings"
)

func (c *checker) identity(id *Identity) {
	c.registriesOf(id)
	c.secretGoesTo(id, "origins", id.Origins)
	c.secretGoesTo(id, "realms", id.Realms)
	if id.From == nil {
		if id.Cert == nil && !c.flawed[id] {
			c.add(id.Pos, "it would ask as anonymous does", "the identity has neither from nor cert")
		}
		return
	}
	var sources []string
	for name, given := range map[string]bool{
		"env": id.From.Env != nil, "dockerConfig": id.From.DockerConfig != nil,
		"credentialHelper": id.From.CredentialHelper != nil, "file": id.From.File != nil, "oidc": id.From.OIDC != nil,
	} {
		if given {
			sources = append(sources, name)
		}
	}
	slices.Sort(sources)
	_, whole := c.at[id.From]
	switch {
	case len(sources) > 1:
		c.add(id.From.Pos, "", "from names %d sources (%s); one secret has one source", len(sources), strings.Join(sources, ", "))
	case len(sources) == 0 && whole && !c.flawed[id.From]:
		c.add(id.From.Pos, "", "from names no source: env, dockerConfig, credentialHelper, file or oidc")
	}
	if id.From.OIDC != nil {
		c.oidc(id.From.OIDC)
	}
	if h := id.From.CredentialHelper; h != nil {
		// The name becomes part of a program's name, and must not become a path.
		if at, ok := c.at[&h.Name]; ok && !groupShape.MatchString(h.Name) {
			c.add(at, "", "name: %s is not the name of a credential helper", quote(h.Name))
		}
	}
}

// registriesOf checks the registries that a credential is for, and fills in the only one there is.
func (c *checker) registriesOf(id *Identity) {
	for i := range id.For {
		c.refer("for", "registry", &id.For[i], &c.registries)
	}
	if c.given[&id.For] {
		c.reach[id.Name] = id.For
		return
	}
	switch len(c.file.Registries) {
	case 0:
	case 1:
		id.For = []string{c.file.Registries[0].Name}
	default:
		if !c.flawed[id] {
			c.add(id.Pos, "for: ["+cut(strings.Join(c.registries.list, ", "))+"]", "missing key \"for\": there are several registries")
		}
	}
}

// secretGoesTo checks and normalises the places where a secret may go.
func (c *checker) secretGoesTo(id *Identity, key string, places []string) {
	for i := range places {
		u := c.origin(key, &places[i])
		if u == nil {
			continue
		}
		if u.Scheme == "http" && !loopback(u) && !id.PlainHTTP {
			c.add(c.at[&places[i]], "write https, or plainHTTP: true if the network is trusted",
				"%s: the secret would go over plain http to %s", key, cut(u.Host))
		}
		places[i] = u.String()
	}
}
