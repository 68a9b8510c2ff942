// SPDX-License-Identifier: Apache-2.0

package credential

import (
	"fmt"
	"strings"
)

const (
	hub = "docker.io"
	// The key under which docker keeps the credential of Docker Hub (docker/cli
	// cli/config/configfile/file.go, authConfigKey).
	hubKey = "https://index.docker.io/v1/"
)

// normalHost makes the comparable form of a registry: without scheme and path, ASCII
// lower-case, the port kept as it is written, and Docker Hub's names as one.
func normalHost(s string) (string, error) {
	host, _, _ := strings.Cut(cutScheme(s), "/")
	if host == "" || strings.ContainsAny(host, " \t\r\n@?#\\") {
		return "", fmt.Errorf("%q is not a registry host: expected HOST or HOST:PORT", s)
	}
	return oneHub(lower(host)), nil
}

// normalKey makes the comparable form of a key of "auths" or "credHelpers": a host, or
// a host and a namespace as podman writes them. The forms that old docker wrote,
// https://HOST, https://HOST/v1/ and https://HOST/v2/, are their host.
func normalKey(key string) string {
	rest := cutScheme(key)
	host, path, _ := strings.Cut(rest, "/")
	host = oneHub(lower(host))
	url := rest != key
	switch path {
	case "", "v1/", "v2/":
		return host
	case "v1", "v2":
		if url {
			return host
		}
	}
	if url {
		// Not a form of the host: docker's own https://index.docker.io/v1/refresh-token
		// stands beside the entry of the host and is no password of it.
		return key
	}
	return host + "/" + path
}

func oneHub(host string) string {
	switch host {
	case "index.docker.io", "registry-1.docker.io":
		return hub
	}
	return host
}

func cutScheme(s string) string {
	for _, scheme := range []string{"https://", "http://"} {
		if len(s) >= len(scheme) && lower(s[:len(scheme)]) == scheme {
			return s[len(scheme):]
		}
	}
	return s
}

// lower is ASCII alone: Unicode knows other letters whose lower case is ASCII (U+212A
// becomes k), and two hosts must not become one.
func lower(s string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, s)
}
