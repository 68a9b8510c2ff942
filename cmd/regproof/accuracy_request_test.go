// SPDX-License-Identifier: Apache-2.0

package main_test

// requestAccuracy are guards that make an exception for some methods,
// protocols and kinds of requests.
func requestAccuracy() []accuracyCase {
	upgrade := func(name, setup string) accuracyCase {
		return accuracyCase{name: name, weakness: "front-upgrade-exempt", setup: setup, sound: "all is guarded",
			leak: leak{request: get("{MANIFEST}", "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==")}, fails: []string{"ingress/protocol"}, cause: "upgrade|websocket"}
	}
	conditional := func(name, setup string) accuracyCase {
		return accuracyCase{name: name, weakness: "front-conditional-exempt", setup: setup, sound: "all is guarded",
			leak: leak{request: get("{MANIFEST}", `If-None-Match: "sha256:0123"`)}, fails: []string{"ingress/conditional"}, cause: "If-None-Match|conditional"}
	}
	ranged := func(name, setup string) accuracyCase {
		return accuracyCase{name: name, weakness: "anon-blob-open-manifest-guarded", setup: setup, sound: "all is guarded",
			leak: leak{request: get("{LAYER}", "Range: bytes=5000-5999"), holds: partOfLayer}, fails: []string{"ingress/range"}, may: anon("config", "layer"), cause: "range"}
	}
	accept := func(name, setup string) accuracyCase {
		return accuracyCase{name: name, weakness: "front-accept-header", setup: setup, sound: "all is guarded",
			leak: leak{request: get("{MANIFEST}", "Accept: application/vnd.oci.image.index.v1+json"), open: true}, fails: []string{"ingress/accept"}, may: anon("*"), cause: "accept"}
	}
	method := func(name, setup, method string) accuracyCase {
		return accuracyCase{name: name, weakness: "anon-method-variants", setup: setup, sound: "all methods are guarded",
			leak: leak{request: ask(method, "{MANIFEST}")}, fails: []string{"ingress/method"}, cause: "method|" + method}
	}
	return []accuracyCase{
		inVarnish.pair(method("method-varnish", "vcl_recv asks GET, HEAD, PUT, POST, PATCH and DELETE for the password; what it hashes is fetched by GET", "OPTIONS"),
			debian, `sub vcl_recv { if (req.method ~ "^(GET|HEAD|PUT|POST|PATCH|DELETE)$" && {UNKNOWN}) { {DENY} } if (req.method ~ "^(PUT|POST|PATCH|DELETE)$" || req.http.Authorization) { return (pass); } return (hash); } sub vcl_backend_response { set beresp.uncacheable = true; }`,
			`sub vcl_recv { if ({UNKNOWN}) { {DENY} } if (req.method ~ "^(PUT|POST|PATCH|DELETE)$" || req.http.Authorization) { return (pass); } return (hash); } sub vcl_backend_response { set beresp.uncacheable = true; }`),
		inNginx.pair(method("method-nginx", "OPTIONS is not guarded, and sent on as GET", "OPTIONS"), v3,
			"map $request_method $realm { default R; OPTIONS off; }\nmap $request_method $to { default $request_method; OPTIONS GET; }\n---\nlocation / { auth_basic $realm; {FILE} proxy_method $to; {PASS} }",
			"map $request_method $to { default $request_method; OPTIONS GET; }\n---\nlocation / { {AUTH} proxy_method $to; {PASS} }"),

		inNginx.pair(upgrade("upgrade-nginx", "no guard where $http_upgrade is websocket"), debian,
			"map $http_upgrade $realm { default R; websocket off; }\n---\nlocation / { auth_basic $realm; {FILE} {PASS} }", guard),
		inHaproxy.pair(upgrade("upgrade-haproxy", "auth unless hdr(upgrade) is websocket"), v3, "  http-request auth realm R if !{ hdr(upgrade) -i websocket } !{KNOWN}\n", haproxyGuard),
		inCaddy.pair(upgrade("upgrade-caddy", "basicauth on `not header Upgrade websocket`"), debian, "@guarded not header Upgrade websocket\nbasicauth @guarded {USERS}\n{PASS}", caddyGuard),
		inNginx.pair(accuracyCase{name: "http10-nginx", weakness: "", setup: "no guard on HTTP/1.0", sound: "all is guarded",
			leak: leak{request: raw("GET {MANIFEST} HTTP/1.0", "Host: {HOST}", "Accept: {ACCEPT}")}, fails: []string{"ingress/protocol"}, may: []string{"ingress/host"}, cause: `HTTP/1\.0`},
			v3, "map $server_protocol $realm { default R; HTTP/1.0 off; }\n---\nlocation / { auth_basic $realm; {FILE} {PASS} }", guard),
		inNginxTLS.pair(accuracyCase{name: "http2-nginx", weakness: "", setup: "no guard on HTTP/2", sound: "all is guarded", leak: leak{http2: true}, fails: allAnonymous, may: []string{"ingress/*"}, cause: "HTTP/2"},
			v3, "map $server_protocol $realm { default R; HTTP/2.0 off; }\n---\nlocation / { auth_basic $realm; {FILE} {PASS} }", guard),
		inCaddyTLS.pair(accuracyCase{name: "http2-caddy", weakness: "", setup: "basicauth on `not protocol http/2+`", sound: "all is guarded", leak: leak{http2: true}, fails: allAnonymous, may: []string{"anonymous/upload", "ingress/*"}, cause: "HTTP/2"},
			debian, "@guarded not protocol http/2+\nbasicauth @guarded {USERS}\n{PASS}", caddyGuard),

		inNginx.pair(conditional("conditional-nginx", "no guard on requests with If-None-Match"), v3,
			"map $http_if_none_match $realm { default off; \"\" R; }\n---\nlocation / { auth_basic $realm; {FILE} {PASS} }", guard),
		inHaproxy.pair(conditional("conditional-haproxy", "auth unless If-None-Match is there"), debian, "  http-request auth realm R if !{ hdr(if-none-match) -m found } !{KNOWN}\n", haproxyGuard),
		inVarnish.pair(conditional("conditional-varnish", "vcl_recv passes requests with If-None-Match before it asks for the password"), debian,
			"sub vcl_recv { if (req.http.If-None-Match) { return (pass); } if ({UNKNOWN}) { {DENY} } return (pass); }", varnishGuard),
		inNginx.pair(ranged("range-nginx", "no guard on requests with Range"), debian,
			"map $http_range $realm { default off; \"\" R; }\n---\nlocation / { auth_basic $realm; {FILE} {PASS} }", guard),
		inCaddy.pair(ranged("range-caddy", "basicauth on `not header Range *`"), v3, "@guarded not header Range *\nbasicauth @guarded {USERS}\n{PASS}", caddyGuard),
		inNginx.pair(accept("accept-nginx", "only an Accept with docker in it is guarded"), debian,
			"map $http_accept $realm { default off; ~docker R; }\n---\nlocation ~ /manifests/ { auth_basic $realm; {FILE} {PASS} } location / { {AUTH} {PASS} }", guard),
		inHaproxy.pair(accept("accept-haproxy", "auth unless hdr_sub(accept) has no docker in it"), v3,
			"  http-request auth realm R if { path_sub /manifests/ } { hdr_sub(accept) docker } !{KNOWN}\n  http-request auth realm R if !{ path_sub /manifests/ } !{KNOWN}\n", haproxyGuard),
	}
}
