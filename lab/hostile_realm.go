// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"net/http"
)

// challenge answers 401 with a realm of the caller's choice.
func challenge(w http.ResponseWriter, r *http.Request, realm, extra string) {
	scope := ""
	if t := routeOf(r); t.repository != "" {
		scope = `,scope="repository:` + t.repository + `:pull"`
	}
	w.Header().Set("WWW-Authenticate", `Bearer realm="`+realm+`",service="`+service+`"`+scope+extra)
	deny(w, r, http.StatusUnauthorized, "UNAUTHORIZED", "authentication required")
}

// realmForeign asks for the credential at another origin from the start.
func realmForeign(w http.ResponseWriter, r *http.Request, d *Door) {
	challenge(w, r, d.trap.url+"/token", "")
}

// realmSwitch is honest until the client has used its token, and then asks for
// another one elsewhere.
func realmSwitch(w http.ResponseWriter, r *http.Request, d *Door) {
	if anonymous(r) {
		challenge(w, r, d.url+"/token", "")
		return
	}
	challenge(w, r, d.trap.url+"/token", `,error="invalid_token"`)
}

func isToken(r *http.Request) bool { return r.URL.Path == tokenPath }

// realmRedirect has its token service on its own host, which sends on to
// another, method, query and, it hopes, credentials kept.
func realmRedirect(w http.ResponseWriter, r *http.Request, d *Door) {
	to := d.trap.url + "/token"
	if r.URL.RawQuery != "" {
		to += "?" + r.URL.RawQuery
	}
	w.Header().Set("Location", to)
	w.WriteHeader(http.StatusTemporaryRedirect)
}
