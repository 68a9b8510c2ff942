// SPDX-License-Identifier: Apache-2.0

package lab

import "net/http"

// tokenFromQuery takes access_token (RFC 6750 section 2.3) or token from the
// query when no header has one.
func tokenFromQuery(next http.Handler, _ *Door) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		token := q.Get("access_token")
		if token == "" {
			token = q.Get("token")
		}
		if token == "" || !anonymousAPI(r) {
			next.ServeHTTP(w, r)
			return
		}
		q.Del("access_token")
		q.Del("token")
		target := *r.URL
		target.RawQuery = q.Encode()
		inner := onward(r, &target)
		inner.Header.Set("Authorization", "Bearer "+token)
		next.ServeHTTP(w, inner)
	})
}

// letsIn sends to the open registry whoever it finds to be a user with the
// right to do this.
func letsIn(who func(*http.Request, *Door) (user, bool)) front {
	return leak(func(r *http.Request, d *Door) bool {
		u, ok := who(r, d)
		need, plain := needs(r)
		return ok && plain && u.rights.allow(need)
	})
}

// byPassword takes Basic beside tokens.
func byPassword(r *http.Request, d *Door) (user, bool) { return d.lab.keys.knows(r) }

// byRefreshToken takes a refresh token for an access token.
func byRefreshToken(r *http.Request, d *Door) (user, bool) {
	if d.tokens.oauth == nil {
		return user{}, false
	}
	return d.tokens.alive(d.lab.keys.find(d.tokens.oauth.find(bearerOf(r))))
}
