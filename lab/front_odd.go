// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Fronts that look strange and hold.

// tidyTarget is the target as it should have been spelled, and whether it was not.
func tidyTarget(r *http.Request) (string, bool) {
	u := url.URL{Path: foldAPI(cleanPath(r.URL.Path)), RawQuery: r.URL.RawQuery}
	return u.RequestURI(), u.EscapedPath() != r.URL.EscapedPath()
}

// redirectsOddPaths sends every odd spelling to the plain one.
func redirectsOddPaths(next http.Handler, _ *Door) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		target, odd := tidyTarget(r)
		if !odd || r.URL.Path == "*" {
			next.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Location", target)
		w.WriteHeader(http.StatusMovedPermanently)
	})
}

// rejectsOdd has no patience: 400 for an odd spelling, 421 for another name.
func rejectsOdd(next http.Handler, d *Door) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, odd := tidyTarget(r)
		switch {
		case odd || r.Host == "":
			page(w, http.StatusBadRequest, "400 Bad Request", "<h1>400 Bad Request</h1>")
		case !d.known(r.Host) || otherServerName(r, d):
			page(w, http.StatusMisdirectedRequest, "421 Misdirected Request", "<h1>421 Misdirected Request</h1>")
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// singlePage answers every path that is not the API's with the same page, which
// finds out in the browser what was meant.
func singlePage(next http.Handler, _ *Door) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if isAPI(r) || r.URL.Path == "/token" {
			next.ServeHTTP(w, r)
			return
		}
		page(w, http.StatusOK, "Registry", `<div id="app"></div><script src="/assets/app.js"></script>`)
	})
}

// private404 hides what is private, knows the API's methods alone, and has no
// first API.
func private404(next http.Handler, d *Door) http.Handler {
	hidden := hide404(next, d)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case !slices.Contains(apiMethods, r.Method):
			w.Header().Set("Allow", strings.Join(apiMethods, ", "))
			deny(w, r, http.StatusMethodNotAllowed, "UNSUPPORTED", "the operation is unsupported")
		case strings.HasPrefix(r.URL.Path, "/v1/"):
			deny(w, r, http.StatusNotFound, "NAME_UNKNOWN", "the first registry API is not served here")
		default:
			hidden.ServeHTTP(w, r)
		}
	})
}
