// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

// Guards that depend on the name under which the registry is asked.

// haproxy: http-request auth if { hdr(host) -i registry.example:5000 }.
func otherHostSpelling(r *http.Request, d *Door) bool { return r.Host != d.authority() }

// nginx: auth_basic in the server block of one name, and another block that is
// the default. nginx overlooks the port, a trailing dot, and the case.
func otherVirtualHost(r *http.Request, d *Door) bool {
	return hostOf(r.Host) != hostOf(d.authority())
}

// nginx chooses the server block by an absolute target, and passes Host on.
func otherAbsoluteForm(r *http.Request, d *Door) bool {
	return r.URL.Host != "" && hostOf(r.URL.Host) != hostOf(d.authority())
}

// haproxy: crt-list with verify required for one name alone, and a backend that
// is chosen by Host. An address in Host goes with no server name (RFC 6066 3).
func otherServerName(r *http.Request, d *Door) bool {
	if r.TLS == nil || r.Host != d.authority() {
		return false
	}
	want := hostOf(r.Host)
	if _, err := netip.ParseAddr(want); err == nil {
		want = ""
	}
	return hostOf(r.TLS.ServerName) != want
}

// authority is the host and the port of the door's URL.
func (d *Door) authority() string { return strings.TrimPrefix(d.url, d.scheme+"://") }

// known tells whether a Host names this door: by an address of it, or as
// localhost.
func (d *Door) known(host string) bool {
	name := hostOf(host)
	for _, a := range append([]string{"localhost"}, d.addresses...) {
		if name == hostOf(a) {
			return true
		}
	}
	return false
}

// hostOf is an authority's host as a server compares it: without its port, its
// brackets and its trailing dot, in lower case.
func hostOf(authority string) string {
	host := authority
	if h, _, err := net.SplitHostPort(authority); err == nil {
		host = h
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	return strings.ToLower(strings.TrimSuffix(host, "."))
}

// toCanonicalHost redirects whoever asks for another name.
func toCanonicalHost(next http.Handler, d *Door) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if d.known(r.Host) {
			next.ServeHTTP(w, r)
			return
		}
		target := url.URL{Path: r.URL.Path, RawPath: r.URL.RawPath, RawQuery: r.URL.RawQuery}
		if !strings.HasPrefix(target.Path, "/") {
			target = url.URL{Path: "/"} // "OPTIONS *"
		}
		w.Header().Set("Location", d.url+target.RequestURI())
		w.WriteHeader(http.StatusMovedPermanently)
	})
}
