// SPDX-License-Identifier: Apache-2.0

// Package credential answers which secret an identity has, which file and key it came from, and where it may go.
// It refuses to guess: a helper that fails, a broken file or a named source without a secret is an error, and nothing degrades to anonymous.
//
// An identity either names its [Source] ([Env], [EnvToken], [File], [DockerConfig],
// [Helper], [Reader], [OIDC]), or the user's own docker and podman logins are searched by
// [Lookup]. Only Lookup can answer [ErrNotFound], and only after every place it knows
// was read and none has an entry; what to do then is the caller's decision. A keychain
// that answers "anonymous" instead would let a check pass that never used the credential.
//
// A [Secret] does not print. Errors and [Provenance] name files, keys, variables and
// programs, never a value. [Bound] ties a credential to the origins that may see it.
package credential

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// ErrNotFound says that every place was looked at and none has an entry for the host.
// It is never returned for a source that is broken, nor by a source that was named.
var ErrNotFound = errors.New("no credential found")

// ErrHelper is matched by every error of a credential helper that is missing, fails or
// answers what cannot be understood: the identity cannot be resolved, and is not anonymous.
var ErrHelper = errors.New("credential helper failed")

// errNoEntry is the inner answer "this place works, and has no entry".
var errNoEntry = errors.New("no entry")

// Source is one place that holds one credential. A returned error means the identity
// cannot be resolved; the credential is then empty but for Source.Tried.
type Source interface {
	Credential(ctx context.Context) (Credential, error)
}

// Credential is what an identity can present. Token goes before Refresh, and Refresh
// before Username and Password, when more than one is set (the order docker uses); Subject stands alone.
type Credential struct {
	Username string
	Password Secret     // with Username: Basic, or the password for the token endpoint
	Token    Secret     // a registry bearer token, sent as it is
	Refresh  Secret     // a refresh token for the OAuth2 flow (docker's "identitytoken")
	Subject  Secret     // a workload's OIDC token, to be exchanged at the token service (RFC 8693)
	Source   Provenance // where it came from
}

// IsZero reports whether there is nothing to present, whatever the provenance says.
func (c Credential) IsZero() bool {
	return c.Username == "" && c.Password.IsZero() && c.Token.IsZero() && c.Refresh.IsZero() && c.Subject.IsZero()
}

// Provenance says where a credential came from. It holds no secret.
type Provenance struct {
	Kind  string   // "environment", "file", "docker config", "credential helper", "standard input" or "OIDC"
	Path  string   // the file or program; a home directory is written ~
	Key   string   // the entry in it, e.g. auths["registry.corp.example"], or the variables
	Note  string   // what a careful reader should know, e.g. "readable by everyone"
	Tried []string // what was looked at before, in order, each with why it did not apply
}

// String returns one line for a person, e.g. `~/.docker/config.json auths["registry.corp.example"]`.
func (p Provenance) String() string {
	s := strings.TrimSpace(p.Path + " " + p.Key)
	if s == "" {
		s = p.Kind
	}
	if p.Note != "" {
		s += " (" + p.Note + ")"
	}
	return s
}

// tokenUser is the user name with which docker and its helpers mark a refresh token
// (docker/cli cli/config/credentials/native_store.go).
const tokenUser = "<token>"

// fromPair makes a credential of a user name and its secret, and says what is missing.
func fromPair(username, secret string) (Credential, error) {
	switch {
	case username == "" && secret == "":
		return Credential{}, errNoEntry
	case username == "":
		return Credential{}, errors.New("a secret without a user name")
	case secret == "":
		return Credential{}, errors.New("a user name without a secret")
	case username == tokenUser:
		return Credential{Refresh: NewSecret(secret)}, nil
	}
	if err := checkUsername(username); err != nil {
		return Credential{}, err
	}
	return Credential{Username: username, Password: NewSecret(secret)}, nil
}

// checkUsername refuses what Basic cannot carry (RFC 7617 section 2). Passwords are
// free: Google's _json_key has line breaks in it.
func checkUsername(username string) error {
	for _, r := range username {
		if r == ':' || r < ' ' || r == 0x7f {
			return fmt.Errorf("the user name contains %q, which Basic authentication cannot carry", r)
		}
	}
	return nil
}

// checkToken refuses what cannot stand in an Authorization header.
func checkToken(token string) error {
	for _, r := range token {
		if r <= ' ' || r >= 0x7f {
			return errors.New("the token contains white space or other characters that no header can carry: remove them")
		}
	}
	return nil
}
