// SPDX-License-Identifier: Apache-2.0

package main_test

import (
	"testing"

	"github.com/regproof/regproof/internal/peer"
)

// anon names probes of the family anonymous.
func anon(names ...string) []string {
	out := make([]string, len(names))
	for i, name := range names {
		out[i] = "anonymous/" + name
	}
	return out
}

// What fails where nothing is guarded, and what fails where only manifests are.
var (
	allAnonymous  = anon(everything...)
	withUpload    = anon(andUpload...)
	pastManifests = anon("config", "layer", "tags", "catalog", "upload")
)

// guardAll are sound rules, which most twins are.
const (
	haproxyGuard = "  http-request auth realm R if !{KNOWN}\n"
	caddyGuard   = "basicauth * {USERS}\n{PASS}"
	varnishGuard = "sub vcl_recv { if ({UNKNOWN}) { {DENY} } return (pass); }"
)

// anonymousAccuracy are guards that leave a part of the registry out, so that
// the plain requests of a stranger leak.
func anonymousAccuracy() []accuracyCase {
	ping := func(name string) accuracyCase {
		return accuracyCase{name: name, weakness: "anon-ping-only-guard", setup: "only /v2/ itself is guarded", sound: "all is guarded",
			leak: leak{open: true}, fails: withUpload}
	}
	reads := func(name, setup string) accuracyCase {
		return accuracyCase{name: name, weakness: "anon-read-limit-except", setup: setup, sound: "all methods are guarded", leak: leak{open: true}, fails: allAnonymous}
	}
	blobs := func(name, setup string) accuracyCase {
		return accuracyCase{name: name, weakness: "anon-blob-open-manifest-guarded", setup: setup, sound: "all is guarded",
			leak: leak{request: get("{LAYER}")}, fails: pastManifests}
	}
	digests := func(name, setup string) accuracyCase {
		return accuracyCase{name: name, weakness: "anon-digest-open-tag-guarded", setup: setup, sound: "all is guarded",
			leak: leak{request: get("{DIGEST}")}, fails: anon("manifest-by-digest", "index-child")}
	}
	head := func(name, setup string) accuracyCase {
		return accuracyCase{name: name, weakness: "anon-head-open", setup: setup, sound: "all methods are guarded",
			leak: leak{request: ask("HEAD", "{MANIFEST}"), holds: digestHeader}, fails: anon("head")}
	}
	return []accuracyCase{
		inNginx.pair(ping("ping-only-nginx"), debian, `location = /v2/ { {AUTH} {PASS} } location / { {PASS} }`, `location / { {AUTH} {PASS} }`),
		inHaproxy.pair(ping("ping-only-haproxy"), v3, "  http-request auth realm R if { path /v2/ } !{KNOWN}\n", "  http-request auth realm R if !{KNOWN}\n"),
		inCaddyTLS.pair(ping("ping-only-caddy"), debian, "basicauth /v2/ {USERS}\n{PASS}", "basicauth /v2/* {USERS}\n{PASS}"),

		inNginxTLS.pair(reads("reads-open-nginx", "limit_except GET HEAD"), v3, `location / { limit_except GET HEAD { {AUTH} } {PASS} }`, guard),
		inHaproxy.pair(reads("reads-open-haproxy", "http-request auth unless the method is GET or HEAD"), debian,
			"  http-request auth realm R if !{ method GET HEAD } !{KNOWN}\n", haproxyGuard),
		inCaddy.pair(reads("reads-open-caddy", "basicauth on a matcher `not method GET HEAD`"), v3,
			"@writes not method GET HEAD\nbasicauth @writes {USERS}\n{PASS}", caddyGuard),

		inNginx.pair(blobs("blobs-open-nginx", "a regex guards manifests"), v3,
			`location = /v2/ { {AUTH} {PASS} } location ~ ^/v2/.+/manifests/ { {AUTH} {PASS} } location /v2/ { {PASS} }`, guard),
		inHaproxyTLS.pair(blobs("blobs-open-haproxy", "auth on path,url_dec -m sub /manifests/"), debian,
			"  http-request auth realm R if { path /v2/ } !{KNOWN}\n  http-request auth realm R if { path,url_dec -m sub /manifests/ } !{KNOWN}\n", haproxyGuard),
		inVarnish.pair(blobs("blobs-open-varnish", "vcl_recv denies req.url ~ manifests"), debian,
			`sub vcl_recv { if ((req.url == "/v2/" || req.url ~ "/manifests/") && {UNKNOWN}) { {DENY} } return (pass); }`, varnishGuard).alsoMay("ingress/path-spelling"),

		inNginx.pair(digests("digest-open-nginx", "a regex guards tags, not digests"), debian,
			`location ~ ^/v2/.+/manifests/sha256:[0-9a-f]+$ { {PASS} } location /v2/ { {AUTH} {PASS} }`, guard),
		inCaddy.pair(digests("digest-open-caddy", "path_regexp exempts digests"), v3,
			"@guarded not path_regexp /manifests/sha256:[0-9a-f]+$\nbasicauth @guarded {USERS}\n{PASS}", caddyGuard),

		inNginx.pair(head("head-open-nginx", "the guard skips HEAD"), v3,
			"map $request_method $realm { default R; HEAD off; }\n---\nlocation /v2/ { auth_basic $realm; {FILE} {PASS} }", guard),
		inHaproxy.pair(head("head-open-haproxy", "auth unless the method is HEAD"), debian, "  http-request auth realm R if !{ method HEAD } !{KNOWN}\n", haproxyGuard),
		inCaddyTLS.pair(head("head-open-caddy", "basicauth on `not method HEAD`"), debian, "@guarded not method HEAD\nbasicauth @guarded {USERS}\n{PASS}", caddyGuard),

		inNginx.pair(accuracyCase{name: "tags-open-nginx", weakness: "tags-list-leak", setup: "tags/list is open", sound: "all is guarded",
			leak: leak{request: get("/v2/{REPO}/tags/list"), holds: says(200, `"`+peerTag+`"`)}, fails: anon("tags")},
			v3, `location ~ /tags/list$ { {PASS} } location /v2/ { {AUTH} {PASS} }`, guard),
		inHaproxy.pair(accuracyCase{name: "tags-open-haproxy", weakness: "tags-list-leak", setup: "auth unless path_end /tags/list", sound: "all is guarded",
			leak: leak{request: get("/v2/{REPO}/tags/list"), holds: says(200, `"`+peerTag+`"`)}, fails: anon("tags")},
			debian, "  http-request auth realm R if !{ path_end /tags/list } !{KNOWN}\n", haproxyGuard),
		inCaddy.pair(accuracyCase{name: "catalog-open-caddy", weakness: "catalog-open", setup: "basicauth not on /v2/_catalog", sound: "all is guarded",
			leak: leak{request: get("/v2/_catalog"), holds: says(200, `"`+peerRepository+`"`)}, fails: anon("catalog"), may: []string{"exposure/catalog-size"}},
			debian, "@guarded not path /v2/_catalog\nbasicauth @guarded {USERS}\n{PASS}", caddyGuard),
		inNginx.pair(accuracyCase{name: "signature-tags-open", weakness: "referrers-leak", setup: "the tags where clients keep signatures are open", sound: "all is guarded",
			leak: leak{request: get("{COSIGN}"), holds: says(200, "manifests")}, fails: anon("referrers-tag")},
			debian, `location ~ /manifests/sha256-[0-9a-f]+ { {PASS} } location /v2/ { {AUTH} {PASS} }`, guard),
		inHaproxy.pair(accuracyCase{name: "writes-open", weakness: "upload-anon-start", setup: "auth on GET and HEAD", sound: "all methods are guarded",
			leak: leak{request: ask("POST", "/v2/{REPO}/blobs/uploads/", "Content-Length: 0"), holds: status(202)}, fails: anon("upload"), may: []string{"ingress/method"}},
			v3, "  http-request auth realm R if { method GET HEAD } !{KNOWN}\n", haproxyGuard),
		registryPair(accuracyCase{name: "open-2.8.2", setup: "no auth section", sound: "htpasswd"}, peer.DockerRegistry),
		registryPair(accuracyCase{name: "open-3.1.2", setup: "no auth section", sound: "htpasswd"}, peer.Registry),
		tokenAccuracy(),
	}
}

// registryPair is a registry by itself, open and not.
func registryPair(c accuracyCase, name string) accuracyCase {
	b, known := debian, debianAuth
	if name == peer.Registry {
		b, known = v3, v3Auth
	}
	c.weakness, c.software, c.needs, c.leak, c.fails = "anon-open-registry", b.name, []string{name}, leak{open: true}, withUpload
	c.weak = func(_ *testing.T, w *accuracyWorld) site { return w.at(site{dial: b.addr(w)}, plain) }
	c.twin = func(_ *testing.T, w *accuracyWorld) site { return w.at(site{dial: known.addr(w)}, plain) }
	return c
}

// tokenAccuracy is a token service that gives strangers the right to pull.
func tokenAccuracy() accuracyCase {
	at := func(stranger peer.Stranger) half {
		return func(t *testing.T, w *accuracyWorld) site {
			service := peer.NewTokenService(t, peerUser, peerPassword, stranger)
			s := w.at(site{dial: w.registry(t, peer.Registry, service.Auth("")), token: service.URL}, plain)
			s.args = append(s.args, "--allow-realm", service.URL[:len(service.URL)-len("/token")])
			return s
		}
	}
	return accuracyCase{name: "token-for-strangers", weakness: "token-anon-grant-private", software: "distribution v3.1.2, token service", needs: []string{peer.Registry},
		setup: "strangers get a token that may pull", sound: "strangers get a token without rights", leak: leak{token: true},
		fails: anon("manifest-by-tag", "manifest-by-digest", "index-child", "config", "layer", "referrers-tag", "tags"), may: []string{"token/stranger"}, weak: at(peer.Pull), twin: at(peer.Nothing)}
}
