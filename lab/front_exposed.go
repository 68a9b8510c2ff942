// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"io"
	"net/http"
)

// exposed is what a door serves besides the registry: by path, a content type
// and a body.
type exposed map[string][2]string

func (x exposed) front(next http.Handler, _ *Door) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p, ok := x[r.URL.Path]
		if !ok || !isRead(r) {
			next.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Content-Type", p[0])
		_, _ = io.WriteString(w, p[1])
	})
}

const (
	jsonType       = "application/json"
	textType       = "text/plain; charset=utf-8"
	prometheusType = "text/plain; version=0.0.4; charset=utf-8"
)

// firstAPI is what docker-registry 0.9 answers, and Nexus with its v1 API on.
func firstAPI() exposed {
	return exposed{
		"/v1/_ping": {jsonType, "true"},
		"/v1/search": {jsonType, `{"num_results": 1, "query": "", "results": ` +
			`[{"description": "", "name": "team-a/app"}]}` + "\n"},
	}
}

// debugServer is what distribution's http.debug.addr serves, on the port of the
// registry itself. The values are made up: nothing of this process is told.
func debugServer() exposed {
	return exposed{
		"/debug/health": {jsonType, "{}"},
		"/debug/vars": {jsonType, "{\n" + `"cmdline": ["registry","serve","/etc/docker/registry/config.yml"],` + "\n" +
			`"memstats": {"Alloc":5123456,"TotalAlloc":91234567,"Sys":24532232,"Mallocs":612345,"HeapObjects":23456,"NumGC":42},` + "\n" +
			`"registry": {"storage":{"cache":{"Requests":12,"Hits":7,"Misses":5}}}` + "\n}\n"},
		"/debug/pprof/": {"text/html; charset=utf-8", "<html>\n<head>\n<title>/debug/pprof/</title>\n</head>\n<body>\n/debug/pprof/\n" +
			"<p>Set debug=1 as a query parameter to export in legacy text format</p>\n<br/>\n<p>Types of profiles available:</p>\n" +
			"<table>\n<thead><td>Count</td><td>Profile</td></thead>\n" +
			"<tr><td>17</td><td><a href='goroutine?debug=1'>goroutine</a></td></tr>\n" +
			"<tr><td>63</td><td><a href='heap?debug=1'>heap</a></td></tr>\n</table>\n</body>\n</html>\n"},
		"/debug/pprof/cmdline": {textType, "registry\x00serve\x00/etc/docker/registry/config.yml"},
		"/metrics": {prometheusType, "# HELP go_goroutines Number of goroutines that currently exist.\n# TYPE go_goroutines gauge\n" +
			"go_goroutines 17\n# HELP go_info Information about the Go environment.\n# TYPE go_info gauge\n" +
			`go_info{version="go1.24.1"} 1` + "\n"},
	}
}

// repositoryMetrics is zot's metrics extension for everybody.
func repositoryMetrics() exposed {
	return exposed{"/metrics": {prometheusType, "# HELP zot_repo_downloads_total Total number times a repo was downloaded\n" +
		"# TYPE zot_repo_downloads_total counter\n" + `zot_repo_downloads_total{repo="team-a/app"} 12` + "\n" +
		"# HELP zot_repo_storage_bytes Storage used per zot repo\n# TYPE zot_repo_storage_bytes gauge\n" +
		`zot_repo_storage_bytes{repo="team-a/app"} 983040` + "\n"}}
}
