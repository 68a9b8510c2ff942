// SPDX-License-Identifier: Apache-2.0

package main_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/regproof/regproof/internal/peer"
)

// limitCases are fronts that deny who asks too often: that is no access
// control, and must not be taken for it.
func limitCases() []peerCase {
	limit := func(rate string) string {
		return fmt.Sprintf("limit_req_zone $binary_remote_addr zone=z:1m rate=%s;\n---\nlimit_req zone=z burst=10 nodelay; limit_req_status 403; location / { {PASS} }", rate)
	}
	const some = "location = /v2/ { {AUTH} {PASS} } location ~ ^/v2/.+/manifests/ { {AUTH} {PASS} } "
	blobs := []string{"config", "layer", "tags", "catalog", "upload"}
	status := func(code, text string) string { return strings.Replace(text, "403", code, 1) }
	partly := strings.Replace(limit("5r/s"), "location /", some+"location /", 1)
	return []peerCase{
		before(peerCase{name: "nginx-limit-503", setup: "limit_req 5 r/s with status 503, htpasswd behind"}, status("503", limit("5r/s"))),
		front(peerCase{name: "nginx-limit-503-blobs-open", setup: "limit_req 5 r/s with status 503, only manifests are guarded", exit: 1, fails: blobs, may: []string{"head"}, twin: "nginx-limit-503"}, status("503", partly)),
		before(peerCase{name: "nginx-limit-conn", setup: "limit_conn 2 with status 503, htpasswd behind"},
			"limit_conn_zone $binary_remote_addr zone=c:1m;\n---\nlimit_conn c 2; location / { {PASS} }"),
		front(peerCase{name: "nginx-limit-403-open", setup: "limit_req 5 r/s with status 403, nothing else", exit: 1, fails: andUpload, may: []string{"head"}, twin: "nginx-limit-403"}, limit("5r/s")),
		front(peerCase{name: "nginx-limit-403-blobs-open", setup: "the same limit, only manifests are guarded", exit: 1, fails: blobs, may: []string{"head"}, twin: "nginx-limit-403"},
			partly),
		front(peerCase{name: "nginx-limit-429-blobs-open", setup: "limit_req 5 r/s with status 429, only manifests are guarded", exit: 1, fails: blobs, may: []string{"head"}, twin: "nginx-limit-429"},
			status("429", partly)),
		before(peerCase{name: "nginx-limit-429", setup: "limit_req 5 r/s with status 429, htpasswd behind"}, status("429", limit("5r/s"))),
		before(peerCase{name: "nginx-limit-403", setup: "limit_req 5 r/s with status 403, htpasswd behind"}, limit("5r/s")),
		haproxy(peerCase{name: "haproxy-errors-open", setup: "strangers denied after ten 4xx in 10 s, nothing else", exit: 1, fails: andUpload, twin: "haproxy-errors"},
			func(w *peerWorld) string { return w.open }, errorRate),
		haproxy(peerCase{name: "haproxy-errors-blobs-open", setup: "the same, only manifests are guarded", exit: 1, fails: blobs, may: []string{"head"}, twin: "haproxy-errors"},
			func(w *peerWorld) string { return w.open }, errorRate+"  http-request auth realm R if { path_sub /manifests/ } !{ http_auth(users) }\n"),
		haproxy(peerCase{name: "haproxy-errors", setup: "strangers denied after ten 4xx in 10 s, htpasswd behind"},
			func(w *peerWorld) string { return w.guarded }, errorRate),
	}
}

const errorRate = `  stick-table type ip size 1k expire 30s store http_err_rate(10s)
  http-request track-sc0 src
  http-request deny if { sc_http_err_rate(0) gt 10 } !{ req.hdr(authorization) -m found }
`

// haproxy is a case of haproxy with rules before a backend.
func haproxy(c peerCase, backend func(*peerWorld) string, rules string, args ...string) peerCase {
	c.software, c.needs = "haproxy 2.6, docker-registry 2.8.2", []string{peer.Haproxy}
	c.build = func(t *testing.T, w *peerWorld) target {
		addr := peer.Local(peer.Port(t))
		peer.StartHaproxy(t, addr, fmt.Sprintf("userlist users\n  user %s insecure-password %s\nfrontend f\n  bind %s\n%s  default_backend b\nbackend b\n  server s %s\n",
			peerUser, peerPassword, addr, rules, backend(w)))
		return target{image: addr + "/" + peerImage, args: append(args, "--active")}
	}
	return c
}

func haproxyCases() []peerCase {
	open := func(w *peerWorld) string { return w.open }
	const ping = "  http-request auth realm R if { path /v2/ } !{ http_auth(users) }\n"
	return []peerCase{
		haproxy(peerCase{name: "haproxy-sound", setup: "http-request auth on everything"}, open,
			"  http-request auth realm R if !{ http_auth(users) }\n"),
		haproxy(peerCase{name: "haproxy-tarpit", setup: "tarpit (403 after a second) for strangers, ping answers 401"}, open,
			ping+"  timeout tarpit 1s\n  http-request tarpit deny_status 403 if !{ http_auth(users) }\n"),
		haproxy(peerCase{name: "haproxy-round-robin", setup: "two backends, both with htpasswd"},
			func(w *peerWorld) string { return w.guarded + "\n  server s2 " + w.guarded }, ""),
		haproxy(peerCase{name: "haproxy-round-robin-one-open", setup: "two backends, one without htpasswd", exit: 1, fails: []string{"manifest-by-tag", "manifest-by-digest", "layer"},
			may: append([]string{"head", "existence", "challenge", "ingress/replicas"}, andUpload...), twin: "haproxy-round-robin"},
			func(w *peerWorld) string { return w.guarded + "\n  server s2 " + w.open }, ""),
		haproxy(peerCase{name: "haproxy-head-open", setup: "deny if { method GET } for strangers", exit: 1, fails: []string{"head", "upload"}, twin: "haproxy-deny-all", curl: true}, open,
			ping+"  http-request deny if { method GET } !{ http_auth(users) }\n"),
		haproxy(peerCase{name: "haproxy-deny-all", setup: "deny (403) for strangers, ping answers 401"}, open,
			ping+"  http-request deny if !{ http_auth(users) }\n"),
		haproxy(peerCase{name: "haproxy-deny-ping-too", setup: "deny (403) for strangers, the ping too"}, open,
			"  http-request deny if !{ http_auth(users) }\n"),
		haproxy(peerCase{name: "haproxy-manifests-only", setup: "auth on path_sub /manifests/ only", exit: 1, fails: []string{"config", "layer", "tags", "catalog", "upload"}, may: []string{"ingress/path-spelling"}, twin: "haproxy-sound"}, open,
			ping+"  http-request auth realm R if { path_sub /manifests/ } !{ http_auth(users) }\n"),
		haproxy(peerCase{name: "haproxy-path-end", setup: "auth on path_end /manifests/1.4 only", exit: 1, fails: []string{"manifest-by-digest", "index-child", "config", "layer", "referrers-tag", "tags", "catalog", "upload"}, may: []string{"ingress/path-spelling"}, twin: "haproxy-sound"}, open,
			ping+"  http-request auth realm R if { path_end /manifests/1.4 } !{ http_auth(users) }\n"),
	}
}
