// SPDX-License-Identifier: Apache-2.0

package credential

import (
	"context"
	"errors"
	"fmt"
	"os"
)

// Env reads a user name and a password from two environment variables, given by name.
// A variable that is unset or empty is an error.
type Env struct{ Username, Password string }

// Credential reads both variables.
func (e Env) Credential(context.Context) (Credential, error) {
	username, err := variable(e.Username)
	if err != nil {
		return Credential{}, err
	}
	password, err := variable(e.Password)
	if err != nil {
		return Credential{}, err
	}
	c, err := fromPair(username, password)
	if err != nil {
		return Credential{}, fmt.Errorf("$%s, $%s: %w", e.Username, e.Password, err)
	}
	c.Source = Provenance{Kind: "environment", Key: "$" + e.Username + ", $" + e.Password}
	return c, nil
}

// EnvToken reads a registry bearer token from the environment variable of that name.
// A variable that is unset or empty, or a token that no header can carry, is an error.
type EnvToken struct{ Variable string }

// Credential reads the variable.
func (e EnvToken) Credential(context.Context) (Credential, error) {
	token, err := variable(e.Variable)
	if err != nil {
		return Credential{}, err
	}
	if err := checkToken(token); err != nil {
		return Credential{}, fmt.Errorf("$%s: %w", e.Variable, err)
	}
	return Credential{Token: NewSecret(token), Source: Provenance{Kind: "environment", Key: "$" + e.Variable}}, nil
}

func variable(name string) (string, error) {
	if name == "" {
		return "", errors.New("no environment variable is named: name one")
	}
	value, set := os.LookupEnv(name)
	switch {
	case !set:
		return "", fmt.Errorf("environment variable %s is not set: export it, or name another source", name)
	case value == "":
		return "", fmt.Errorf("environment variable %s is empty: give it a value, or name another source", name)
	}
	return value, nil
}
