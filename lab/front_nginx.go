// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"io"
	"net/http"
	"path"
	"slices"
	"strings"
	"sync/atomic"
)

// nginxBasic is nginx with auth_basic before a registry that has no guard: what
// is denied never reaches the registry, and the denial says nothing of one.
func nginxBasic(skips func(*http.Request) bool) front {
	return func(_ http.Handler, d *Door) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if d.lab.keys.entitled(r) || skips(r) {
				d.open.ServeHTTP(w, r)
				return
			}
			const title = "401 Authorization Required"
			w.Header().Set("Server", "nginx/1.22.1")
			w.Header().Set("WWW-Authenticate", `Basic realm="`+realmName+`"`)
			w.Header().Set("Content-Type", "text/html")
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = io.WriteString(w, "<html>\r\n<head><title>"+title+"</title></head>\r\n<body>\r\n<center><h1>"+title+
				"</h1></center>\r\n<hr><center>nginx/1.22.1</center>\r\n</body>\r\n</html>\r\n")
		})
	}
}

func skipsNothing(*http.Request) bool { return false }

// nginx: location ~ ^/v2/[^/]+/[^/]+/(manifests|blobs|tags)/ has the guard.
func skipsOtherDepths(r *http.Request) bool {
	repository := routeOf(r).repository
	return isRead(r) && repository != "" && strings.Count(repository, "/") != 1
}

// nginx: location ~ \.(js|css|png)$ has none.
func skipsStatic(r *http.Request) bool {
	return isRead(r) && slices.Contains([]string{".js", ".css", ".png"}, path.Ext(r.URL.Path))
}

// oneReplicaOpen leads every fifth connection of strangers to a replica that
// nobody has configured.
func oneReplicaOpen(next http.Handler, d *Door) http.Handler {
	var connections atomic.Int64
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if anonymousAPI(r) && numberOf(r, func() int64 { return connections.Add(1) })%5 == 0 {
			d.open.ServeHTTP(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}
