// SPDX-License-Identifier: Apache-2.0

package main_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/regproof/regproof/internal/peer"
)

// trapAccuracy are open registries that look closed to who asks often, or asks
// with a tool.
func trapAccuracy() []accuracyCase {
	trap := func(name, weakness, setup string) accuracyCase {
		return accuracyCase{name: name, weakness: weakness, setup: setup + "; nothing else", sound: "the same, and htpasswd behind it", leak: leak{open: true}, fails: allAnonymous, may: []string{"anonymous/*"}}
	}
	behindBoth := func(k kind, c accuracyCase, open, known behind, text string) accuracyCase {
		c = k.pair(c, open, text, text)
		c.needs = append(c.needs, known.need)
		c.twin = func(t *testing.T, w *accuracyWorld) site { return k.start(t, w, known.addr(w), text) }
		return c
	}
	filter := func(name, setup string) accuracyCase {
		c := trap(name, "front-bot-filter-hides", setup)
		c.leak.request = get("{MANIFEST}", "User-Agent: docker/27.3.1")
		c.fails = anon("manifest-by-tag", "tags", "catalog")
		c.leak.as = get("{MANIFEST}", "User-Agent: docker/27.3.1", "Authorization: Basic {BASIC}")
		return c
	}
	return []accuracyCase{
		behindBoth(inNginx, trap("limit-nginx", "front-ban-hides", "limit_req 5 r/s with status 403"), v3, v3Auth,
			"limit_req_zone $binary_remote_addr zone=z:1m rate=5r/s;\n---\nlimit_req zone=z burst=10 nodelay; limit_req_status 403; location / { {PASS} }"),
		behindBoth(inHaproxy, trap("errors-haproxy", "front-ban-hides", "strangers are denied after ten 4xx in 10 s"), debian, debianAuth, errorRate),
		behindBoth(inNginx, filter("bots-nginx", "403 to agents that are no docker client"), debian, debianAuth,
			`if ($http_user_agent !~ ^(docker|containerd|skopeo)/) { return 403; } location / { {PASS} }`),
		behindBoth(inHaproxy, filter("bots-haproxy", "403 to agents that are no docker client"), v3, v3Auth,
			"  http-request deny if !{ hdr_reg(user-agent) ^(docker|containerd|skopeo)/ }\n"),
		behindBoth(inCaddy, filter("bots-caddy", "403 to agents that are no docker client"), debian, debianAuth,
			"@bots not header_regexp User-Agent ^(docker|containerd|skopeo)/\nrespond @bots 403\n{PASS}"),
	}
}

// soundAccuracy are set-ups on which the tricks of other fronts were tried in
// vain.
func soundAccuracy() []accuracyCase {
	sound := func(name, setup string) accuracyCase {
		return accuracyCase{name: name, setup: setup, sound: "nothing of it leaks", harmless: harmless}
	}
	return []accuracyCase{
		inNginx.pair(sound("sound-nginx", "auth_basic on /v2/"), debian, "", guard),
		inNginx.pair(sound("sound-nginx-slash", "auth_basic on /v2/, proxy_pass with a path"), v3, "", `location /v2/ { {AUTH} proxy_pass http://{BACKEND}/v2/; proxy_set_header Host $http_host; } location / { return 404; }`),
		inNginx.pair(sound("sound-nginx-upgrade", "auth_basic on /v2/, Upgrade is handed on"), v3, "",
			`location /v2/ { {AUTH} proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $http_connection; {PASS} }`),
		inHaproxy.pair(sound("sound-haproxy", "auth on everything"), v3, "", haproxyGuard),
		inHaproxy.pair(sound("sound-haproxy-decoded", "auth on path,url_dec -m beg /v2/"), debian, "", "  http-request auth realm R if { path,url_dec -m beg /v2/ } !{KNOWN}\n"),
		inCaddy.pair(sound("sound-caddy", "basicauth on /v2/*, which caddy compares decoded and in any case"), debian, "", "basicauth /v2/* {USERS}\n{PASS}"),
		inVarnish.pair(sound("sound-varnish", "the guard is on everything"), v3, "", varnishGuard),
		tryTLS(inVarnish.pair(sound("sound-varnish-scheme", "the same, and nobody says that it speaks plain http"), v3, "", varnishGuard)),
		cacheVarnish.pair(sound("sound-varnish-cache", "the same, and it says that it is a cache"), debian, "", varnishGuard).primed(),
		inSquid.pair(sound("sound-squid", "http_access deny on everything"), debian, "", "cache deny all\nhttp_access deny !known\nhttp_access allow all"),
		inSquid.pair(sound("sound-squid-path", "http_access deny on urlpath_regex ^/v2/, which squid compares decoded"), v3, "", "acl v2 urlpath_regex ^/v2/\ncache deny all\nhttp_access deny v2 !known\nhttp_access allow all"),
		serverNames(sound("sound-nginx-sni", "ssl_verify_client on for one name, another name without: nginx answers 421 where SNI and Host differ")),
	}
}

// tryTLS leaves regproof to find out whether the front speaks TLS.
func tryTLS(c accuracyCase) accuracyCase {
	start := c.twin
	c.twin = func(t *testing.T, w *accuracyWorld) site {
		s := start(t, w)
		s.args = slices.DeleteFunc(s.args, func(arg string) bool { return arg == "--plain-http" })
		return s
	}
	return c
}

// serverNames is nginx with a name that wants a certificate and one that does
// not.
func serverNames(c accuracyCase) accuracyCase {
	c = mutualCase(byNginxTLS.pair(c, debian, "",
		"server { listen {ADDR} ssl http2; server_name public.test; ssl_certificate {CERT}; ssl_certificate_key {KEY}; location / { proxy_pass http://{ELSEWHERE}; } }\n---\nserver_name registry.test; ssl_client_certificate {CA}; ssl_verify_client on; location / { {PASS} }"))
	c.leak = leak{request: get("{MANIFEST}"), sni: "public.test", as: get("{MANIFEST}")}
	c.harmless, c.needs = nil, append(c.needs, peer.Nginx)
	return c
}

// harmless were tried on nginx and never leaked. {MANIFEST} is denied plainly.
var harmless = []string{
	get("{MANIFEST}", "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAAP__"),
	raw("POST /v2/ HTTP/1.1", "Host: {HOST}", "Content-Length: 4", "Transfer-Encoding: chunked", "Connection: close") + "0\r\n\r\n",
	get("{MANIFEST}", "Transfer-Encoding: chunked", "Content-Length: 5") + "0\r\n\r\n",
	get("{MANIFEST}", "Host: {HOST}", "Host: other.example"),
	get("{MANIFEST}", "Authorization: Basic Og==", "Authorization: Basic eDp4"),
	get("{MANIFEST}", "Authorization: Bearer x", "Authorization:"),
	get("/v2/public/../{REPO}/manifests/{TAG}"),
	get("/x/../v2/{REPO}/manifests/{TAG}"),
	get("/v2/./{REPO}/manifests/{TAG}"),
	get("/%2e/v2/{REPO}/manifests/{TAG}"),
	get("/v2/x/%2e%2e/{REPO}/manifests/{TAG}"),
	get("//v2/{REPO}/manifests/{TAG}"),
	get(`/v2\{REPO}/manifests/{TAG}`),
	get(`/x\..\v2/{REPO}/manifests/{TAG}`),
	get("{MANIFEST}%00"),
	get("/v2/{REPO}/manifests/{TAG}%00.js"),
	get("/%c0%afv2/{REPO}/manifests/{TAG}"),
	get("/v2/%c0%ae%c0%ae/{REPO}/manifests/{TAG}"),
	get("/%76%32/{REPO}/manifests/{TAG}"),
	get("/%2576%2532/{REPO}/manifests/{TAG}"),
	get("{MANIFEST}/"),
	get("{MANIFEST};x"),
	get("/V2/{REPO}/manifests/{TAG}"),
	get("{MANIFEST}#/healthz"),
	get("http://other.example{MANIFEST}"),
	strings.ReplaceAll(get("{MANIFEST}"), "\r\n", "\n"),
	raw("GET {MANIFEST} HTTP/1.0"),
}
