// SPDX-License-Identifier: Apache-2.0

package authz_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/internal/labtest"
	"github.com/regproof/regproof/lab"
	"github.com/regproof/regproof/probe"
	"github.com/regproof/regproof/probes/authz"
)

// TestStatus: what tells is a difference that goes with what is there, and with
// nothing else.
func TestStatus(t *testing.T) {
	l := labtest.Open(t)
	name, _ := l.Dev()
	ci, password := l.User()
	for _, c := range []struct {
		name   string
		answer func(r *http.Request, n int, there, seen bool) string // the code of the n-th question of dev for a blob
		want   finding.Outcome
		says   string
	}{
		{"by HEAD alone", func(r *http.Request, _ int, there, _ bool) string {
			if r.Method == http.MethodHead && !there {
				return "BLOB_UNKNOWN"
			}
			return "DENIED"
		}, finding.Fail, "HEAD is answered 403 for"},
		{"by GET alone", func(r *http.Request, _ int, there, _ bool) string {
			if r.Method == http.MethodGet && there {
				return "DENIED"
			}
			return "BLOB_UNKNOWN"
		}, finding.Fail, "GET is answered 403 DENIED for a blob that is there and 404 BLOB_UNKNOWN"},
		{"by the code", func(_ *http.Request, _ int, there, _ bool) string {
			if there {
				return "NAME_UNKNOWN"
			}
			return "BLOB_UNKNOWN"
		}, finding.Fail, "404 NAME_UNKNOWN for a blob that is there and 404 BLOB_UNKNOWN"},
		{"by method", func(r *http.Request, _ int, _, _ bool) string {
			if r.Method == http.MethodHead {
				return "BLOB_UNKNOWN"
			}
			return "DENIED"
		}, finding.Pass, ""},
		{"hidden", func(*http.Request, int, bool, bool) string { return "NAME_UNKNOWN" }, finding.Pass, ""},
		{"every second", func(_ *http.Request, n int, _, _ bool) string { return [2]string{"DENIED", "BLOB_UNKNOWN"}[n%2] }, finding.Unknown, "not always answered alike"},
		{"every third", func(_ *http.Request, n int, _, _ bool) string {
			return [3]string{"DENIED", "DENIED", "BLOB_UNKNOWN"}[n%3]
		}, finding.Unknown, "not always answered alike"},
		{"what was asked before", func(_ *http.Request, _ int, _, seen bool) string {
			if seen {
				return "DENIED"
			}
			return "BLOB_UNKNOWN"
		}, finding.Unknown, "not always answered alike"},
		{"a limit", func(_ *http.Request, n int, _, _ bool) string {
			if n >= 3 {
				return "TOOMANYREQUESTS"
			}
			return "DENIED"
		}, finding.Unknown, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			d := labtest.Door(t, l, lab.DoorOptions{Weaknesses: []string{"rights-sound"}})
			var mu sync.Mutex
			seen, n := map[string]bool{}, 0
			u := labtest.Before(t, d, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
				user, _, _ := r.BasicAuth()
				_, digest, blob := strings.Cut(r.URL.Path, "/v2/team-a/app/blobs/sha256:")
				if user != name || !blob {
					next.ServeHTTP(w, r)
					return
				}
				mu.Lock()
				defer mu.Unlock()
				asCI, held := r.Clone(r.Context()), httptest.NewRecorder()
				asCI.SetBasicAuth(ci, password)
				next.ServeHTTP(held, asCI)
				code := c.answer(r, n, held.Code == http.StatusOK, seen[digest])
				n++
				seen[digest] = true
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(map[string]int{"DENIED": 403, "TOOMANYREQUESTS": 429, "BLOB_UNKNOWN": 404, "NAME_UNKNOWN": 404}[code])
				_, _ = io.WriteString(w, `{"errors":[{"code":"`+code+`"}]}`)
			})
			s := setting()
			s.Probes, s.Also = []probe.Probe{authz.BlobStatus}, nil
			change := s.Change
			s.Change = func(o *probe.Options) { change(o); labtest.Instead(t, probe.Endpoint{URL: u})(o) }
			f := of(labtest.Prove(t, l, d, s), "authz/blob-status", "dev", "team-a/app")
			if f.Outcome != c.want || !strings.Contains(f.Reason, c.says) {
				t.Errorf("%s: %s (%s), want %s", f.Outcome, f.Message, f.Reason, c.want)
			}
			if c.want == finding.Fail && (f.Severity != finding.Low || len(f.Evidence) != 6 || len(f.ControlEvidence) == 0) {
				t.Errorf("%s with %d exchanges", f.Severity, len(f.Evidence))
			}
		})
	}
}

// TestStatusControl: an endpoint at which nobody is shown the blob tells nothing
// of what is there.
func TestStatusControl(t *testing.T) {
	l := labtest.Open(t)
	d := labtest.Door(t, l, lab.DoorOptions{Weaknesses: []string{"blob-status-oracle"}})
	ci, _ := l.User()
	empty := labtest.Before(t, d, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if user, _, _ := r.BasicAuth(); user == ci && strings.Contains(r.URL.Path, "team-a/app") {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusNotFound)
			_, _ = io.WriteString(w, `{"errors":[{"code":"NAME_UNKNOWN"}]}`)
			return
		}
		next.ServeHTTP(w, r)
	})
	whole := labtest.Before(t, d, func(w http.ResponseWriter, r *http.Request, next http.Handler) { next.ServeHTTP(w, r) })
	s := setting()
	s.Probes, s.Also = []probe.Probe{authz.BlobStatus}, nil
	change := s.Change
	s.Change = func(o *probe.Options) {
		change(o)
		labtest.Instead(t, probe.Endpoint{URL: whole}, probe.Endpoint{URL: empty})(o)
	}
	want := map[string]finding.Outcome{whole.String(): finding.Fail, empty.String(): finding.Unknown}
	for _, f := range labtest.Prove(t, l, d, s).Findings {
		if f.Identity != "dev" {
			continue
		}
		if f.Outcome != want[f.Endpoint] {
			t.Errorf("%s: %s: %s", f.Endpoint, f.Outcome, f.Reason)
		}
		delete(want, f.Endpoint)
	}
	if len(want) > 0 {
		t.Errorf("not judged: %v", want)
	}
}
