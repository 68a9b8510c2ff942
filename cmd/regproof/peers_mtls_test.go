// SPDX-License-Identifier: Apache-2.0

package main_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/regproof/regproof/internal/peer"
)

// The probes of client certificates.
const (
	anybodysCert = "transport/client-certificate"
	othersCert   = "transport/client-certificate-identity"
	resumption   = "transport/session-resumption"
)

// mutualCases are servers where the file says that a client certificate must be
// required. The reader's name is ci; old, server and other must be denied.
func mutualCases() []peerCase {
	inNginx := func(c peerCase, text string, more ...string) peerCase {
		c.software, c.needs = "nginx 1.22 (TLS, HTTP/2), docker-registry 2.8.2", []string{peer.Nginx}
		c.build = func(t *testing.T, w *peerWorld) target {
			m := newMutual(t)
			addr := peer.Local(peer.Port(t))
			w.nginxAt(t, addr, w.open, m.nginx(w, addr), m.fill(text))
			return w.fromFile(t, m.file(w, addr, more...))
		}
		return c
	}
	inHaproxy := func(c peerCase, bind, rules string) peerCase {
		c.software, c.needs = "haproxy 2.6 (TLS, HTTP/2), docker-registry 2.8.2", []string{peer.Haproxy}
		c.build = func(t *testing.T, w *peerWorld) target {
			m := newMutual(t)
			addr := peer.Local(peer.Port(t))
			peer.StartHaproxy(t, addr, fmt.Sprintf("frontend f\n  bind %s ssl crt %s alpn h2,http/1.1 %s\n%s\n  default_backend b\nbackend b\n  server s %s\n", addr, w.joined(t), m.fill(bind), rules, w.open))
			return w.fromFile(t, m.file(w, addr, authority))
		}
		return c
	}
	distribution := func(c peerCase, mode string) peerCase {
		c.software, c.needs = "distribution v3.1.2 (TLS, HTTP/2)", []string{peer.Registry}
		c.build = func(t *testing.T, w *peerWorld) target {
			m := newMutual(t)
			disk := w.filledDisk(t)
			addr := peer.StartRegistryWith(t, peer.Registry, peer.Local(peer.Port(t)), nil, func(config map[string]any) {
				disk(config)
				config["http"].(map[string]any)["tls"] = map[string]any{"certificate": w.ca.Cert, "key": w.ca.Key, "clientcas": []string{m.ca.CA}, "clientauth": mode}
			})
			return w.fromFile(t, m.file(w, addr))
		}
		return c
	}
	open := append([]string{anybodysCert}, andUpload...)
	const named = `if ($ssl_client_s_dn != "CN=ci") { return 403; }`
	cases := []peerCase{
		inNginx(peerCase{name: "mutual-nginx", setup: "ssl_verify_client on, and the whole subject compared"},
			`ssl_client_certificate {CLIENTS}; ssl_verify_client on; location / { `+named+` {PASS} }`, authority),
		inNginx(peerCase{name: "mutual-nginx-optional", setup: "ssl_verify_client optional", exit: 1, fails: open, twin: "mutual-nginx"},
			`ssl_client_certificate {CLIENTS}; ssl_verify_client optional; location / { {PASS} }`),
		inNginx(peerCase{name: "mutual-nginx-no-ca", setup: "ssl_verify_client optional_no_ca, and 403 without any certificate", exit: 1, fails: []string{anybodysCert}, twin: "mutual-nginx"},
			`ssl_verify_client optional_no_ca; location / { if ($ssl_client_verify = NONE) { return 403; } {PASS} }`),
		inNginx(peerCase{name: "mutual-nginx-name-only", setup: "ssl_verify_client optional_no_ca, and the subject compared", exit: 1, fails: []string{anybodysCert}, twin: "mutual-nginx"},
			`ssl_verify_client optional_no_ca; location / { `+named+` {PASS} }`),
		inNginx(peerCase{name: "mutual-nginx-any-subject", setup: "ssl_verify_client on, the subject is not looked at", exit: 1, fails: []string{othersCert}, twin: "mutual-nginx"},
			`ssl_client_certificate {CLIENTS}; ssl_verify_client on; location / { {PASS} }`, authority),
		inNginx(peerCase{name: "mutual-nginx-any-subject-identity", setup: "the same, shown with a second identity and no test authority", exit: 1, fails: []string{othersCert}, twin: "mutual-nginx"},
			`ssl_client_certificate {CLIENTS}; ssl_verify_client on; location / { {PASS} }`),
		inNginx(peerCase{name: "mutual-nginx-searched", setup: "ssl_verify_client on, and CN=ci searched in the subject", exit: 1, fails: []string{othersCert}, twin: "mutual-nginx"},
			`ssl_client_certificate {CLIENTS}; ssl_verify_client on; location / { if ($ssl_client_s_dn !~ "CN=ci") { return 403; } {PASS} }`, authority),
		inNginx(peerCase{name: "mutual-nginx-password", setup: "ssl_verify_client on, and auth_basic"},
			`ssl_client_certificate {CLIENTS}; ssl_verify_client on; location / { `+named+` {AUTH} {PASS} }`, authority, password),
		inNginx(peerCase{name: "mutual-nginx-password-alone", setup: "ssl_verify_client optional, and auth_basic", exit: 1, fails: []string{anybodysCert}, twin: "mutual-nginx-password"},
			`ssl_client_certificate {CLIENTS}; ssl_verify_client optional; location / { {AUTH} {PASS} }`, authority, password),
		inNginx(peerCase{name: "mutual-nginx-tls", setup: "no client certificates at all, auth_basic", exit: 1, fails: []string{anybodysCert}, twin: "mutual-nginx-password"},
			`location / { {AUTH} {PASS} }`, password),

		inHaproxy(peerCase{name: "mutual-haproxy", setup: "verify required, and the whole common name compared"},
			"ca-file {CLIENTS} verify required", "  http-request deny if !{ ssl_c_s_dn(cn) -m str ci }"),
		inHaproxy(peerCase{name: "mutual-haproxy-optional", setup: "verify optional", exit: 1, fails: open, twin: "mutual-haproxy"},
			"ca-file {CLIENTS} verify optional", ""),
		inHaproxy(peerCase{name: "mutual-haproxy-ignores", setup: "verify required with ca-ignore-err all crt-ignore-err all, and the common name compared", exit: 1, fails: []string{anybodysCert}, twin: "mutual-haproxy"},
			"ca-file {CLIENTS} verify required ca-ignore-err all crt-ignore-err all", "  http-request deny if !{ ssl_c_s_dn(cn) -m str ci }"),
		inHaproxy(peerCase{name: "mutual-haproxy-begins", setup: "verify required, and the beginning of the common name compared", exit: 1, fails: []string{othersCert}, twin: "mutual-haproxy"},
			"ca-file {CLIENTS} verify required", "  http-request deny if !{ ssl_c_s_dn(cn) -m beg ci }"),

		distribution(peerCase{name: "mutual-registry", setup: "clientauth: require-and-verify-client-cert; every certificate of the authority reads", exit: 1, fails: []string{othersCert}}, "require-and-verify-client-cert"),
		distribution(peerCase{name: "mutual-registry-given", setup: "clientauth: verify-client-cert-if-given", exit: 1, fails: open, twin: "mutual-registry"}, "verify-client-cert-if-given"),
		distribution(peerCase{name: "mutual-registry-request", setup: "clientauth: request-client-cert", exit: 1, fails: open, twin: "mutual-registry"}, "request-client-cert"),

		vhosts(peerCase{name: "mutual-nginx-vhosts", setup: "ssl_verify_client on for the registry; the site beside it takes the certificates of another authority; TLS 1.2"},
			besideNginx("ssl_protocols TLSv1.2;")),
		vhosts(peerCase{name: "mutual-nginx-vhosts-stateless", setup: "the same with TLS 1.3, ssl_session_tickets off and ssl_session_cache off"},
			besideNginx("ssl_protocols TLSv1.2 TLSv1.3; ssl_session_tickets off; ssl_session_cache off;")),
		vhosts(peerCase{name: "mutual-nginx-vhosts-resumed", setup: "the same with TLS 1.3 (CVE-2025-23419)", exit: 1, fails: []string{resumption}, twin: "mutual-nginx-vhosts-stateless"},
			besideNginx("ssl_protocols TLSv1.2 TLSv1.3;")),
		vhosts(peerCase{name: "mutual-haproxy-vhosts", setup: "crt-list with verify required for the registry and verify none for the site beside it; 421 with another SNI; denied unless ssl_c_used"},
			besideHaproxy("  http-request deny if !{ ssl_fc_has_sni } !{ ssl_c_used }\n")),
		vhosts(peerCase{name: "mutual-haproxy-vhosts-resumed", setup: "the same, and ssl_c_used is not looked at", exit: 1, fails: []string{resumption}, twin: "mutual-haproxy-vhosts"},
			besideHaproxy("")),

		mutualToken(peerCase{name: "mutual-token", setup: "nginx with ssl_verify_client on before a registry with tokens, and before its token service",
			passes: []string{"token/signature", "token/algorithm", "token/key", "token/structure", "token/stranger", "token/surplus", "token/basic"}}, "on"),
		mutualToken(peerCase{name: "mutual-token-open", setup: "the same, the token service takes no certificate", exit: 1, fails: []string{anybodysCert}, twin: "mutual-token"}, "off"),
	}
	for i := range cases {
		// Strangers get no further than the certificate, which decides what is theirs.
		cases[i].decided = true
		switch c := &cases[i]; {
		case slices.Contains(letIn, c.name): // who is let in also lists and writes
			c.fails = append(slices.Clone(c.fails), "authz/pull", "authz/list", "authz/push")
		case slices.Contains(c.fails, "manifest-by-tag"):
			c.fails = append(slices.Clone(c.fails), "authz/push") // what strangers may read is no right of anybody
		}
	}
	return cases
}

// letIn are the cases where an identity that must be denied is let in.
var letIn = []string{
	"mutual-nginx-no-ca", "mutual-nginx-name-only", "mutual-nginx-any-subject", "mutual-nginx-any-subject-identity", "mutual-haproxy-ignores", "mutual-registry",
}

// What a file says besides.
const (
	authority = ", ca: {cert: CLIENTS, key: AUTHORITYKEY}"
	password  = "    from: {env: [CI_USER, CI_PASSWORD]}\n"
)

// mutualPeer is the authority of clients of a case, and its certificates.
type mutualPeer struct {
	ca    peer.Clients
	certs map[string][2]string
}

func newMutual(t *testing.T) *mutualPeer {
	m := &mutualPeer{ca: peer.NewClients(t, "clients of corp"), certs: map[string][2]string{}}
	for name, spoil := range map[string]func() (string, string){
		"ci":     func() (string, string) { return m.ca.Issue(t, "ci", nil) },
		"old":    func() (string, string) { return m.ca.Issue(t, "ci", peer.Expired) },
		"server": func() (string, string) { return m.ca.Issue(t, "ci", peer.ForServers) },
		"other":  func() (string, string) { return m.ca.Issue(t, "other", nil) },
	} {
		cert, key := spoil()
		m.certs[name] = [2]string{cert, key}
	}
	return m
}

// fill puts the authority into a server's configuration.
func (m *mutualPeer) fill(text string) string { return strings.ReplaceAll(text, "{CLIENTS}", m.ca.CA) }

// nginx is how a server block speaks TLS.
func (m *mutualPeer) nginx(w *peerWorld, addr string) string {
	return fmt.Sprintf("listen %s ssl http2; ssl_certificate %s; ssl_certificate_key %s;", addr, w.ca.Cert, w.ca.Key)
}

// file is the configuration file of a case.
func (m *mutualPeer) file(w *peerWorld, addr string, more ...string) string {
	text := "version: 1\nregistries:\n  - name: corp\n    url: https://" + addr + "\n    tls: {ca: " + w.ca.CA + ", mutual: true}\nidentities:\n"
	for _, name := range []string{"ci", "old", "server", "other"} {
		pair, ca, from := m.certs[name], "", ""
		for _, extra := range more {
			if name == "ci" && extra == authority {
				ca = extra
			} else if name == "ci" {
				from = extra
			}
		}
		text += fmt.Sprintf("  - name: %s\n    cert: {cert: %s, key: %s%s}\n%s", name, pair[0], pair[1], ca, from)
	}
	text += "policy:\n  rules:\n    - {who: [ci], repos: [\"**\"], can: [pull, push, delete, list, catalog]}\n    - {who: [old, server, other], repos: [\"other/**\"], can: [pull]}\n" +
		"images:\n  - {registry: corp, repository: team/app, reference: \"1.4\"}\n"
	return strings.NewReplacer("CLIENTS", m.ca.CA, "AUTHORITYKEY", m.ca.Key).Replace(text)
}

// joined is the server's certificate and its key in one file.
func (w *peerWorld) joined(t *testing.T) string {
	t.Helper()
	var text []byte
	for _, f := range []string{w.ca.Cert, w.ca.Key} {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		text = append(text, b...)
	}
	path := filepath.Join(t.TempDir(), "server.pem")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// filledDisk is the storage of a distribution v3 that holds the images.
func (w *peerWorld) filledDisk(t *testing.T) func(config map[string]any) {
	t.Helper()
	dir := t.TempDir()
	disk := func(config map[string]any) {
		config["storage"] = map[string]any{"filesystem": map[string]any{"rootdirectory": dir}}
	}
	w.fill(t, peer.StartRegistryWith(t, peer.Registry, peer.Local(peer.Port(t)), nil, disk), "")
	return disk
}

// mutualToken is a registry with tokens behind nginx that wants certificates,
// and its token service behind another, which does as verify says.
func mutualToken(c peerCase, verify string) peerCase {
	c.software, c.needs = "nginx 1.22 (TLS, HTTP/2), distribution v3.1.2", []string{peer.Nginx, peer.Registry}
	c.build = func(t *testing.T, w *peerWorld) target {
		m := newMutual(t)
		service := peer.NewTokenService(t, peerUser, peerPassword, peer.Refuse)
		addr, realm := peer.Local(peer.Port(t)), peer.Local(peer.Port(t))
		registry := peer.StartRegistryWith(t, peer.Registry, peer.Local(peer.Port(t)), service.Auth("https://"+realm+"/token"), w.filledDisk(t))
		const named = `if ($ssl_client_s_dn != "CN=ci") { return 403; }`
		w.nginxAt(t, addr, registry, m.nginx(w, addr), m.fill(`ssl_client_certificate {CLIENTS}; ssl_verify_client on; location / { `+named+` {PASS} }`))
		text := `ssl_client_certificate {CLIENTS}; ssl_verify_client ` + verify + `; location / { {PASS} }`
		w.nginxAt(t, realm, strings.TrimSuffix(strings.TrimPrefix(service.URL, "http://"), "/token"), m.nginx(w, realm), m.fill(text))
		return w.fromFile(t, m.file(w, addr, authority, password))
	}
	return c
}

// vhosts is a registry beside another site on one port; clients of the registry
// send no server name, since it is called by its address. The certificate of other
// is of an authority that the other site takes.
func vhosts(c peerCase, start func(t *testing.T, w *peerWorld, m *mutualPeer, foreign peer.Clients, addr string)) peerCase {
	c.software, c.needs = "nginx 1.22 (TLS, HTTP/2), docker-registry 2.8.2", []string{peer.Nginx}
	if strings.Contains(c.name, "haproxy") {
		c.software, c.needs = "haproxy 2.6 (TLS, HTTP/2), docker-registry 2.8.2", []string{peer.Haproxy}
	}
	c.build = func(t *testing.T, w *peerWorld) target {
		m, foreign := newMutual(t), peer.NewClients(t, "clients of the other site")
		cert, key := foreign.Issue(t, "other", nil)
		m.certs["other"] = [2]string{cert, key}
		addr := peer.Local(peer.Port(t))
		start(t, w, m, foreign, addr)
		return w.fromFile(t, m.file(w, addr, authority))
	}
	return c
}

func besideNginx(options string) func(*testing.T, *peerWorld, *mutualPeer, peer.Clients, string) {
	return func(t *testing.T, w *peerWorld, m *mutualPeer, foreign peer.Clients, addr string) {
		other := fmt.Sprintf("server { %s server_name public.test; ssl_client_certificate %s; ssl_verify_client optional; location / { return 200 other; } }\n---\n", m.nginx(w, addr), foreign.CA)
		// Who has no business here is told by the authority, not by the name.
		const registry = `ssl_client_certificate {CLIENTS}; ssl_verify_client on; location / { if ($ssl_client_s_dn !~ "^CN=(ci|other)$") { return 403; } {PASS} }`
		w.nginxAt(t, addr, w.open, strings.Replace(m.nginx(w, addr), "http2;", "http2 default_server; "+options, 1), other+m.fill(registry))
	}
}

func besideHaproxy(rule string) func(*testing.T, *peerWorld, *mutualPeer, peer.Clients, string) {
	return func(t *testing.T, w *peerWorld, m *mutualPeer, _ peer.Clients, addr string) {
		list := filepath.Join(t.TempDir(), "list")
		text := fmt.Sprintf("%[1]s [ca-file %[2]s verify required] registry.test\n%[1]s [verify none] public.test\n", w.joined(t), m.ca.CA)
		if err := os.WriteFile(list, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		peer.StartHaproxy(t, addr, fmt.Sprintf("frontend f\n  bind %s ssl crt-list %s alpn h2,http/1.1\n%s"+
			"  http-request deny deny_status 421 if { hdr(host) -i %s } { ssl_fc_has_sni }\n"+
			"  http-request return status 200 content-type text/plain string other if { ssl_fc_has_sni }\n"+
			"  http-request deny if { ssl_c_used } !{ ssl_c_s_dn(cn) -m str ci }\n  default_backend b\nbackend b\n  server s %s\n", addr, list, rule, addr, w.open))
	}
}
