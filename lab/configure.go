// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"net/http"

	"github.com/distribution/distribution/v3/configuration"
)

// What distribution itself can be told that makes it weak.

// sillyAuth is distribution's access controller for development: it wants an
// Authorization header and does not read it. Its realm is a word, as in the
// example that people copy.
func sillyAuth(c *configuration.Configuration, _ *Door) {
	c.Auth = configuration.Auth{"silly": {"realm": "silly-realm", "service": "silly-service"}}
}

// autoRedirect makes the realm of the request's Host.
func autoRedirect(c *configuration.Configuration, _ *Door) {
	token := c.Auth["token"]
	if token == nil {
		return
	}
	token["autoredirect"], token["autoredirectpath"] = true, "/token"
}

// tellsScheme sets what autoredirect takes the scheme from, as a front must that
// does not end TLS.
func tellsScheme(next http.Handler, d *Door) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Header.Set("X-Forwarded-Proto", d.scheme)
		next.ServeHTTP(w, r)
	})
}

// absoluteLocations is distribution's default: the locations of uploads follow
// Host, Forwarded and X-Forwarded-*.
func absoluteLocations(c *configuration.Configuration, _ *Door) { c.HTTP.RelativeURLs = false }

// endlessCatalog is distribution before CVE-2023-2253 was fixed, except that it
// stops at a million, which is memory enough for a test.
func endlessCatalog(c *configuration.Configuration, _ *Door) { c.Catalog.MaxEntries = 1_000_000 }
