// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"bytes"
	"maps"
	"net/http"
	"strings"
	"sync"
	"time"
)

// caching says what a shared cache keeps, what it takes for the same request,
// and where it says what it does.
type caching struct {
	keeps func(*http.Request) bool
	key   func(*http.Request) string
	tells func(*http.Request) bool
}

// A cache keeps no more and no larger answers than these.
const (
	cachedAnswers = 1000
	cachedBytes   = 1 << 20
)

// cache keeps answers of 200 to GET, and gives them to whoever asks the same, as
// nginx' proxy_cache does: a HEAD or a Range is answered from the whole.
func cache(c caching) front {
	return func(next http.Handler, _ *Door) http.Handler {
		kept := &cached{m: map[string]cachedAnswer{}}
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !isRead(r) {
				kept.forget(r)
				next.ServeHTTP(w, r)
				return
			}
			key := c.key(r)
			if a, ok := kept.get(key); ok {
				c.say(w, r, "HIT")
				a.serve(w, r)
				return
			}
			c.say(w, r, "MISS")
			if !c.keeps(r) || r.Method == http.MethodHead || r.Header.Get("Range") != "" {
				next.ServeHTTP(w, r)
				return
			}
			a := &answer{header: http.Header{}}
			next.ServeHTTP(a, r)
			a.WriteHeader(http.StatusOK)
			kept.put(key, a)
			maps.Copy(w.Header(), a.header)
			w.WriteHeader(a.status)
			_, _ = w.Write(a.body.Bytes())
		})
	}
}

func (c caching) say(w http.ResponseWriter, r *http.Request, what string) {
	if c.tells(r) {
		w.Header().Set("X-Cache", what)
	}
}

// cachedAnswer is an answer of 200.
type cachedAnswer struct {
	header http.Header
	body   []byte
}

func (a cachedAnswer) serve(w http.ResponseWriter, r *http.Request) {
	maps.Copy(w.Header(), a.header)
	w.Header().Del("Content-Length") // of the whole, which a Range is not
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(a.body))
}

type cached struct {
	mu sync.Mutex
	m  map[string]cachedAnswer
}

func (c *cached) get(key string) (cachedAnswer, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	a, ok := c.m[key]
	return a, ok
}

func (c *cached) put(key string, a *answer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if a.status == http.StatusOK && a.body.Len() <= cachedBytes && len(c.m) < cachedAnswers {
		c.m[key] = cachedAnswer{header: a.header.Clone(), body: bytes.Clone(a.body.Bytes())}
	}
}

// forget drops what was deleted or replaced (RFC 9111 section 4.4), and no more.
func (c *cached) forget(r *http.Request) {
	if r.Method != http.MethodPut && r.Method != http.MethodDelete {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for key := range c.m {
		if strings.Contains(key, r.URL.Path) {
			delete(c.m, key)
		}
	}
}

func tellsNothing(*http.Request) bool { return false }

func keepsBlobs(r *http.Request) bool   { return routeOf(r).kind == blob }
func keepsContent(r *http.Request) bool { return routeOf(r).content() }

// keepsFixed is what has its digest for a name, and never changes.
func keepsFixed(r *http.Request) bool {
	t := routeOf(r)
	return t.kind == blob || (t.kind == manifest && t.byDigest())
}

// byURL is nginx' default key: it knows no credential.
func byURL(r *http.Request) string { return r.URL.RequestURI() }

func byCredential(r *http.Request) string {
	return r.URL.RequestURI() + "\n" + strings.Join(r.Header.Values("Authorization"), "\n")
}

func byCredentialAndAccept(r *http.Request) string {
	return byCredential(r) + "\n\n" + strings.Join(r.Header.Values("Accept"), "\n")
}

// negotiated is a cache before a registry that answers the tag of an index with
// its first child where Accept names no index, as distribution does with
// Docker's lists. The answers to one URL then differ, and a key must tell them
// apart.
func negotiated(c caching) front {
	return func(next http.Handler, d *Door) http.Handler {
		return cache(c)(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if child := d.lab.firstChild(routeOf(r)); child != "" && isRead(r) && !acceptsIndex(r) {
				r = onward(r, at(r, "/v2/"+routeOf(r).repository+"/manifests/"+child))
			}
			next.ServeHTTP(w, r)
		}), d)
	}
}

// firstChild is the first manifest of the index that a tag names, if it names one.
func (l *Lab) firstChild(t route) string {
	for _, i := range l.content.images {
		if t.kind == manifest && i.Repository == t.repository && i.Tag == t.reference && i.Index {
			return i.Children[0]
		}
	}
	return ""
}
