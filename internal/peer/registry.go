// SPDX-License-Identifier: Apache-2.0

package peer

import (
	"encoding/json"
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
	Need(tb, name)
	dir, addr := tb.TempDir(), Local(Port(tb))
	http["addr"], http["secret"] = addr, "peer"
	config := map[string]any{
		"version": 0.1,
		"log":     map[string]any{"level": "error", "accesslog": map[string]any{"disabled": true}},
		"storage": map[string]any{"filesystem": map[string]any{"rootdirectory": dir + "/data"}},
		"http":    http,
	}
	if auth != nil {
		config["auth"] = auth
	}
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
	hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
	if err != nil {
		tb.Fatal(err)
	}
	return write(tb, tb.TempDir(), "htpasswd", user+":"+string(hash)+"\n")
}
