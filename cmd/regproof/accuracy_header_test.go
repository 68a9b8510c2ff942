// SPDX-License-Identifier: Apache-2.0

package main_test

import (
	"strings"
	"testing"

	"github.com/regproof/regproof/internal/peer"
)

// headerAccuracy are guards that believe what a client says of itself and of
// its request.
func headerAccuracy() []accuracyCase {
	agent := func(name, setup, agent string) accuracyCase {
		return accuracyCase{name: name, weakness: "front-user-agent-exempt", setup: setup, sound: "all agents are asked",
			leak: leak{request: get("{MANIFEST}", "User-Agent: "+agent)}, fails: []string{"ingress/user-agent"}, cause: "GoogleHC|kube-probe|ELB-HealthChecker"}
	}
	address := func(name, setup, sound string) accuracyCase {
		return accuracyCase{name: name, weakness: "front-xff-ip-allow", setup: setup, sound: sound,
			leak: leak{request: get("{MANIFEST}", "X-Forwarded-For: 10.0.0.1")}, fails: []string{"ingress/client-address"}, cause: "X-Forwarded-For"}
	}
	original := func(name, weakness, setup, sound, path, header string) accuracyCase {
		return accuracyCase{name: name, weakness: weakness, setup: setup, sound: sound, leak: leak{request: get(path, header)}, fails: []string{"ingress/original-request"}, cause: "X-Original|X-Rewrite|X-Forwarded"}
	}
	return []accuracyCase{
		inNginx.pair(agent("agent-nginx", "GoogleHC is not asked", "GoogleHC/1.0"), debian,
			"map $http_user_agent $realm { default R; ~^GoogleHC/ off; }\n---\nlocation / { auth_basic $realm; {FILE} {PASS} }", guard),
		inHaproxy.pair(agent("agent-haproxy", "ELB-HealthChecker is not asked", "ELB-HealthChecker/2.0"), v3,
			"  http-request auth realm R if !{ hdr_beg(user-agent) ELB-HealthChecker } !{KNOWN}\n", haproxyGuard),
		inCaddyTLS.pair(agent("agent-caddy", "kube-probe is not asked", "kube-probe/1.30"), debian,
			"@guarded not header User-Agent kube-probe*\nbasicauth @guarded {USERS}\n{PASS}", caddyGuard),
		inVarnish.pair(agent("agent-varnish", "kube-probe is not asked", "kube-probe/1.30"), v3,
			`sub vcl_recv { if (req.http.User-Agent !~ "^kube-probe/" && {UNKNOWN}) { {DENY} } return (pass); }`, varnishGuard),
		inSquid.pair(agent("agent-squid", "acl browser GoogleHC is allowed", "GoogleHC/1.0"), debian,
			"acl health browser ^GoogleHC\ncache deny all\nhttp_access allow health\nhttp_access deny !known\nhttp_access allow all", "cache deny all\nhttp_access deny !known\nhttp_access allow all"),

		inNginx.pair(address("address-nginx", "satisfy any, and set_real_ip_from 0.0.0.0/0", "set_real_ip_from 192.0.2.1"), v3,
			`set_real_ip_from 0.0.0.0/0; real_ip_header X-Forwarded-For; location / { satisfy any; allow 10.0.0.0/8; deny all; {AUTH} {PASS} }`,
			`set_real_ip_from 192.0.2.1; real_ip_header X-Forwarded-For; location / { satisfy any; allow 10.0.0.0/8; deny all; {AUTH} {PASS} }`),
		inHaproxy.pair(address("address-haproxy", "auth unless hdr_ip(x-forwarded-for) is 10/8", "auth unless src is 10/8"), debian,
			"  http-request auth realm R if !{ hdr_ip(x-forwarded-for) 10.0.0.0/8 } !{KNOWN}\n", "  http-request auth realm R if !{ src 10.0.0.0/8 } !{KNOWN}\n"),
		inCaddy.pair(address("address-caddy", "basicauth on `not remote_ip forwarded 10.0.0.0/8`", "`not remote_ip 10.0.0.0/8`"), v3,
			"@guarded not remote_ip forwarded 10.0.0.0/8\nbasicauth @guarded {USERS}\n{PASS}", "@guarded not remote_ip 10.0.0.0/8\nbasicauth @guarded {USERS}\n{PASS}"),
		inVarnish.pair(address("address-varnish", "std.ip of X-Forwarded-For in an acl of 10/8", "client.ip in it"), debian,
			`acl inside { "10.0.0.0"/8; } sub vcl_recv { if (!(std.ip(regsub(req.http.X-Forwarded-For, ",.*", ""), "192.0.2.1") ~ inside) && {UNKNOWN}) { {DENY} } return (pass); }`,
			`acl inside { "10.0.0.0"/8; } sub vcl_recv { if (!(client.ip ~ inside) && {UNKNOWN}) { {DENY} } return (pass); }`),
		inSquid.pair(address("address-squid", "follow_x_forwarded_for allow all, and an acl of 10/8", "follow_x_forwarded_for deny all"), v3,
			"acl inside src 10.0.0.0/8\nfollow_x_forwarded_for allow all\nacl_uses_indirect_client on\ncache deny all\nhttp_access allow inside\nhttp_access deny !known\nhttp_access allow all",
			"acl inside src 10.0.0.0/8\nfollow_x_forwarded_for deny all\nacl_uses_indirect_client on\ncache deny all\nhttp_access allow inside\nhttp_access deny !known\nhttp_access allow all"),
		inNginx.pair(accuracyCase{name: "address-real-ip", weakness: "front-xff-ip-allow", setup: "geo of X-Real-IP lets 127/8 in", sound: "geo of the peer's address lets 192.0.2/24 in",
			leak: leak{request: get("{MANIFEST}", "X-Real-IP: 127.0.0.1")}, fails: []string{"ingress/client-address"}, cause: "X-Real-IP"}, debian,
			"geo $http_x_real_ip $realm { default R; 127.0.0.0/8 off; }\n---\nlocation / { auth_basic $realm; {FILE} {PASS} }",
			"geo $realm { default R; 192.0.2.0/24 off; }\n---\nlocation / { auth_basic $realm; {FILE} {PASS} }"),

		authRequest(original("original-uri-nginx", "front-auth-request-uri-trust", "auth_request to a service that opens what X-Original-URI names under /v2/public/; nobody sets it", "proxy_set_header X-Original-URI $request_uri",
			"{MANIFEST}", "X-Original-URI: /v2/public/base/manifests/1"), debian, "x_original_uri", ""),
		authRequest(original("forwarded-uri-nginx", "front-auth-request-uri-trust", "auth_request to a service that opens the ping by X-Forwarded-Uri; nobody sets it", "proxy_set_header X-Forwarded-Uri $request_uri",
			"{MANIFEST}", "X-Forwarded-Uri: /v2/"), v3, "x_forwarded_uri", "^/v2/$"),
		authRequest(original("forwarded-method-nginx", "front-auth-request-uri-trust", "the service opens OPTIONS by X-Forwarded-Method; nobody sets it", "proxy_set_header X-Forwarded-Method $request_method",
			"{MANIFEST}", "X-Forwarded-Method: OPTIONS"), debian, "x_forwarded_method", "^OPTIONS$"),
		inNginx.pair(original("rewrite-nginx", "front-url-rewrite-header", "location = / is open and rewrites to X-Original-URL", "it asks for the password",
			"/", "X-Original-URL: {MANIFEST}"), v3,
			"map $http_x_original_url $to { default $http_x_original_url; \"\" /; }\n---\nlocation = / { rewrite ^ $to break; {PASS} } location / { {AUTH} {PASS} }",
			"map $http_x_original_url $to { default $http_x_original_url; \"\" /; }\n---\nlocation = / { {AUTH} rewrite ^ $to break; {PASS} } location / { {AUTH} {PASS} }"),
		inHaproxy.pair(original("rewrite-haproxy", "front-url-rewrite-header", "auth on /v2/, then set-path from X-Rewrite-URL", "set-path comes first",
			"/", "X-Rewrite-URL: {MANIFEST}"), debian,
			"  http-request auth realm R if { path,url_dec -m beg /v2/ } !{KNOWN}\n  http-request set-path %[hdr(x-rewrite-url)] if { hdr(x-rewrite-url) -m found }\n",
			"  http-request set-path %[hdr(x-rewrite-url)] if { hdr(x-rewrite-url) -m found }\n  http-request auth realm R if { path,url_dec -m beg /v2/ } !{KNOWN}\n"),
		inVarnish.pair(original("rewrite-varnish", "front-url-rewrite-header", "/ is open, and req.url is set from X-Original-URL afterwards", "all is guarded",
			"/", "X-Original-URL: {MANIFEST}"), v3,
			`sub vcl_recv { if (req.url != "/" && {UNKNOWN}) { {DENY} } if (req.http.X-Original-URL) { set req.url = req.http.X-Original-URL; } return (pass); }`,
			`sub vcl_recv { if ({UNKNOWN}) { {DENY} } if (req.http.X-Original-URL) { set req.url = req.http.X-Original-URL; } return (pass); }`),
	}
}

// authRequest is nginx with auth_request to a service, another nginx, that
// opens what a header names. The twin sets the header itself.
func authRequest(c accuracyCase, b behind, header, opens string) accuracyCase {
	if opens == "" {
		opens = "^/v2/public/"
	}
	value := "$request_uri"
	if header == "x_forwarded_method" {
		value = "$request_method"
	}
	at := func(set string) half {
		return func(t *testing.T, w *accuracyWorld) site {
			service := startNginx(plain)(t, w, w.guarded,
				"map $http_"+header+" $known { default n; ~"+opens+" y; }\n---\nlocation / { if ($known = y) { return 204; } proxy_pass http://{BACKEND}/v2/; proxy_method GET; }")
			return inNginx.start(t, w, b.addr(w),
				`location = /auth { internal; proxy_pass http://`+service.dial+`/; proxy_pass_request_body off; proxy_set_header Content-Length ""; `+set+` } location / { auth_request /auth; {PASS} }`)
		}
	}
	c.software, c.needs = "nginx 1.22 twice, "+b.name, []string{peer.Nginx, b.need}
	c.weak, c.twin = at(""), at("proxy_set_header "+strings.ReplaceAll(header, "_", "-")+" "+value+";")
	return c
}
