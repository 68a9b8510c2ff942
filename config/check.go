// SPDX-License-Identifier: Apache-2.0

package config

import (
	"fmt"
	"strings"
)

// checker holds what is defined, while the sections are checked against it. It adds the defaults as it goes.
type checker struct {
	*decoder
	file       *File
	registries names
	identities names
	groups     names
	reach      map[string][]string // identity: the registries its credential is for, where the file says so
	seen       map[string]Position // images, by registry, repository and reference
}

// names are what is defined, by place, and in the order of the file for proposals.
type names struct {
	list  []string
	place map[string]Position
}

func (n *names) add(name string, at Position) {
	if n.place == nil {
		n.place = map[string]Position{}
	}
	if _, twice := n.place[name]; !twice {
		n.list = append(n.list, name)
		n.place[name] = at
	}
}

func (n *names) has(name string) bool {
	_, ok := n.place[name]
	return ok
}

// check runs every check over the decoded file.
func check(d *decoder, file *File) {
	if d.stopped {
		return
	}
	c := &checker{decoder: d, file: file, reach: map[string][]string{}, seen: map[string]Position{}}
	if at, ok := d.at[&file.Version]; ok && file.Version != 1 {
		d.add(at, "", "version %d is not known; write version: 1", file.Version)
	}
	c.define()
	each(c, file.Registries, c.registry)
	each(c, file.Identities, c.identity)
	if file.Policy != nil {
		each(c, file.Policy.Rules, c.rule)
	}
	each(c, file.Images, c.image)
	c.budget(&file.Check.Budget)
	c.sandbox(&file.Check)
	if file.Check.Revoke != nil {
		c.revoke(file.Check.Revoke)
	}
	if file.Check.Upstream != nil {
		c.upstream(file.Check.Upstream)
	}
}

// each runs a check over the elements of a list, but for those that could not be decoded.
func each[T any](c *checker, list []T, check func(*T)) {
	for i := range list {
		if _, ok := c.at[&list[i]]; ok {
			check(&list[i])
		}
	}
}

// define collects the names that other sections may use, and refuses a name that is given twice.
func (c *checker) define() {
	for i := range c.file.Registries {
		c.name("registry", &c.file.Registries[i].Name, &c.registries)
	}
	for i := range c.file.Identities {
		id := &c.file.Identities[i]
		if at, ok := c.at[&id.Name]; ok && id.Name == Anonymous {
			c.add(at, "it exists always, without credentials; choose another name", "the identity %s cannot be configured", Anonymous)
			continue
		}
		c.name("identity", &id.Name, &c.identities)
		for j := range id.Groups {
			if at, ok := c.at[&id.Groups[j]]; ok && !groupShape.MatchString(id.Groups[j]) {
				c.add(at, "", "groups: %s is not a group name: letters, digits and . _ - after a letter or digit", quote(id.Groups[j]))
			}
			c.groups.add(GroupPrefix+id.Groups[j], id.Pos)
		}
	}
}

func (c *checker) name(what string, name *string, defined *names) {
	at, ok := c.at[name]
	if !ok {
		return
	}
	if !nameShape.MatchString(*name) {
		c.add(at, "", "name: %s is not a name: lower-case letters, digits and . _ - after a letter or digit", quote(*name))
	}
	if defined.has(*name) {
		c.add(at, "", "%s %s is defined twice, first on line %d", what, quote(*name), defined.place[*name].Line)
		return
	}
	defined.add(*name, at)
}

// refer tells whether a name, if it is given, is defined. The key and the thing are for the message.
func (c *checker) refer(key, what string, name *string, defined *names) bool {
	at, given := c.at[name]
	if !given || defined.has(*name) {
		return given
	}
	c.add(at, "", "%s: %s %s is not defined%s", key, what, quote(*name), c.instead(*name, defined.list))
	return false
}

// instead proposes what could have been meant: the nearest name, or all of them if they are few.
func (c *checker) instead(name string, defined []string) string {
	const few = 8
	if near := c.nearest(name, defined); near != "" {
		return fmt.Sprintf(", did you mean %s?", quote(near))
	}
	if len(defined) == 0 || len(defined) > few {
		return ""
	}
	return "; defined: " + cut(strings.Join(defined, ", "))
}

// Sandbox is the repository that may be written to and whose content may be left in caches, if the file names none.
const Sandbox = "regproof-sandbox"

func (c *checker) sandbox(check *Check) {
	at, named := c.at[&check.Sandbox]
	if check.SandboxNamed = named; !named {
		check.Sandbox = Sandbox
	} else if !repositoryShape.MatchString(check.Sandbox) {
		c.add(at, "", "sandbox: %s is not a repository: lower-case components with a slash between them", quote(check.Sandbox))
	}
}

func (c *checker) budget(b *Budget) {
	c.atLeastOne("requests", &b.Requests, 20000)
	c.atLeastOne("denied", &b.Denied, 600)
}

func (c *checker) atLeastOne(key string, n *int, standard int) {
	at, ok := c.at[n]
	if !ok {
		*n = standard
	} else if *n < 1 {
		c.add(at, "", "%s: %d is less than 1", key, *n)
	}
}
