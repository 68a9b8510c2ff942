// SPDX-License-Identifier: Apache-2.0

package config

import (
	"net/netip"
	"net/url"
)

// Policy is what is intended. Anything that no rule lists is denied.
type Policy struct {
	Rules []Rule `yaml:"rules" jsonschema_description:"Who may do what, where."`

	Pos Position `yaml:"-"`
}

// Rule lets each of Who do each of Can on the repositories that one of Repos matches.
type Rule struct {
	Who   []string `yaml:"who" jsonschema:"minItems=1" jsonschema_description:"Identities, anonymous, or group:NAME."`
	Repos []string `yaml:"repos" jsonschema:"minItems=1" jsonschema_description:"Repository globs: * within a path component, ** for any number of components."`
	Can   []Action `yaml:"can" jsonschema:"minItems=1" jsonschema_description:"Actions allowed."`

	Pos Position `yaml:"-"`
}

// Action is something an identity can do at a registry.
type Action string

// The actions.
const (
	Pull    Action = "pull"
	Push    Action = "push"
	Delete  Action = "delete"
	List    Action = "list"    // the tags and referrers of a repository
	Catalog Action = "catalog" // the repositories of a registry
)

func (Action) words() []string { return []string{"pull", "push", "delete", "list", "catalog"} }

// Image is a known image to try to reach.
type Image struct {
	Registry   string `yaml:"registry,omitempty" jsonschema_description:"May be left out when there is only one."` // never empty after parsing
	Repository string `yaml:"repository" jsonschema:"maxLength=255" jsonschema_description:"Repository name without a host."`
	Reference  string `yaml:"reference" jsonschema_description:"Tag or digest. Quote tags that look like numbers."`
	Control    string `yaml:"control,omitempty" jsonschema_description:"Identity that proves the image is there. Default: the first that the policy lets pull and whose credential works."`

	Pos Position `yaml:"-"`
}

// Check holds the settings of the command check.
type Check struct {
	Require []Requirement `yaml:"require,omitempty" jsonschema_description:"Probes or controls, by id, glob or framework, that must be decided."`
	Sandbox string        `yaml:"sandbox,omitempty" jsonschema:"default=regproof-sandbox" jsonschema_description:"Repository for nothing else: it may be written to, with --write-sandbox, and its content may be left in caches, with --prime-caches."`
	Budget  Budget        `yaml:"budget,omitempty" jsonschema_description:"Bounds of one run."`
	Decoy   string        `yaml:"decoy,omitempty" jsonschema_description:"User name that exists and that nobody needs: its password is guessed wrongly some 400 times, with --try-wrong-password."`
	// Revoke is nil where the file has none.
	Revoke *Revoke `yaml:"revoke,omitempty" jsonschema_description:"How a credential is taken away, to see when that counts, with --slow."`
	// Upstream is nil where the file has none.
	Upstream *Upstream `yaml:"upstream,omitempty" jsonschema_description:"Where regproof listens as the upstream of a cache of a lab, during the run."`

	SandboxNamed bool `yaml:"-"` // the file names the sandbox, be it the usual one
}

// Upstream is where regproof listens, during a run, as the upstream registry of a pull-through cache that is told to
// use it: one of a lab, with a credential to throw away.
type Upstream struct {
	Listen Listen `yaml:"listen" jsonschema_description:"IP address and port to listen on."`
	URL    string `yaml:"url,omitempty" jsonschema_description:"What the cache has for its upstream. Default: http:// and listen."`
	Realm  string `yaml:"realm,omitempty" jsonschema_description:"The same listener by another host, for the foreign token service. Default: http://localhost on loopback."`

	Base    *url.URL `yaml:"-"` // URL, normalised
	Foreign *url.URL `yaml:"-"` // Realm, normalised: never on the host of Base
	Pos     Position `yaml:"-"`
}

// Listen is an IP address and a port of this machine.
type Listen struct{ netip.AddrPort }

func (l *Listen) decode(d *decoder, n *node, label string) bool {
	s, ok := d.text(n, label)
	if !ok {
		return false
	}
	at, err := netip.ParseAddrPort(s)
	if err != nil || at.Port() == 0 || at.Addr().IsMulticast() {
		d.add(n.at, "", "%s: %s is not an IP address with a port, like 127.0.0.1:5999", label, quote(s))
		return false
	}
	l.AddrPort = at
	return true
}

// Requirement names what a run must decide: a probe or control id, a glob of ids, or a framework's clause. Whether
// such a thing exists is for the catalogue to say; [File.Fault] makes the error.
type Requirement struct {
	ID  string
	Pos Position
}

// Budget bounds one run.
type Budget struct {
	Requests int `yaml:"requests,omitempty" jsonschema:"minimum=1,default=20000" jsonschema_description:"Requests in one run."`
	Denied   int `yaml:"denied,omitempty" jsonschema:"minimum=1,default=600" jsonschema_description:"Denied requests per endpoint."`
}
