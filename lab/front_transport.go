// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"net/http"
	"strings"
)

// strict tells browsers to keep to https.
func strict(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.TLS != nil {
			w.Header().Set("Strict-Transport-Security", "max-age=31536000")
		}
		next.ServeHTTP(w, r)
	})
}

// asksPlainly is a web server that wants a password, over plain HTTP.
func asksPlainly(w http.ResponseWriter, _ *http.Request, _ *Door) {
	w.Header().Set("WWW-Authenticate", `Basic realm="Restricted"`)
	w.WriteHeader(http.StatusUnauthorized)
}

// realmPlain is a realm from before TLS was put in front.
func realmPlain(w http.ResponseWriter, r *http.Request, d *Door) {
	challenge(w, r, "http://"+strings.TrimPrefix(d.url, "https://")+"/token", "")
}

// realmElsewhere is a realm on a host that does not exist.
func realmElsewhere(w http.ResponseWriter, r *http.Request, _ *Door) {
	challenge(w, r, "https://login.registry-tokens.invalid/token", "")
}
