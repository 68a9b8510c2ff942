// SPDX-License-Identifier: Apache-2.0

package main_test

import (
	"strings"
	"testing"

	"github.com/regproof/regproof/internal/peer"
)

// trusting is an inner nginx that asks for the password unless a header says
// who it is.
func trusting(header, value string) string {
	if value == "" {
		return "map $http_" + header + " $realm { default off; \"\" R; }\n---\nlocation / { auth_basic $realm; {FILE} {PASS} }"
	}
	return "map $http_" + header + " $realm { default R; " + value + " off; }\n---\nlocation / { auth_basic $realm; {FILE} {PASS} }"
}

// identityAccuracy are guards that let in whoever says that they may.
func identityAccuracy() []accuracyCase {
	claim := func(name, setup, sound, header string) accuracyCase {
		return accuracyCase{name: name, weakness: "front-identity-header-trust", setup: setup, sound: sound,
			leak: leak{request: get("{MANIFEST}", header+": admin")}, fails: []string{"ingress/identity-header"}, cause: header}
	}
	mutual := func(name, setup, sound string) accuracyCase {
		return accuracyCase{name: name, weakness: "front-mtls-header-trust", setup: setup, sound: sound,
			leak: leak{request: get("{MANIFEST}", "X-SSL-Client-Verify: SUCCESS")}, fails: []string{"ingress/identity-header"}, cause: "X-SSL-Client-Verify"}
	}
	present := func(name, setup, header string) accuracyCase {
		return accuracyCase{name: name, weakness: "front-authorization-present", setup: setup, sound: "the password is compared",
			leak: leak{request: get("{MANIFEST}", header)}, fails: []string{"ingress/authorization"}, may: anon("*"), cause: "Authorization|Bearer|credential"}
	}
	return []accuracyCase{
		behindNginx(inNginx, claim("webauth-nginx", "the backend trusts X-WEBAUTH-USER, which the front passes on", "the front empties it", "X-WEBAUTH-USER"), debian,
			`location / { {PASS} }`, `location / { proxy_set_header X-WEBAUTH-USER ""; {PASS} }`, trusting("x_webauth_user", "")),
		behindNginx(inHaproxyTLS, claim("remote-user-haproxy", "the backend trusts X-Remote-User, which the front passes on", "http-request del-header", "X-Remote-User"), v3,
			"", "  http-request del-header x-remote-user\n", trusting("x_remote_user", "")),
		behindNginx(inCaddy, claim("forwarded-user-caddy", "the backend trusts X-Forwarded-User, which the front passes on", "header_up -X-Forwarded-User", "X-Forwarded-User"), debian,
			"{PASS}", "reverse_proxy {BACKEND} {\nheader_up -X-Forwarded-User\n}", trusting("x_forwarded_user", "")),
		behindNginx(inVarnish, claim("remote-user-varnish", "the backend trusts X-Remote-User, which the front passes on", "unset req.http.X-Remote-User", "X-Remote-User"), v3,
			"sub vcl_recv { return (pass); }", "sub vcl_recv { unset req.http.X-Remote-User; return (pass); }", trusting("x_remote_user", "")),
		behindNginx(inSquid, claim("webauth-squid", "the backend trusts X-WEBAUTH-USER, which the front passes on", "request_header_access X-WEBAUTH-USER deny all", "X-WEBAUTH-USER"), debian,
			"cache deny all\nhttp_access allow all", "cache deny all\nrequest_header_access X-WEBAUTH-USER deny all\nhttp_access allow all", trusting("x_webauth_user", "")),

		behindNginx(inNginxTLS, mutual("verify-header-nginx", "ssl_verify_client optional; the backend trusts X-SSL-Client-Verify, which the front does not set", "proxy_set_header X-SSL-Client-Verify $ssl_client_verify"), v3,
			`ssl_client_certificate {CA}; ssl_verify_client optional; location / { {PASS} }`,
			`ssl_client_certificate {CA}; ssl_verify_client optional; location / { proxy_set_header X-SSL-Client-Verify $ssl_client_verify; {PASS} }`, trusting("x_ssl_client_verify", "SUCCESS")),
		behindNginx(inHaproxyTLS, mutual("verify-header-haproxy", "set-header X-SSL-Client-Verify only if a certificate is there", "del-header before it"), debian,
			"ca-file {CA} verify optional\n===\n  http-request set-header X-SSL-Client-Verify SUCCESS if { ssl_c_used } { ssl_c_verify 0 }\n",
			"ca-file {CA} verify optional\n===\n  http-request del-header X-SSL-Client-Verify\n  http-request set-header X-SSL-Client-Verify SUCCESS if { ssl_c_used } { ssl_c_verify 0 }\n", trusting("x_ssl_client_verify", "SUCCESS")),

		inNginx.pair(present("present-nginx", "any Authorization passes", "Authorization: Bearer x"), debian,
			"map $http_authorization $realm { default off; \"\" R; }\n---\nlocation / { auth_basic $realm; {FILE} {PASS} }", guard),
		inHaproxy.pair(present("present-haproxy", "auth unless hdr(authorization) -m found", "Authorization:"), v3,
			"  http-request auth realm R if !{ req.fhdr(authorization) -m found }\n", haproxyGuard),
		inCaddyTLS.pair(present("present-caddy", "basicauth on `not header Authorization *`", "Authorization: Bearer x"), debian,
			"@guarded not header Authorization *\nbasicauth @guarded {USERS}\n{PASS}", caddyGuard),
		inVarnish.pair(present("present-varnish", "if (!req.http.Authorization)", "Authorization: Bearer x"), v3,
			"sub vcl_recv { if (!req.http.Authorization) { {DENY} } return (pass); }", varnishGuard),
		inSquid.pair(present("present-squid", "acl req_header Authorization .", "Authorization: Bearer x"), debian,
			"acl some req_header Authorization .\ncache deny all\nhttp_access deny !some\nhttp_access allow all", "cache deny all\nhttp_access deny !known\nhttp_access allow all"),
		silly("silly-2.8.2", peer.DockerRegistry, debianAuth),
		silly("silly-3.1.2", peer.Registry, v3Auth),
	}
}

// silly is the registry's auth for tests, which takes any Authorization.
func silly(name, registry string, twin behind) accuracyCase {
	return accuracyCase{name: name, weakness: "silly-auth", software: twin.name, setup: "auth: silly", sound: "auth: htpasswd", needs: []string{registry},
		leak: leak{request: get("{MANIFEST}", "Authorization: x")}, fails: []string{"ingress/authorization"}, may: anon("*"), cause: "Authorization|Bearer|credential",
		weak: func(t *testing.T, w *accuracyWorld) site {
			// Clients fetch a token, which the registry does not look at.
			service := peer.NewTokenService(t, peerUser, peerPassword, peer.Refuse)
			s := w.at(site{dial: w.registry(t, registry, peer.Auth{"silly": map[string]any{"realm": service.URL, "service": "peer registry"}}), token: service.URL}, plain)
			s.args = append(s.args, "--allow-realm", strings.TrimSuffix(service.URL, "/token"))
			return s
		},
		twin: func(_ *testing.T, w *accuracyWorld) site { return w.at(site{dial: twin.addr(w)}, plain) }}
}
