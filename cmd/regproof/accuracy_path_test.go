// SPDX-License-Identifier: Apache-2.0

package main_test

// pathAccuracy are guards that read the path otherwise than the registry, or
// that know only some paths.
func pathAccuracy() []accuracyCase {
	spelling := func(name, weakness, setup, sound, request, cause string) accuracyCase {
		return accuracyCase{name: name, weakness: weakness, setup: setup, sound: sound, leak: leak{request: get(request)}, fails: []string{"ingress/path-spelling"}, cause: cause}
	}
	const encoded, slashes = "path-percent-encoding", "path-dot-slash-normalisation"
	const v2Encoded = "/%76%32/{REPO}/manifests/{TAG}"
	depth := func(name, setup string) accuracyCase {
		return accuracyCase{name: name, weakness: "front-regex-depth", setup: setup, sound: "the guard takes any depth",
			leak: leak{request: get("/v2/team/sub/app/manifests/{TAG}")}, fails: []string{"ingress/depth"}, may: anon("existence"), cause: "depth|level|segment"}
	}
	files := func(name, setup, sound string) accuracyCase {
		return accuracyCase{name: name, weakness: "front-static-extension", setup: setup, sound: sound,
			leak: leak{request: get("/v2/{REPO}/manifests/app.js")}, fails: []string{"ingress/static-extension"}, may: []string{"ingress/query"}, cause: `\.js|\.css|\.png|static`}
	}
	mount := func(name, weakness, setup, sound, request string) accuracyCase {
		return accuracyCase{name: name, weakness: weakness, setup: setup, sound: sound, leak: leak{request: get(request)}, fails: []string{"ingress/mount-path"}, may: []string{"ingress/path-spelling"}, cause: "docker|registry|mount|prefix"}
	}
	query := func(name, weakness, setup, sound, request string) accuracyCase {
		return accuracyCase{name: name, weakness: weakness, setup: setup, sound: sound, leak: leak{request: get(request)}, fails: []string{"ingress/query"}, may: anon("tags", "catalog"), cause: `query|\?`}
	}
	return []accuracyCase{
		inHaproxy.pair(spelling("encoded-haproxy", encoded, "auth on path_beg /v2/", "auth on path,url_dec", v2Encoded, "%76|encod"),
			debian, "  http-request auth realm R if { path_beg /v2/ } !{KNOWN}\n", "  http-request auth realm R if { path,url_dec -m beg /v2/ } !{KNOWN}\n"),
		inHaproxyTLS.pair(spelling("encoded-word-haproxy", encoded, "auth on path_reg with manifests, blobs and tags in it", "the same on path,url_dec", "/v2/{REPO}/%6danifests/{TAG}", "%|encod"),
			v3, "  http-request auth realm R if { path_reg ^/v2/(.+/(manifests|blobs|tags)/.*|_catalog)?$ } !{KNOWN}\n",
			"  http-request auth realm R if { path,url_dec -m reg ^/v2/(.+/(manifests|blobs|tags)/.*|_catalog)?$ } !{KNOWN}\n"),
		inNginx.pair(spelling("encoded-nginx", encoded, "the guard matches $request_uri", "it matches $uri", v2Encoded, "%76|encod"),
			v3, "map $request_uri $realm { default off; ~^/v2/ R; }\n---\nlocation / { auth_basic $realm; {FILE} {PASS} }",
			"map $uri $realm { default off; ~^/v2/ R; }\n---\nlocation / { auth_basic $realm; {FILE} {PASS} }"),
		inVarnish.pair(spelling("encoded-varnish", encoded, "vcl_recv denies req.url ~ ^/v2/", "it denies everything", v2Encoded, "%76|encod"),
			debian, `sub vcl_recv { if (req.url ~ "^/v2/" && {UNKNOWN}) { {DENY} } return (pass); }`, varnishGuard).alsoMay("ingress/host"), // an absolute target begins otherwise, too
		inNginx.pair(spelling("slashes-nginx", slashes, "the guard matches $request_uri, proxy_pass sends the cleaned path", "it matches $uri", "//v2/{REPO}/manifests/{TAG}", "//|slash|dot"),
			debian, "map $request_uri $realm { default off; ~^/v2/ R; }\n---\nlocation / { auth_basic $realm; {FILE} proxy_pass http://{BACKEND}/; proxy_set_header Host $http_host; }",
			"map $uri $realm { default off; ~^/v2/ R; }\n---\nlocation / { auth_basic $realm; {FILE} proxy_pass http://{BACKEND}/; proxy_set_header Host $http_host; }"),
		behindNginx(inHaproxy, spelling("slashes-haproxy-nginx", slashes, "haproxy has auth on path_beg /v2/, nginx behind it cleans the path", "haproxy has auth on everything", "/x/../v2/{REPO}/manifests/{TAG}", `//|slash|dot|\.\.`),
			v3, "  http-request auth realm R if { path,url_dec -m beg /v2/ } !{KNOWN}\n", haproxyGuard, `location / { proxy_pass http://{BACKEND}/; proxy_set_header Host $http_host; }`),
		inHaproxy.pair(spelling("case-haproxy", "path-case", "auth on path_beg /v2/, then set-path makes lower case", "set-path comes first", "/V2/{REPO}/manifests/{TAG}", "case|/V2/"),
			debian, "  http-request auth realm R if { path,url_dec -m beg /v2/ } !{KNOWN}\n  http-request set-path %[path,lower]\n",
			"  http-request set-path %[path,lower]\n  http-request auth realm R if { path,url_dec -m beg /v2/ } !{KNOWN}\n"),
		inVarnish.pair(spelling("case-varnish", "path-case", "the guard is on ^/v2/, then std.tolower", "the guard is on everything", "/V2/{REPO}/manifests/{TAG}", "case|/V2/|%76"),
			v3, `sub vcl_recv { if (req.url ~ "^/v2/" && {UNKNOWN}) { {DENY} } set req.url = std.tolower(req.url); return (pass); }`,
			`sub vcl_recv { if ({UNKNOWN}) { {DENY} } set req.url = std.tolower(req.url); return (pass); }`).alsoMay("ingress/host"),

		inNginx.pair(depth("depth-nginx", "a regex guards org/repo"), debian,
			`location = /v2/ { {AUTH} {PASS} } location = /v2/_catalog { {AUTH} {PASS} } location ~ ^/v2/[^/]+/[^/]+/(manifests|blobs|tags)/ { {AUTH} {PASS} } location / { {PASS} }`, guard),
		inCaddy.pair(depth("depth-caddy", "path_regexp guards org/repo"), v3,
			"@guarded path_regexp ^/v2/([^/]+/[^/]+/(manifests|blobs|tags)/.*|_catalog)?$\nbasicauth @guarded {USERS}\n{PASS}", caddyGuard),

		inNginx.pair(files("files-nginx", `location ~ \.(css|js|png)$ is not guarded`, "such a location is guarded, too"), v3,
			`location ~ \.(css|js|png)$ { {PASS} } location / { {AUTH} {PASS} }`, `location ~ \.(css|js|png)$ { {AUTH} {PASS} } location / { {AUTH} {PASS} }`),
		inHaproxy.pair(files("files-haproxy", "auth unless path_end .css .js .png", "auth on everything"), debian,
			"  http-request auth realm R if !{ path_end .css .js .png } !{KNOWN}\n", haproxyGuard),
		inVarnish.pair(files("files-varnish", "vcl_recv passes static files before it asks for the password", "it asks first"), debian,
			`sub vcl_recv { if (req.url ~ "^[^?]*\.(css|js|png)$") { return (pass); } if ({UNKNOWN}) { {DENY} } return (pass); }`, varnishGuard),

		inNginx.pair(mount("mount-nginx", "front-prefix-without-slash", "location /docker has no slash at its end, proxy_pass has", "location /docker/ has one", "/dockerv2/{REPO}/manifests/{TAG}"),
			debian, `location /docker/v2/ { {AUTH} proxy_pass http://{BACKEND}/v2/; } location /docker { proxy_pass http://{BACKEND}/; } location /v2/ { {AUTH} {PASS} } location / { return 404; }`,
			`location /docker/v2/ { {AUTH} proxy_pass http://{BACKEND}/v2/; } location /docker/ { proxy_pass http://{BACKEND}/; } location /v2/ { {AUTH} {PASS} } location / { return 404; }`),
		inHaproxy.pair(mount("mount-haproxy", "v2-mount-path-variants", "auth on /v2/, and /registry is cut off afterwards", "it is cut off first", "/registry/v2/{REPO}/manifests/{TAG}"),
			v3, "  http-request auth realm R if { path,url_dec -m beg /v2/ } !{KNOWN}\n  http-request replace-path /registry(/.*) \\1\n",
			"  http-request replace-path /registry(/.*) \\1\n  http-request auth realm R if { path,url_dec -m beg /v2/ } !{KNOWN}\n"),
		inCaddy.pair(mount("mount-caddy", "v2-mount-path-variants", "basicauth on /v2/*, handle_path /registry/* goes to the registry", "basicauth on both", "/registry/v2/{REPO}/manifests/{TAG}"),
			debian, "handle_path /registry/* {\n{PASS}\n}\nhandle {\nbasicauth * {USERS}\n{PASS}\n}", "handle_path /registry/* {\nbasicauth * {USERS}\n{PASS}\n}\nhandle {\nbasicauth * {USERS}\n{PASS}\n}"),

		inNginx.pair(query("skip-regex-nginx", "front-skip-auth-regex", "no guard where $request_uri has /healthz in it", "no guard where $uri is /healthz", "{MANIFEST}?x=/healthz"),
			v3, "map $request_uri $realm { default R; ~/healthz off; }\n---\nlocation / { auth_basic $realm; {FILE} {PASS} }",
			"map $uri $realm { default R; ~^/healthz$ off; }\n---\nlocation / { auth_basic $realm; {FILE} {PASS} }"),
		inVarnish.pair(query("skip-regex-varnish", "front-skip-auth-regex", `static files are req.url ~ "\.(css|js|png)$"`, "no file is an exception", "{MANIFEST}?x=.js").also("ingress/static-extension"),
			v3, `sub vcl_recv { if (req.url ~ "\.(css|js|png)$") { return (pass); } if ({UNKNOWN}) { {DENY} } return (pass); }`, varnishGuard),
		inSquid.pair(query("skip-regex-squid", "front-skip-auth-regex", "http_access allow on url_regex /healthz", "on urlpath_regex ^/healthz$", "{MANIFEST}?/healthz"),
			debian, "acl health url_regex /healthz\ncache deny all\nhttp_access allow health\nhttp_access deny !known\nhttp_access allow all",
			"acl health urlpath_regex ^/healthz$\ncache deny all\nhttp_access allow health\nhttp_access deny !known\nhttp_access allow all"),
		inNginx.pair(query("query-nginx", "front-query-exempt", "a request with arguments is not guarded", "all is guarded", "{MANIFEST}?x=1"),
			debian, "map $args $realm { default off; \"\" R; }\n---\nlocation / { auth_basic $realm; {FILE} {PASS} }", guard),
		inHaproxy.pair(query("query-haproxy", "front-query-exempt", "auth unless there is a query", "all is guarded", "{MANIFEST}?x=1"),
			v3, "  http-request auth realm R if !{ query -m len gt 0 } !{KNOWN}\n", haproxyGuard),
	}
}

// also adds probes that must fail, too.
func (c accuracyCase) also(fails ...string) accuracyCase {
	c.fails = append(c.fails, fails...)
	return c
}
