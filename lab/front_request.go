// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
)

// Guards that depend on something in the request line.

// nginx: if ($args) around the guard.
func anyQuery(r *http.Request, _ *Door) bool { return r.URL.RawQuery != "" }

// oauth2-proxy before CVE-2025-54576 was fixed: skip_auth_routes that are not
// anchored, and are matched on the whole of the target.
func skipped() func(*http.Request, *Door) bool {
	exempt := regexp.MustCompile(`/v2/$|/healthz`)
	return func(r *http.Request, _ *Door) bool { return exempt.MatchString(r.RequestURI) }
}

// apiMethods are the methods of distribution-spec's endpoint table.
var apiMethods = []string{
	http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete,
}

// otherMethods are not guarded, and the registry takes them for GET. Writes stay
// guarded: the weakness is one of reading.
func otherMethods(next http.Handler, d *Door) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if slices.Contains(apiMethods, r.Method) || !routeOf(r).content() {
			next.ServeHTTP(w, r)
			return
		}
		inner := r.Clone(r.Context())
		inner.Method = http.MethodGet
		d.open.ServeHTTP(w, inner)
	})
}

// A guard in a server block that only requests with a version of HTTP reach
// which knows Host.
func overHTTP10(r *http.Request, _ *Door) bool { return !r.ProtoAtLeast(1, 1) }

// nginx: if ($http_upgrade != websocket) around the guard.
func upgrades(r *http.Request, _ *Door) bool {
	return strings.EqualFold(r.Header.Get("Upgrade"), "websocket")
}
