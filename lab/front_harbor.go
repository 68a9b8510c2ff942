// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"encoding/json"
	"net/http"
	"strings"
)

// harbor is what makes a door look like Harbor: the realm of its challenge, and
// two answers of its own API.
type harbor struct {
	version      string // told to strangers, "" when it is not (Harbor since 2.13)
	registration bool   // whoever likes may make an account
	tells        bool   // the search finds private repositories, too
	initial      bool   // admin has the password that the installer gives
}

func (h harbor) front(next http.Handler, d *Door) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		switch {
		case r.URL.Path == "/api/v2.0/systeminfo" && isRead(r):
			writeJSON(w, h.systemInfo())
		case r.URL.Path == "/api/v2.0/search" && isRead(r):
			writeJSON(w, h.search(d, r.URL.Query().Get("q")))
		case h.initial && isAPI(r) && user == "admin" && password == "Harbor12345":
			d.open.ServeHTTP(w, r)
		default:
			next.ServeHTTP(&rewriter{ResponseWriter: w, on: func(w http.ResponseWriter, _ int) bool {
				if w.Header().Get("WWW-Authenticate") == `Basic realm="`+realmName+`"` {
					w.Header().Set("WWW-Authenticate", `Basic realm="harbor"`)
				}
				return false
			}}, r)
		}
	})
}

// systemInfo is GET /api/v2.0/systeminfo as a stranger gets it.
func (h harbor) systemInfo() map[string]any {
	info := map[string]any{
		"auth_mode": "db_auth", "primary_auth_mode": false, "self_registration": h.registration,
		"banner_message": "", "oidc_provider_name": "",
	}
	if h.version != "" {
		info["harbor_version"] = h.version
	}
	return info
}

// search is GET /api/v2.0/search?q=.
func (h harbor) search(d *Door, q string) map[string]any {
	found, seen := []map[string]any{}, map[string]bool{}
	for n, i := range d.lab.content.images {
		if seen[i.Repository] || !strings.Contains(i.Repository, q) || (!i.Public && !h.tells) {
			continue
		}
		seen[i.Repository] = true
		project, _, _ := strings.Cut(i.Repository, "/")
		found = append(found, map[string]any{
			"project_id": n + 1, "project_name": project, "project_public": i.Public,
			"repository_name": i.Repository, "pull_count": 0, "artifact_count": 1,
		})
	}
	return map[string]any{"project": []any{}, "repository": found, "chart": []any{}}
}

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_ = json.NewEncoder(w).Encode(v)
}
