// SPDX-License-Identifier: Apache-2.0

package main_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/regproof/regproof/internal/peer"
)

// tlsAccuracy are fronts where a client certificate is the credential.
func tlsAccuracy() []accuracyCase {
	optional := func(name, setup, sound string) accuracyCase {
		return accuracyCase{name: name, weakness: "mtls-optional", setup: setup, sound: sound, leak: leak{open: true, as: get("{MANIFEST}")}, fails: withUpload, may: []string{"ingress/*", anybodysCert}}
	}
	mismatch := func(name, setup, sound string) accuracyCase {
		return accuracyCase{name: name, weakness: "front-sni-host-mismatch", setup: setup, sound: sound,
			leak: leak{request: get("{MANIFEST}"), sni: "public.test", as: get("{MANIFEST}")}, fails: []string{"ingress/server-name"}, may: []string{resumption}, cause: "SNI|server name|public.test"}
	}
	clients := func(mode string) string {
		return "https://:{PORT} {\nbind 127.0.0.1\ntls {CERT} {KEY} {\nclient_auth {\nmode " + mode + "\ntrusted_ca_cert_file {CA}\n}\n}\n{PASS}\n}"
	}
	strict := func(options string) string {
		return options + "===\nhttps://registry.test:{PORT} {\nbind 127.0.0.1\ntls {CERT} {KEY} {\nclient_auth {\nmode require_and_verify\ntrusted_ca_cert_file {CA}\n}\n}\n{PASS}\n}\n" +
			"---\nhttps://public.test:{PORT} {\nbind 127.0.0.1\ntls {CERT} {KEY}\nrespond public\n}"
	}
	return []accuracyCase{
		mutualCase(inNginxTLS.pair(optional("mtls-nginx", "ssl_verify_client optional", "ssl_verify_client on"), v3,
			`ssl_client_certificate {CA}; ssl_verify_client optional; location / { {PASS} }`, `ssl_client_certificate {CA}; ssl_verify_client on; location / { {PASS} }`)),
		mutualCase(inHaproxyTLS.pair(optional("mtls-haproxy", "verify optional", "verify required"), debian,
			"ca-file {CA} verify optional\n===\n", "ca-file {CA} verify required\n===\n")),
		mutualCase(byCaddyTLS.pair(optional("mtls-caddy", "client_auth mode verify_if_given", "mode require_and_verify"), v3, clients("verify_if_given"), clients("require_and_verify"))),
		mutualCase(mutualRegistry(optional("mtls-3.1.2", "clientauth: verify-client-cert-if-given", "clientauth: require-and-verify-client-cert"))),

		mutualCase(crtList(mismatch("sni-haproxy", "crt-list with verify required for one name, and routing by Host", "421 unless SNI is that name, and denied unless ssl_c_used"))),
		mutualCase(byCaddyTLS.pair(mismatch("sni-caddy", "strict_sni_host insecure_off", "strict_sni_host is on"), v3,
			strict("servers {\nstrict_sni_host insecure_off\n}\n"), strict("servers {\nstrict_sni_host on\n}\n"))),
	}
}

var byCaddyTLS = kind{"caddy 2.6 (TLS, HTTP/2)", peer.Caddy, startCaddy(both)}

// mutualCase has a client certificate as its only credential.
func mutualCase(c accuracyCase) accuracyCase {
	with := func(start half) half {
		return func(t *testing.T, w *accuracyWorld) site {
			s := start(t, w)
			s.mutual, s.stranger = true, true
			s.args = append(s.args, "--cert-file", w.ca.Cert, "--key-file", w.ca.Key)
			return s
		}
	}
	if c.weak != nil {
		c.weak = with(c.weak)
	}
	c.twin = with(c.twin)
	c.may = append(slices.Clone(c.may), "transport/hsts") // low, and caddy sends none
	return c
}

// mutualRegistry is a registry that asks for certificates itself.
func mutualRegistry(c accuracyCase) accuracyCase {
	at := func(mode string) half {
		return func(t *testing.T, w *accuracyWorld) site {
			// It shares its storage with an open one, which is pushed to.
			s := w.newSite(t, secure)
			dir := t.TempDir()
			disk := func(config map[string]any) {
				section(config, "storage")["filesystem"] = map[string]any{"rootdirectory": dir}
			}
			w.registry(t, peer.Registry, nil, disk)
			peer.StartRegistryWith(t, peer.Registry, s.dial, nil, func(config map[string]any) {
				disk(config)
				section(config, "http")["relativeurls"] = true
				section(config, "http")["tls"] = map[string]any{"certificate": w.ca.Cert, "key": w.ca.Key, "clientcas": []string{w.ca.CA}, "clientauth": mode}
			})
			return s
		}
	}
	c.software, c.needs = "distribution v3.1.2 (TLS, HTTP/2)", []string{peer.Registry}
	c.weak, c.twin = at("verify-client-cert-if-given"), at("require-and-verify-client-cert")
	return c
}

// crtList is haproxy that wants a certificate for one of its two names.
func crtList(c accuracyCase) accuracyCase {
	at := func(rules string) half {
		return func(t *testing.T, w *accuracyWorld) site {
			s := w.newSite(t, both)
			list := filepath.Join(t.TempDir(), "list")
			text := fmt.Sprintf("%[1]s [ca-file %[2]s verify required] registry.test\n%[1]s [verify none] public.test\n", w.pem, w.ca.CA)
			if err := os.WriteFile(list, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			peer.StartHaproxy(t, s.dial, fmt.Sprintf("frontend f\n  bind %s ssl crt-list %s alpn h2,http/1.1\n%s  use_backend private if { hdr(host),field(1,:) -i registry.test }\n  default_backend b\nbackend private\n  server s %s\nbackend b\n  server s %s\n",
				s.dial, list, rules, w.open, w.elsewhere))
			return s
		}
	}
	c.software, c.needs = "haproxy 2.6 (TLS, HTTP/2), docker-registry 2.8.2", []string{peer.Haproxy}
	c.weak = at("")
	// 421 alone is not enough: a session that was opened for public.test goes on
	// at registry.test.
	const private = "{ hdr(host),field(1,:) -i registry.test }"
	c.twin = at("  http-request deny deny_status 421 if " + private + " !{ ssl_fc_sni -i registry.test }\n  http-request deny if " + private + " !{ ssl_c_used }\n")
	return c
}
