// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
)

func readsList(r *http.Request) bool {
	k := routeOf(r).kind
	return isRead(r) && (k == tags || k == catalog)
}

// list answers end-8 or the catalog with these names.
func list(w http.ResponseWriter, r *http.Request, found []string) {
	w.Header().Set("Content-Type", "application/json")
	t := routeOf(r)
	if t.kind == catalog {
		_ = json.NewEncoder(w).Encode(map[string]any{"repositories": found})
		return
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"name": t.repository, "tags": found})
}

// foreignLink continues its lists on another origin.
func foreignLink(w http.ResponseWriter, r *http.Request, d *Door) {
	w.Header().Set("Link", "<"+d.trap.url+r.URL.EscapedPath()+`?n=2&last=b>; rel="next"`)
	list(w, r, []string{"a", "b"})
}

// endlessPaging has ten more names on every page, all new, for ever.
func endlessPaging(w http.ResponseWriter, r *http.Request, _ *Door) {
	from, _ := strconv.Atoi(r.URL.Query().Get("last")) // absent or nonsense: the first page
	var page []string
	for n := range 10 {
		page = append(page, fmt.Sprintf("n%09d", from+n+1))
	}
	w.Header().Set("Link", fmt.Sprintf(`<%s?n=10&last=%d>; rel="next"`, r.URL.EscapedPath(), from+10))
	list(w, r, page)
}
