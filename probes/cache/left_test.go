// SPDX-License-Identifier: Apache-2.0

package cache_test

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/internal/labtest"
	"github.com/regproof/regproof/lab"
	"github.com/regproof/regproof/probe"
)

// keeps is a cache that keeps what the entitled read of some paths, by path and
// query, and gives it to everybody.
func keeps(what func(path string) bool) labtest.Front {
	type kept struct {
		header http.Header
		body   []byte
	}
	var mu sync.Mutex
	store := map[string]kept{}
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if r.Method != http.MethodGet || !what(r.URL.Path) || r.Header.Get("Range") != "" {
			next.ServeHTTP(w, r)
			return
		}
		mu.Lock()
		had, ok := store[r.RequestURI]
		mu.Unlock()
		if ok {
			for k, v := range had.header {
				w.Header()[k] = v
			}
			_, _ = w.Write(had.body)
			return
		}
		c := &copied{ResponseWriter: w, status: http.StatusOK}
		next.ServeHTTP(c, r)
		if c.status == http.StatusOK {
			mu.Lock()
			defer mu.Unlock()
			store[r.RequestURI] = kept{w.Header().Clone(), c.body}
		}
	}
}

type copied struct {
	http.ResponseWriter
	status int
	body   []byte
}

func (c *copied) WriteHeader(status int) {
	c.status = status
	c.ResponseWriter.WriteHeader(status)
}

func (c *copied) Write(p []byte) (int, error) {
	c.body = append(c.body, p...)
	return c.ResponseWriter.Write(p)
}

// TestLeftToCache: what other probes leave to cached-content is told by it,
// whatever part of an image it is that the cache keeps.
func TestLeftToCache(t *testing.T) {
	l := labtest.Open(t)
	image := l.Images()[slices.IndexFunc(l.Images(), func(i lab.Image) bool { return i.Reference() == "team-a/app:1.4" })]
	for name, what := range map[string]func(string) bool{
		"a layer": func(p string) bool { return strings.HasSuffix(p, image.Layers[len(image.Layers)-1]) },
		"the child": func(p string) bool {
			return len(image.Children) > 0 && strings.HasSuffix(p, image.Children[len(image.Children)-1])
		},
		"every blob":       func(p string) bool { return strings.Contains(p, "/blobs/") },
		"the list of tags": func(p string) bool { return strings.HasSuffix(p, "/tags/list") },
	} {
		t.Run(name, func(t *testing.T) {
			d := labtest.Door(t, l, lab.DoorOptions{})
			front := labtest.Before(t, d, keeps(what))
			c := labtest.Prove(t, l, d, labtest.Setting{Probes: families(), Change: labtest.Instead(t, probe.Endpoint{URL: front})})
			if got := c.Of(finding.Fail); len(got) == 0 {
				t.Error("the cache serves it to strangers, and nothing fails")
			}
		})
	}
}
