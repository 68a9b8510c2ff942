// SPDX-License-Identifier: Apache-2.0

package main_test

import (
	"testing"

	"github.com/regproof/regproof/internal/peer"
)

// hostAccuracy are guards on one name of a front that has more.
func hostAccuracy() []accuracyCase {
	host := func(name, weakness, setup, sound, request string) accuracyCase {
		return accuracyCase{name: name, weakness: weakness, setup: setup, sound: sound, leak: leak{request: request}, fails: []string{"ingress/host"}, cause: "host"}
	}
	const spelled = "front-host-spelling"
	return []accuracyCase{
		byNginx.pair(host("default-nginx", "vhost-default-server", "the server block of the name is guarded, default_server is open", "default_server answers 404", get("{MANIFEST}", "Host: other.example")), debian,
			"server { listen {ADDR} default_server; location / { {PASS} } }\n---\nserver_name registry.test; location / { {AUTH} {PASS} }",
			"server { listen {ADDR} default_server; location / { return 404; } }\n---\nserver_name registry.test; location / { {AUTH} {PASS} }"),
		byCaddy.pair(host("default-caddy", "vhost-default-server", "the site of the name is guarded, the site of any name is open", "the site of any name answers 404", get("{MANIFEST}", "Host: other.example")), v3,
			caddyGuard+"\n---\nhttp://:{PORT} {\nbind 127.0.0.1\n{PASS}\n}", caddyGuard+"\n---\nhttp://:{PORT} {\nbind 127.0.0.1\nrespond 404\n}"),
		byHaproxy.pair(host("default-haproxy", "vhost-default-server", "the backend of the name is guarded, default_backend is open", "default_backend is guarded", get("{MANIFEST}", "Host: other.example")), debian,
			"  use_backend named if { hdr(host),field(1,:) -i registry.test }\n---\nbackend named\n  http-request auth realm R if !{KNOWN}\n  server s {BACKEND}\nbackend b\n  server s {BACKEND}\n",
			"  use_backend named if { hdr(host),field(1,:) -i registry.test }\n---\nbackend named\n  http-request auth realm R if !{KNOWN}\n  server s {BACKEND}\nbackend b\n  http-request auth realm R if !{KNOWN}\n  server s {BACKEND}\n"),
		byHaproxy.pair(host("spelled-haproxy", spelled, "auth if hdr(host) -i is name:port", "auth on everything", get("{MANIFEST}", "Host: registry.test.:{PORT}")), v3,
			"  http-request auth realm R if { hdr(host) -i {HOST} } !{KNOWN}\n", haproxyGuard),
		byHaproxy.pair(host("no-host-haproxy", spelled, "auth if there is a Host", "auth on everything", raw("GET {MANIFEST} HTTP/1.0", "Accept: {ACCEPT}")), debian,
			"  http-request auth realm R if { hdr(host) -m found } !{KNOWN}\n", haproxyGuard).alsoMay("ingress/protocol"),
		byVarnish.pair(host("spelled-varnish", spelled, "if (req.http.host == name:port)", "the guard is on everything", get("{MANIFEST}", "Host: registry.test")), debian,
			`sub vcl_recv { if (req.http.host == "{HOST}" && {UNKNOWN}) { {DENY} } return (pass); }`, varnishGuard),
		bySquid.pair(host("spelled-squid", spelled, "http_access deny on dstdomain of the name", "deny everything", get("{MANIFEST}", "Host: other.example")), v3,
			"acl ours dstdomain registry.test\ncache deny all\nhttp_access deny ours !known\nhttp_access allow all", "cache deny all\nhttp_access deny !known\nhttp_access allow all"),
		byNginx.pair(host("spelled-nginx", spelled, "map of $http_host knows name:port", "the guard is on everything", get("{MANIFEST}", "Host: registry.test.:{PORT}")), v3,
			"map $http_host $realm { default off; {HOST} R; }\n---\nlocation / { auth_basic $realm; {FILE} {PASS} }", guard),
		absoluteForm(host("absolute-nginx-haproxy", "front-absolute-form", "nginx takes the server block of the target's host and sends $http_host; haproxy behind it routes by Host", "nginx sends $host",
			get("http://public.test:{PORT}{MANIFEST}"))),
	}
}

func (c accuracyCase) alsoMay(may ...string) accuracyCase {
	c.may = append(c.may, may...)
	return c
}

// absoluteForm is nginx with a guarded and a public name before haproxy, which
// has a registry for each.
func absoluteForm(c accuracyCase) accuracyCase {
	at := func(forward string) half {
		return func(t *testing.T, w *accuracyWorld) site {
			inner := startHaproxy(plain)(t, w, w.open,
				"  use_backend private if { hdr(host),field(1,:) -i registry.test }\n---\nbackend private\n  server s {BACKEND}\nbackend b\n  server s {ELSEWHERE}\n")
			pass := "proxy_pass http://{BACKEND}; proxy_set_header Host " + forward + ";"
			return byNginx.start(t, w, inner.dial, "server { listen {ADDR}; server_name public.test; location / { "+pass+" } }\n---\nserver_name registry.test; location / { {AUTH} "+pass+" }")
		}
	}
	c.software, c.needs = "nginx 1.22, haproxy 2.6, docker-registry 2.8.2", []string{peer.Nginx, peer.Haproxy}
	c.weak, c.twin = at("$http_host"), at("$host")
	return c
}
