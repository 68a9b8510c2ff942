// SPDX-License-Identifier: Apache-2.0

package peer

import (
	"encoding/json"
	"maps"
	"testing"

	"golang.org/x/crypto/bcrypt"
)

// Auth is the auth section of a registry's configuration; nil is none.
type Auth map[string]any

// StartRegistry runs a registry (DockerRegistry or Registry) on a port of its
// own, and returns its host:port.
func StartRegistry(tb testing.TB, name string, auth Auth) string {
	tb.Helper()
	return startRegistry(tb, name, auth, map[string]any{})
}

// StartRegistryTLS is StartRegistry that speaks TLS and HTTP/2 itself.
func StartRegistryTLS(tb testing.TB, name string, auth Auth, ca Authority) string {
	tb.Helper()
	return startRegistry(tb, name, auth, map[string]any{"tls": map[string]any{"certificate": ca.Cert, "key": ca.Key}})
}

func startRegistry(tb testing.TB, name string, auth Auth, http map[string]any) string {
	tb.Helper()
	return StartRegistryWith(tb, name, Local(Port(tb)), auth, func(config map[string]any) {
		maps.Copy(config["http"].(map[string]any), http)
	})
}

// StartRegistryWith is StartRegistry on an address of the caller's, who may
// change the configuration before it starts.
func StartRegistryWith(tb testing.TB, name, addr string, auth Auth, change func(config map[string]any)) string {
	tb.Helper()
	Need(tb, name)
	dir := tb.TempDir()
	config := map[string]any{
		"version": 0.1,
		"log":     map[string]any{"level": "error", "accesslog": map[string]any{"disabled": true}},
		"storage": map[string]any{"filesystem": map[string]any{"rootdirectory": dir + "/data"}},
		// Relative, or an upload's Location follows the client's headers: that
		// weakness is for the cases that are about it.
		"http": map[string]any{"addr": addr, "secret": "peer", "relativeurls": true},
	}
	if auth != nil {
		config["auth"] = auth
	}
	change(config)
	text, err := json.Marshal(config) // JSON is YAML too
	if err != nil {
		tb.Fatal(err)
	}
	start(tb, dir, addr, Find(name), "serve", write(tb, dir, "config.yml", string(text)))
	return addr
}

// Htpasswd is an auth section with one user.
func Htpasswd(tb testing.TB, user, password string) Auth {
	tb.Helper()
	return Auth{"htpasswd": map[string]any{"realm": "peer", "path": HtpasswdFile(tb, user, password)}}
}

// HtpasswdFile writes a password file that registries and nginx both read.
func HtpasswdFile(tb testing.TB, user, password string) string {
	tb.Helper()
	return UsersFile(tb, [2]string{user, password})
}

// UsersFile is HtpasswdFile for several users, each a name and a password.
func UsersFile(tb testing.TB, users ...[2]string) string {
	tb.Helper()
	text := ""
	for _, u := range users {
		text += u[0] + ":" + Bcrypt(tb, u[1]) + "\n"
	}
	return write(tb, tb.TempDir(), "htpasswd", text)
}

// Bcrypt is a password as password files hold it, cheap to compare.
func Bcrypt(tb testing.TB, password string) string {
	tb.Helper()
	hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
	if err != nil {
		tb.Fatal(err)
	}
	return string(hash)
}
