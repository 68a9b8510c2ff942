// SPDX-License-Identifier: Apache-2.0

// Package product recognises registries and fronts by what they answer, and
// holds for each the configuration that makes a control hold. It is a hint for
// help texts and never decides a verdict; a setting that neither was tried with
// the software nor stands in its documentation is left out.
package product

import "strings"

// Unknown is the product of a registry that tells nothing of itself.
const Unknown = "unknown"

// signs are marks in an answer's headers, the more special first: a header,
// and a part of its value in any case.
var signs = []struct{ product, header, value string }{
	{"harbor", "Www-Authenticate", `service="harbor-registry"`},
	{"harbor", "Www-Authenticate", `basic realm="harbor"`},
	{"quay", "Www-Authenticate", `realm="https://quay.io/`},
	{"ghcr", "Www-Authenticate", `realm="https://ghcr.io/`},
	{"dockerhub", "Www-Authenticate", `realm="https://auth.docker.io/`},
	{"acr", "Www-Authenticate", `azurecr.io/oauth2/token"`},
	{"gitlab", "Www-Authenticate", `/jwt/auth",service="container_registry"`},
	{"gitea", "Www-Authenticate", `/v2/token",service="container_registry"`},
	{"distribution", "Docker-Distribution-Api-Version", "registry/2.0"},
}

// Detect names the product that headers point at, as pairs of name and value.
func Detect(headers [][2]string) string {
	for _, s := range signs {
		for _, h := range headers {
			if strings.EqualFold(h[0], s.header) && strings.Contains(strings.ToLower(h[1]), strings.ToLower(s.value)) {
				return s.product
			}
		}
	}
	return Unknown
}
