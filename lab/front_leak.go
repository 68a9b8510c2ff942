// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"net/http"
	"strings"
)

// What each leaky guard forgets. The comment is the configuration that does it.

// No guard at all.
func always(*http.Request, *Door) bool { return true }

// nginx: limit_except GET HEAD around auth_basic.
func reads(r *http.Request, _ *Door) bool { return isRead(r) }

// haproxy: acl v2 path /v2/ instead of path_beg; docker login still "works".
func notPing(r *http.Request, _ *Door) bool { return routeOf(r).kind != base }

// A guard on a list of paths that lacks this one.
func readOf(k kind) func(*http.Request, *Door) bool {
	return func(r *http.Request, _ *Door) bool { return isRead(r) && routeOf(r).kind == k }
}

// The blobs of one list of the images alone.
func blobsOf(pick func(Image) []string) func(*http.Request, *Door) bool {
	return func(r *http.Request, d *Door) bool {
		t := routeOf(r)
		return isRead(r) && t.kind == blob && d.lab.has(t.reference, pick)
	}
}

func configs(i Image) []string { return i.Configs }

// oneLayer is the last layer of the first child of team-a/app:1.4: whoever looks
// at the first layer only does not see it.
func oneLayer(i Image) []string {
	if i.Repository == "team-a/app" && i.Tag == "1.4" {
		return i.Private[1:2]
	}
	return nil
}

// A guard whose pattern knows tags only.
func manifestByDigest(r *http.Request, _ *Door) bool {
	t := routeOf(r)
	return isRead(r) && t.kind == manifest && t.byDigest()
}

// A gate that decides on the index and takes its children for granted.
func childByDigest(r *http.Request, d *Door) bool {
	return manifestByDigest(r, d) && d.lab.has(routeOf(r).reference, func(i Image) []string { return i.Children })
}

// haproxy: http-request deny if { method GET } !auth.
func heads(r *http.Request, _ *Door) bool { return r.Method == http.MethodHead }

// A cache's or CDN's rule for partial content.
func ranges(r *http.Request, _ *Door) bool { return isRead(r) && r.Header.Get("Range") != "" }

// nginx: if ($http_if_none_match = "") around the guard.
func conditional(r *http.Request, _ *Door) bool {
	return isRead(r) && r.Header.Get("If-None-Match") != ""
}

// A gate that looks only at requests which could fetch an index.
func otherAccept(r *http.Request, _ *Door) bool {
	return isRead(r) && routeOf(r).kind == manifest && !acceptsIndex(r)
}

func acceptsIndex(r *http.Request) bool {
	accept := strings.Join(r.Header.Values("Accept"), ",")
	return strings.Contains(accept, ociIndex) || strings.Contains(accept, dockerList)
}

// The fallback tag of the referrers, taken for harmless metadata.
func fallbackTag(r *http.Request, _ *Door) bool {
	t := routeOf(r)
	return isRead(r) && t.kind == manifest && strings.HasPrefix(t.reference, "sha256-")
}

// An upload can be begun, and cancelled again, but not filled.
func uploadStart(r *http.Request, _ *Door) bool {
	t := routeOf(r)
	return t.kind == upload && (r.Method == http.MethodPost || (r.Method == http.MethodDelete && t.reference != ""))
}

// A health checker's exemption: no User-Agent, no questions.
func emptyAgent(r *http.Request, _ *Door) bool { return r.UserAgent() == "" }

// One of the addresses behind the name leads past the guard.
func onSecondAddress(r *http.Request, _ *Door) bool {
	return strings.HasPrefix(localAddr(r), secondAddress+":")
}

// A guard in a listener that HTTP/2 does not go through.
func overHTTP2(r *http.Request, _ *Door) bool { return r.ProtoMajor == 2 }
