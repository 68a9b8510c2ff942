// SPDX-License-Identifier: Apache-2.0

package config

import (
	"crypto/tls"
	"net/netip"
	"net/url"
	"slices"
)

// Registry is what is protected: a name, a product and the ways in.
type Registry struct {
	Name      string     `yaml:"name" jsonschema_description:"Lower-case name, used by the other sections and in reports."`
	URL       string     `yaml:"url" jsonschema_description:"The primary way in, as scheme://host[:port]."`
	Type      Product    `yaml:"type,omitempty" jsonschema:"default=auto" jsonschema_description:"The product, or auto to recognise it."`
	Endpoints []Endpoint `yaml:"endpoints,omitempty" jsonschema_description:"Other ways in; every one is probed. A bare URL is short for {url}."`
	Tokens    Tokens     `yaml:"tokens,omitempty" jsonschema_description:"What proves that tokens of others, and odd ones of its own, open nothing."`
	TLS       TLS        `yaml:"tls,omitempty" jsonschema_description:"How the registry's certificate is verified, and whether clients need one."`
	Rate      Rate       `yaml:"rate,omitempty" jsonschema_description:"How hard the registry may be asked."`
	Redirects []string   `yaml:"redirects,omitempty" jsonschema_description:"Private storage hosts, host or host:port, that redirects may lead to."` // lower case after parsing

	Base *url.URL `yaml:"-"` // URL, normalised: lower case, no default port, no path
	Pos  Position `yaml:"-"`
}

// Endpoint is one more way in: a URL, optionally at a pinned address or behind a path prefix.
type Endpoint struct {
	URL     string     `yaml:"url" jsonschema_description:"The way in, as scheme://host[:port]."`
	Address netip.Addr `yaml:"address,omitempty" jsonschema_description:"IP address to dial instead of resolving the host; the port is the URL's."`
	Role    Role       `yaml:"role,omitempty" jsonschema_description:"What this way in is. Default: plain for http, else alias."`
	Prefix  string     `yaml:"prefix,omitempty" jsonschema_description:"Put before repository names, for example dockerproxy/"`
	Expect  Expect     `yaml:"expect,omitempty" jsonschema:"default=same" jsonschema_description:"What should be found here."`

	Base *url.URL `yaml:"-"` // URL, normalised
	Pos  Position `yaml:"-"`
}

// TLS says how the certificate of a registry is verified, and whether clients need one.
type TLS struct {
	CA         Path    `yaml:"ca,omitempty" jsonschema_description:"PEM file of the certificate authority."`
	MinVersion Version `yaml:"minVersion,omitempty" jsonschema:"default=1.2" jsonschema_description:"Lowest TLS version that may be offered, quoted."`
	Mutual     bool    `yaml:"mutual,omitempty" jsonschema:"default=false" jsonschema_description:"A client certificate must be required at every https endpoint and at the token service."`
}

// Version is a TLS version.
type Version string

func (Version) words() []string { return []string{"1.0", "1.1", "1.2", "1.3"} }

// Number is the version as the protocol has it; that of 1.2 for none.
func (v Version) Number() uint16 {
	if i := slices.Index(v.words(), string(v)); i >= 0 {
		return tls.VersionTLS10 + uint16(i)
	}
	return tls.VersionTLS12
}

// Tokens is what there is to prove that tokens of others, and odd ones of the registry's own token service, open
// nothing.
type Tokens struct {
	OtherRealms []string `yaml:"otherRealms,omitempty" jsonschema_description:"Token services of other registries, as URLs with their path, whose tokens must open nothing here."`
	SigningKey  Path     `yaml:"signingKey,omitempty" jsonschema_description:"PEM file of the private key that the token service signs with; for a test installation alone."`
	PublicKey   Path     `yaml:"publicKey,omitempty" jsonschema_description:"PEM file of the public key, or of the certificate, that tokens are verified with, to be tried as the secret of an HMAC."`
	KeyID       string   `yaml:"keyID,omitempty" jsonschema_description:"The name of that key in the header of tokens (kid)."`
}

// Rate bounds the requests to one registry.
type Rate struct {
	PerSecond  float64 `yaml:"perSecond,omitempty" jsonschema:"minimum=0,default=0" jsonschema_description:"Requests per second; 0 is no limit but an adaptive one."`
	Concurrent int     `yaml:"concurrent,omitempty" jsonschema:"minimum=1,maximum=256,default=32" jsonschema_description:"Requests at the same time."`
}

// Product is a registry product, or auto.
type Product string

// Auto leaves the product to be recognised from its answers.
const Auto Product = "auto"

func (Product) words() []string {
	return []string{"auto", "distribution", "harbor", "zot", "gitlab", "quay", "ecr", "acr", "gar", "ghcr", "dockerhub", "nexus", "artifactory", "gitea", "gate"}
}

// Role is what an endpoint is.
type Role string

// The roles of an endpoint.
const (
	Alias   Role = "alias"
	Mirror  Role = "mirror"
	Cache   Role = "cache"
	Backend Role = "backend"
	Plain   Role = "plain"
)

func (Role) words() []string { return []string{"alias", "mirror", "cache", "backend", "plain"} }

// Expect is what should be found at an endpoint.
type Expect string

// What may be expected of an endpoint.
const (
	Same     Expect = "same"     // the controls of the primary way in
	Closed   Expect = "closed"   // no registry at all
	Redirect Expect = "redirect" // a redirect of everybody to https, and nothing else
	Public   Expect = "public"   // content for everybody
)

func (Expect) words() []string { return []string{"same", "closed", "redirect", "public"} }

// short names the key that a bare string in the place of an endpoint stands for.
func (*Endpoint) short() string { return "url" }
