// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"net/http"
	"time"
)

// unreachable is TEST-NET-1 (RFC 5737): nothing answers there, which must not
// be taken for a denial, because the registry has signed the URL.
const unreachable = "http://192.0.2.1:9"

func nowhere(*Door) string      { return unreachable }
func ownStorage(d *Door) string { return d.storage.url }

// presigned redirects blob reads to a signed URL at base: for everybody, or for
// those whom the guard lets in.
func presigned(base func(*Door) string, everybody bool) front {
	return func(next http.Handler, d *Door) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			t, gate := routeOf(r), next
			if t.kind != blob || !isRead(r) {
				next.ServeHTTP(w, r)
				return
			}
			if everybody {
				gate = d.open
			}
			if ask(r, gate, r.URL.EscapedPath()) != http.StatusOK {
				gate.ServeHTTP(w, r)
				return
			}
			w.Header().Set("Location", d.presign(base(d), t.reference, time.Now()))
			w.Header().Set("Docker-Content-Digest", t.reference)
			w.WriteHeader(http.StatusTemporaryRedirect)
		})
	}
}
