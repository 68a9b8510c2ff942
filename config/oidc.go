// SPDX-License-Identifier: Apache-2.0

package config

// OIDC is the token of a workload: where it comes from, and how the registry takes it.
type OIDC struct {
	Source   TokenSource `yaml:"source" jsonschema_description:"Where the token comes from."`
	Audience string      `yaml:"audience" jsonschema_description:"Whom the token is for: what the registry calls itself."`
	Path     Path        `yaml:"path,omitempty" jsonschema_description:"File that holds the token; of kubernetes and file."`
	Variable Variable    `yaml:"variable,omitempty" jsonschema_description:"Environment variable that holds the token; of gitlab."`
	Exchange Exchange    `yaml:"exchange,omitempty" jsonschema:"default=bearer" jsonschema_description:"How the registry takes the token."`
	User     string      `yaml:"user,omitempty" jsonschema_description:"User name that says the password is such a token; of basic."`
	Key      Path        `yaml:"key,omitempty" jsonschema_description:"PEM file of the signing key of a test issuer, to make the tokens that must be refused."`
	Subjects []string    `yaml:"subjects,omitempty" jsonschema_description:"Further subjects that are meant to be let in; * stands for any text."`

	Pos Position `yaml:"-"`
}

// TokenSource is where a workload finds its token.
type TokenSource string

// The sources.
const (
	GitHub     TokenSource = "github"     // the runner's token service
	GitLab     TokenSource = "gitlab"     // a variable, by id_tokens
	Kubernetes TokenSource = "kubernetes" // a projected file
	TokenFile  TokenSource = "file"
)

func (TokenSource) words() []string { return []string{"github", "gitlab", "kubernetes", "file"} }

// Exchange is how a registry takes the token of a workload.
type Exchange string

// The exchanges.
const (
	AsBearer   Exchange = "bearer"         // as it is
	AsPassword Exchange = "basic"          // as the password of User
	ForAnother Exchange = "token-exchange" // RFC 8693, at the token service
)

func (Exchange) words() []string { return []string{"bearer", "basic", "token-exchange"} }

// Variable is the name of an environment variable. The value is not read here.
type Variable string

func (v *Variable) decode(d *decoder, n *node, label string) bool {
	if n.kind != kindText || !variableShape.MatchString(n.text) {
		d.hide(n)
		d.add(n.at, envHint, "%s: not the name of an environment variable", label)
		return false
	}
	*v = Variable(n.text)
	return true
}

// oidc checks what goes together.
func (c *checker) oidc(o *OIDC) {
	if _, whole := c.at[o]; !whole || c.flawed[o] {
		return
	}
	if _, ok := c.at[&o.Source]; ok {
		switch filed := o.Source == Kubernetes || o.Source == TokenFile; {
		case o.Source == GitLab && !c.given[&o.Variable]:
			c.add(o.Pos, "the name under id_tokens in .gitlab-ci.yml", "missing key \"variable\" in oidc: gitlab puts the token into one")
		case o.Source == TokenFile && !c.given[&o.Path]:
			c.add(o.Pos, "", "missing key \"path\" in oidc: the file that holds the token")
		case o.Source != GitLab && c.given[&o.Variable]:
			c.add(c.at[&o.Variable], "", "variable: only gitlab has one")
		case !filed && c.given[&o.Path]:
			c.add(c.at[&o.Path], "", "path: only kubernetes and file have one")
		}
	}
	switch basic := o.Exchange == AsPassword; {
	case !c.given[&o.Exchange]:
		o.Exchange = AsBearer
		if c.given[&o.User] {
			c.add(c.at[&o.User], "", "user: only exchange: basic has one")
		}
	case basic && !c.given[&o.User]:
		c.add(o.Pos, "", "missing key \"user\" in oidc: exchange: basic needs a user name")
	case !basic && c.given[&o.User]:
		c.add(c.at[&o.User], "", "user: only exchange: basic has one")
	}
}
