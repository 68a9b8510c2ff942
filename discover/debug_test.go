// SPDX-License-Identifier: Apache-2.0

package discover_test

import (
	"crypto/tls"
	"expvar"
	"fmt"
	"net/http"
	"net/http/pprof"
	"slices"
	"strings"
	"testing"

	"github.com/regproof/regproof/discover"
)

const metrics = "# HELP registry_storage_action_seconds The number of seconds\n# TYPE registry_storage_action_seconds histogram\nregistry_storage_action_seconds_count{action=\"Stat\"} 3\n"

// debugPages is what distribution's debug server shows (registry/registry.go:
// expvar, net/http/pprof and the handler of Prometheus).
func debugPages(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/metrics":
		fmt.Fprint(w, metrics)
	case "/debug/vars":
		expvar.Handler().ServeHTTP(w, r)
	case "/debug/pprof/":
		pprof.Index(w, r)
	default:
		http.NotFound(w, r)
	}
}

// TestDebug: debug pages are told by what they hold, and profiles are never
// asked for.
func TestDebug(t *testing.T) {
	only := func(path string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != path {
				http.Error(w, "no", 403)
				return
			}
			debugPages(w, r)
		}
	}
	all := []string{"/metrics", "/debug/vars", "/debug/pprof/"}
	for name, tc := range map[string]struct {
		tls   *tls.Config
		serve http.HandlerFunc
		want  discover.State
		pages []string
		note  string
	}{
		"all":                 {nil, debugPages, discover.Shows, all, "metrics of a registry (registry_...)"},
		"expvar alone":        {nil, only("/debug/vars"), discover.Shows, all[1:2], ""},
		"profiles alone":      {nil, only("/debug/pprof/"), discover.Shows, all[2:], ""},
		"metrics of others":   {nil, says(200, "# TYPE go_goroutines gauge\ngo_goroutines 5\n"), discover.Shows, all[:1], ""},
		"a page for any path": {nil, says(200, "<html>heap goroutine # TYPE of thing</html>"), discover.NoPages, nil, "200, 200, 200"},
		"JSON for any path":   {nil, says(200, `{"status":"ok"}`), discover.NoPages, nil, "200, 200, 200"},
		"denied":              {nil, says(401, metrics), discover.NoPages, nil, "401, 401, 401"},
		"TLS":                 {&tls.Config{}, debugPages, discover.SpeaksTLS, nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, "127.0.0.1:0", tc.tls, tc.serve)
			w := wanted(t)
			w.Ports.Debug = []uint16{s.at.Port()}
			survey := discover.Scan(t.Context(), client(t), w)
			if len(survey.Doors) != 1 {
				t.Fatalf("got %+v", survey)
			}
			d := survey.Doors[0]
			if d.Kind != discover.Debug || d.State != tc.want || !slices.Equal(d.Pages, tc.pages) || (d.Note == "") != (tc.note == "") || !strings.Contains(d.Note, tc.note) {
				t.Errorf("got %+v", d)
			}
			for _, r := range s.requests() {
				if !slices.Contains(all, r.RequestURI) || r.Method != "GET" || r.Header.Get("Authorization") != "" {
					t.Errorf("%s %s was sent", r.Method, r.RequestURI)
				}
			}
		})
	}
}
