// SPDX-License-Identifier: Apache-2.0

package control

// secure is what controls about the way to the registry cite.
var secure = []Clause{connection, encrypted, inTransit}

// mutual is what controls about client certificates cite.
var mutual = []Clause{connection, authMeasure, authenticated, insecureAuth, ccmStrong}

func transport() []Control {
	return []Control{
		{"plain-http", "Plain HTTP serves nothing beside HTTPS", secure,
			[]string{"alt-plain-http-port", "backend-direct"}},
		{"plain-challenge", "Plain HTTP never asks for a credential", secure,
			[]string{"ssl-redirect-cred-leak"}},
		{"realm-scheme", "Clients are sent to a token service over https alone", secure,
			[]string{"realm-plain-http"}},
		{"realm-origin", "The token service is one that is known to belong to the registry", secure,
			[]string{"realm-foreign-host"}},
		{"protocol-version", "No TLS version before 1.2 is offered", secure,
			[]string{"tls-weak-protocol"}},
		{"cipher-suite", "No weak cipher suite is offered", secure,
			[]string{"tls-weak-protocol"}},
		{"certificate", "The certificate verifies for the name of every way in", secure,
			[]string{"tls-cert-invalid"}},
		{"certificate-strength", "The certificate chain has strong keys and signatures", secure,
			[]string{"tls-cert-invalid"}},
		{"ocsp-staple", "A stapled OCSP response is good and fresh", secure,
			[]string{"tls-cert-invalid"}},
		{"hsts", "Browsers are told to use https alone", secure,
			[]string{"hsts-missing"}},
		{"client-certificate", "A client certificate is required, and one of anybody is refused", mutual,
			[]string{"mtls-optional"}},
		{"client-certificate-identity", "A certificate of the right authority opens nothing for another identity", mutual,
			[]string{"mtls-any-ca-subject"}},
		{"session-resumption", "A resumed TLS session does not stand in for a client certificate", mutual,
			[]string{"mtls-optional", "front-sni-host-mismatch"}},
		{"spiffe-identity", "A SPIFFE certificate counts for its own trust domain and path alone", mutual,
			[]string{"workload-identity-loose"}},
	}
}
