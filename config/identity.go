// SPDX-License-Identifier: Apache-2.0

package config

// Anonymous is the name of the identity without credentials. It exists always and cannot be configured.
const Anonymous = "anonymous"

// GroupPrefix marks a group among the names of a rule's who.
const GroupPrefix = "group:"

// Identity is somebody who asks, by a secret, a client certificate or both.
type Identity struct {
	Name      string       `yaml:"name" jsonschema_description:"Lower-case name, used by the policy and in reports."`
	For       []string     `yaml:"for,omitempty" jsonschema:"minItems=1" jsonschema_description:"Registries the credential is for; may be left out when there is only one."` // never empty after parsing
	Origins   []string     `yaml:"origins,omitempty" jsonschema_description:"Where else the secret may go, besides the registry's own https URL."`                           // normalised
	Realms    []string     `yaml:"realms,omitempty" jsonschema_description:"Token services on other hosts that may see the secret."`                                         // normalised
	PlainHTTP bool         `yaml:"plainHTTP,omitempty" jsonschema:"default=false" jsonschema_description:"Lets the secret go over http to hosts other than this machine."`
	From      *Source      `yaml:"from,omitempty" jsonschema_description:"Where the secret comes from: exactly one source."`
	Cert      *Certificate `yaml:"cert,omitempty" jsonschema_description:"Client certificate."`
	Groups    []string     `yaml:"groups,omitempty" jsonschema_description:"Groups that rules can name as group:NAME."`

	Pos Position `yaml:"-"`
}

// Source is where a secret comes from. Exactly one field is set.
type Source struct {
	Env              *Env              `yaml:"env,omitempty" jsonschema_description:"Environment variables."`
	DockerConfig     *DockerConfig     `yaml:"dockerConfig,omitempty" jsonschema_description:"An entry of a docker or podman credentials file."`
	CredentialHelper *CredentialHelper `yaml:"credentialHelper,omitempty" jsonschema_description:"A docker credential helper."`
	File             *SecretFile       `yaml:"file,omitempty" jsonschema_description:"Files that hold a user name and a password."`
	OIDC             *OIDC             `yaml:"oidc,omitempty" jsonschema_description:"The OIDC token of a workload."`

	Pos Position `yaml:"-"`
}

// Env names environment variables: User and Password, or Token alone. The values are not read here.
type Env struct {
	User, Password string
	Token          string
}

// DockerConfig is an entry of a docker or podman credentials file. Without Key, the registry's host is the key.
type DockerConfig struct {
	Path Path   `yaml:"path" jsonschema_description:"The credentials file."`
	Key  string `yaml:"key,omitempty" jsonschema_description:"Key of the entry. Default: the registry's host."`
}

// CredentialHelper is a docker credential helper, docker-credential-NAME. Without Server, the registry's host is asked for.
type CredentialHelper struct {
	Name   string `yaml:"name" jsonschema_description:"The helper, without docker-credential- before it."`
	Server string `yaml:"server,omitempty" jsonschema_description:"What to ask the helper for. Default: the registry's host."`
}

// SecretFile is a pair of files, one holding the user name and one the password.
type SecretFile struct {
	Username Path `yaml:"username" jsonschema_description:"File that holds the user name."`
	Password Path `yaml:"password" jsonschema_description:"File that holds the password."`
}

// Certificate is a client certificate with its key, both PEM files.
type Certificate struct {
	Cert Path `yaml:"cert" jsonschema_description:"PEM file of the certificate chain."`
	Key  Path `yaml:"key" jsonschema_description:"PEM file of the private key."`

	CA *TestAuthority `yaml:"ca,omitempty" jsonschema_description:"A test authority that the registry trusts. It signs the certificates that must be refused."`
}

// TestAuthority is an authority whose key is at hand, both PEM files. Certificates that must be refused are made with it,
// and one that is like the identity's own, which must not be refused.
type TestAuthority struct {
	Cert Path `yaml:"cert" jsonschema_description:"PEM file of the authority's certificate."`
	Key  Path `yaml:"key" jsonschema_description:"PEM file of its private key. Never the key of an authority that is relied on, on a machine that is shared."`
}
