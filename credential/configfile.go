// SPDX-License-Identifier: Apache-2.0

package credential

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// configFile is what docker's config.json and podman's auth.json have in common. Entries
// stay raw: a broken entry of another host does not concern this one.
type configFile struct {
	Auths       map[string]json.RawMessage `json:"auths"`
	CredHelpers map[string]string          `json:"credHelpers"`
	CredsStore  string                     `json:"credsStore"`
}

// parseConfig reads one file; legacy is ~/.dockercfg, whose whole content is "auths". An
// empty file is an error, as it is to podman: it may be what a full disk left. Errors
// begin with line and column and never quote the file.
func parseConfig(data []byte, legacy bool) (configFile, error) {
	var f configFile
	var target any = &f
	if legacy {
		target = &f.Auths
	}
	if len(bytes.TrimSpace(data)) == 0 {
		return configFile{}, errors.New("the file is empty, expected a JSON object")
	}
	if err := json.Unmarshal(data, target); err != nil {
		return configFile{}, jsonError(data, err)
	}
	if bytes.TrimLeft(data, " \t\r\n")[0] != '{' { // null
		return configFile{}, errors.New("expected a JSON object")
	}
	return f, nil
}

// jsonError says where and what kind, since the texts of encoding/json quote values.
func jsonError(data []byte, err error) error {
	if e, ok := errors.AsType[*json.SyntaxError](err); ok {
		if e.Error() == "unexpected end of JSON input" {
			return fmt.Errorf("%s: the JSON ends too early", position(data, e.Offset))
		}
		return fmt.Errorf("%s: not valid JSON", position(data, e.Offset-1))
	}
	if e, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		where := ""
		if e.Field != "" {
			where = e.Field + ": "
		}
		return fmt.Errorf("%s: %sexpected %s", position(data, e.Offset-1), where, jsonKind(e.Type.Kind().String()))
	}
	return errors.New("not valid JSON")
}

func jsonKind(kind string) string {
	if kind == "string" {
		return "a string"
	}
	return "an object"
}

// position is line:column, both from 1, the column in characters.
func position(data []byte, offset int64) string {
	before := data[:min(max(offset, 0), int64(len(data)))]
	start := bytes.LastIndexByte(before, '\n') + 1
	return fmt.Sprintf("%d:%d", bytes.Count(before, []byte("\n"))+1, utf8.RuneCount(before[start:])+1)
}

// entry is one value of "auths" (docker/cli cli/config/types/authconfig.go).
type entry struct {
	Auth          string `json:"auth"`
	Username      string `json:"username"`
	Password      string `json:"password"`
	IdentityToken string `json:"identitytoken"`
	RegistryToken string `json:"registrytoken"`
}

// parseEntry returns errNoEntry for an entry that holds nothing, such as {}.
func parseEntry(raw json.RawMessage) (Credential, error) {
	var e entry
	if err := json.Unmarshal(raw, &e); err != nil {
		if t, ok := errors.AsType[*json.UnmarshalTypeError](err); ok && t.Field != "" {
			return Credential{}, fmt.Errorf("%s: expected a string", t.Field)
		}
		return Credential{}, errors.New("expected an object")
	}
	username, password := e.Username, e.Password
	if e.Auth != "" { // as docker does: auth overrides the separate keys
		var err error
		if username, password, err = decodeAuth(e.Auth); err != nil {
			return Credential{}, err
		}
	}
	if err := checkToken(e.RegistryToken); err != nil {
		return Credential{}, fmt.Errorf("registrytoken: %w", err)
	}
	tokens := e.RegistryToken != "" || e.IdentityToken != ""
	if tokens && password == "" {
		// Azure writes a user name without a password beside its identitytoken.
		return Credential{Username: username, Token: NewSecret(e.RegistryToken), Refresh: NewSecret(e.IdentityToken)}, nil
	}
	c, err := fromPair(username, password)
	if err != nil {
		return Credential{}, err
	}
	c.Token = NewSecret(e.RegistryToken)
	if e.IdentityToken != "" {
		c.Refresh = NewSecret(e.IdentityToken)
	}
	return c, nil
}

// decodeAuth splits base64(user:password). Padding may be missing, and NULs around the
// password are dropped as docker does; the password may contain colons.
func decodeAuth(auth string) (username, password string, err error) {
	decoded, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(strings.TrimSpace(auth), "="))
	if err != nil {
		return "", "", errors.New("auth is not base64")
	}
	username, password, ok := strings.Cut(string(decoded), ":")
	if !ok || username == "" {
		return "", "", errors.New("auth is not base64 of USER:PASSWORD")
	}
	return username, strings.Trim(password, "\x00"), nil
}
