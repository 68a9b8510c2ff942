// SPDX-License-Identifier: Apache-2.0

package control

import "slices"

func ingress() []Control {
	return []Control{
		{"path-spelling", "No spelling of the path opens what is denied", read,
			[]string{"path-percent-encoding", "path-dot-slash-normalisation", "path-case"}},
		{"mount-path", "No other path leads to the registry past its guard", read,
			[]string{"front-prefix-without-slash", "v2-mount-path-variants"}},
		{"query", "A query string opens nothing", read,
			[]string{"front-query-exempt", "front-skip-auth-regex"}},
		{"method", "No method opens what GET is denied", read,
			[]string{"anon-method-variants"}},
		{"host", "No Host header opens what is denied", read,
			[]string{"front-host-spelling", "vhost-default-server", "front-absolute-form"}},
		{"server-name", "No TLS server name opens what is denied", slices.Concat(read, []Clause{connection, encrypted}),
			[]string{"front-sni-host-mismatch", "vhost-default-server"}},
		{"protocol", "No version of HTTP and no upgrade opens what is denied", read,
			[]string{"front-upgrade-exempt"}},
		{"client-address", "A client cannot claim an address that is let in", read,
			[]string{"front-xff-ip-allow"}},
		{"original-request", "A client cannot claim that it asked for something else", read,
			[]string{"front-auth-request-uri-trust", "front-url-rewrite-header"}},
		{"identity-header", "A client cannot claim an identity in a header", read,
			[]string{"front-identity-header-trust", "front-mtls-header-trust"}},
		{"authorization", "Only a valid credential opens what is denied", read,
			[]string{"front-authorization-present", "silly-auth"}},
		{"user-agent", "No User-Agent opens what is denied", read,
			[]string{"front-user-agent-exempt"}},
		{"accept", "No Accept header opens what is denied", read,
			[]string{"front-accept-header"}},
		{"conditional", "A conditional request opens nothing", read,
			[]string{"front-conditional-exempt"}},
		{"range", "A range request opens nothing", read,
			nil},
		{"depth", "The guard covers repositories of every depth", read,
			[]string{"front-regex-depth"}},
		{"static-extension", "The guard covers names that end like a static file", read,
			[]string{"front-static-extension"}},
		{"replicas", "Every replica behind one address denies", read,
			[]string{"lb-inconsistent-backends"}},
		{"realm-host", "The token realm does not follow the client's Host header", []Clause{connection, encrypted, insecureAuth},
			[]string{"host-header-realm"}},
		{"location-host", "An upload location does not follow the client's headers", []Clause{connection, encrypted, insecureAuth},
			[]string{"location-host-reflection"}},
		{"cors", "A foreign web page cannot read with a user's credentials", []Clause{authRisk, authMeasure, insecureAuth},
			[]string{"cors-wildcard-credentials"}},
		{"parallel-api", "No other API of the product tells of a private repository", list,
			[]string{"ui-api-parallel-path"}},
	}
}
