// SPDX-License-Identifier: Apache-2.0

package cache_test

import (
	"compress/gzip"
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/internal/labtest"
	"github.com/regproof/regproof/lab"
	"github.com/regproof/regproof/probe"
	"github.com/regproof/regproof/probes/cache"
)

// TestMirror holds the comparison of two endpoints to what proves something: a
// page is no image, a packed manifest is the same one, and what the primary
// endpoint hides from strangers or did not say is not gone.
func TestMirror(t *testing.T) {
	l := labtest.Open(t)
	pass := func(w http.ResponseWriter, r *http.Request, next http.Handler) { next.ServeHTTP(w, r) }
	manifest := func(r *http.Request) bool { return strings.Contains(r.URL.Path, "/manifests/") }
	for _, c := range []struct {
		name           string
		primary, other labtest.Front
		cache          bool
		probe          probe.Probe
		not            []finding.Outcome
	}{
		{"a login page to strangers at a cache", pass, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			if r.Header.Get("Authorization") == "" {
				w.Header().Set("Content-Type", "text/html")
				_, _ = w.Write([]byte("<html>please log in</html>"))
				return
			}
			next.ServeHTTP(w, r)
		}, true, cache.StaleTag, []finding.Outcome{finding.Fail}},
		{"a packed manifest", pass, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			if !manifest(r) || r.Header.Get("Authorization") == "" {
				next.ServeHTTP(w, r)
				return
			}
			c := &copied{ResponseWriter: quiet{http.Header{}}, status: 200}
			next.ServeHTTP(c, r)
			w.Header().Set("Content-Type", c.Header().Get("Content-Type"))
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			_, _ = z.Write(c.body)
			_ = z.Close()
		}, false, cache.StaleTag, []finding.Outcome{finding.Fail}},
		{"the primary one has an error", func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			if manifest(r) {
				w.WriteHeader(http.StatusInternalServerError)
				return
			}
			next.ServeHTTP(w, r)
		}, pass, false, cache.StaleTag, []finding.Outcome{finding.Fail, finding.Pass, finding.NotApplicable}},
		{"the primary one looks like a cache, and hides by 404", func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			w.Header().Set("X-Cache", "MISS")
			if manifest(r) && r.Header.Get("Authorization") == "" {
				w.WriteHeader(http.StatusNotFound)
				return
			}
			next.ServeHTTP(w, r)
		}, pass, false, cache.RevokedContent, []finding.Outcome{finding.Fail}},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := labtest.Door(t, l, lab.DoorOptions{})
			primary, other := labtest.Before(t, d, c.primary), labtest.Before(t, d, c.other)
			got := labtest.Prove(t, l, d, labtest.Setting{Probes: []probe.Probe{c.probe}, Change: labtest.Instead(t, probe.Endpoint{URL: primary}, probe.Endpoint{URL: other, Cache: c.cache})})
			for _, f := range got.Findings {
				if f.Endpoint != other.String() {
					continue
				}
				for _, o := range c.not {
					if f.Outcome == o {
						t.Errorf("%s: %s %s", f.Outcome, f.Message, f.Reason)
					}
				}
			}
		})
	}
}

// quiet is nobody to answer to.
type quiet struct{ header http.Header }

func (q quiet) Header() http.Header         { return q.header }
func (q quiet) Write(p []byte) (int, error) { return len(p), nil }
func (q quiet) WriteHeader(int)             {}

// TestMirrorInterrupted: what was not asked is notchecked.
func TestMirrorInterrupted(t *testing.T) {
	l := labtest.Open(t)
	d := labtest.Door(t, l, lab.DoorOptions{})
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	front := labtest.Before(t, d, func(w http.ResponseWriter, r *http.Request, next http.Handler) { next.ServeHTTP(w, r) })
	stops := cache.StaleTag
	stops.Run = func(_ context.Context, tr *probe.Trial) probe.Result {
		cancel()
		return cache.StaleTag.Run(ctx, tr)
	}
	got := labtest.Prove(t, l, d, labtest.Setting{Probes: []probe.Probe{stops}, Change: labtest.Instead(t, probe.Endpoint{URL: front}, probe.Endpoint{URL: front, Prefix: "x/"})})
	for _, f := range got.Findings {
		if f.Outcome != finding.NotChecked && f.Reason != "this is the primary endpoint" {
			t.Errorf("%s: %s", f.Outcome, f.Reason)
		}
	}
}
