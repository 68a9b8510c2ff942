// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"html"
	"net/http"
	"net/url"
	"strings"
)

const loginForm = `<form method="post" action="/login"><input name="user"><input name="password" type="password"><input type="hidden" name="csrf" value="%NONCE%"></form>`

// loginRedirect sends strangers to a login page, as an SSO proxy does.
func loginRedirect(next http.Handler, _ *Door) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/login":
			page(w, http.StatusOK, "Sign in", form())
		case anonymous(r):
			w.Header().Set("Location", "/login?return="+url.QueryEscape(r.URL.RequestURI()))
			w.WriteHeader(http.StatusFound)
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// htmlLogin answers strangers with the login page itself, with 200, the same
// for every path but for its nonce.
func htmlLogin(w http.ResponseWriter, _ *http.Request, _ *Door) {
	page(w, http.StatusOK, "Sign in", form())
}

// htmlUnknown answers strangers with 200 and a page that differs by path: it
// may be a denial or not, from here nobody can tell.
func htmlUnknown(w http.ResponseWriter, r *http.Request, _ *Door) {
	page(w, http.StatusOK, "Dashboard", "<h1>Dashboard</h1><p>You are looking at "+html.EscapeString(r.URL.Path)+".</p>")
}

func form() string { return strings.Replace(loginForm, "%NONCE%", randomHex(16), 1) }
