// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
)

// immutable is a front that holds tags immutable before a registry that does
// not, and what it forgets.
type immutable struct {
	exempt  func(tag string) bool    // tags that may move
	ignores func(*http.Request) bool // pushes that it does not look at
	deletes bool                     // tags, and manifests that have one, may be deleted
	byQuery bool                     // ?tag= is obeyed and not looked at; else it is held too
	slow    time.Duration            // between the look and the write, which nothing holds together
	lies    bool                     // what is refused is answered 201
}

// maxPush bounds a manifest, as distribution does.
const maxPush = 4 << 20

func (i immutable) front(next http.Handler, d *Door) http.Handler {
	h := &holder{immutable: i, next: next, open: d.open}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		t := routeOf(r)
		switch {
		case t.kind != manifest || anonymous(r):
			next.ServeHTTP(w, r)
		case r.Method == http.MethodPut:
			h.put(w, r, t)
		case r.Method == http.MethodDelete && !i.deletes && h.tagged(t):
			deny(w, r, http.StatusPreconditionFailed, "PRECONDITION", "the tag is immutable")
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// holder is the state of such a front: one at a time decides and writes.
type holder struct {
	immutable
	next, open http.Handler
	mu         sync.Mutex
	names      sync.Map // digests that some tag of the sandbox names
}

// put lets a push through whose tags are new, or name the same.
func (h *holder) put(w http.ResponseWriter, r *http.Request, t route) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxPush))
	if err != nil {
		deny(w, r, http.StatusBadRequest, "MANIFEST_INVALID", "not read to its end")
		return
	}
	tags := r.URL.Query()["tag"]
	if !t.byDigest() {
		tags = append(tags, t.reference)
	}
	if h.slow == 0 {
		h.mu.Lock()
		defer h.mu.Unlock()
	}
	digest := digestOf(body)
	for _, tag := range tags {
		if h.exempt != nil && h.exempt(tag) || h.ignores != nil && h.ignores(r) || h.byQuery && tag != t.reference {
			continue
		}
		if is := h.resolve(r.Context(), t.repository, tag); is != "" && is != digest {
			h.refuse(w, r, digest)
			return
		}
	}
	time.Sleep(h.slow)
	if a := h.push(r, t.reference, body); a.status != http.StatusCreated {
		a.send(w)
		return
	}
	for _, tag := range tags {
		if tag != t.reference {
			h.push(r, tag, body)
		}
		h.names.Store(digest, true)
		w.Header().Add("OCI-Tag", tag)
	}
	w.Header().Set("Docker-Content-Digest", digest)
	w.Header().Set("Location", fmt.Sprintf("/v2/%s/manifests/%s", t.repository, digest))
	w.WriteHeader(http.StatusCreated)
}

func (h *holder) refuse(w http.ResponseWriter, r *http.Request, digest string) {
	if h.lies {
		w.Header().Set("Docker-Content-Digest", digest)
		w.WriteHeader(http.StatusCreated)
		return
	}
	deny(w, r, http.StatusPreconditionFailed, "PRECONDITION", "the tag is immutable")
}

// push sends a manifest on, under one reference.
func (h *holder) push(r *http.Request, reference string, body []byte) *answer {
	t := routeOf(r)
	inner := r.Clone(r.Context())
	u := *r.URL
	u.Path, u.RawPath, u.RawQuery = "/v2/"+t.repository+"/manifests/"+reference, "", ""
	inner.URL, inner.RequestURI = &u, u.RequestURI()
	inner.Body, inner.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	a := &answer{header: http.Header{}}
	h.next.ServeHTTP(a, inner)
	a.WriteHeader(http.StatusOK)
	return a
}

// resolve is the digest that a tag names, "" if there is none.
func (h *holder) resolve(ctx context.Context, repository, tag string) string {
	accept := http.Header{"Accept": {strings.Join([]string{ociManifest, ociIndex, dockerManifest, dockerList}, ", ")}}
	a, err := call(ctx, h.open, http.MethodHead, "/v2/"+repository+"/manifests/"+tag, accept, nil)
	if err != nil || a.status != http.StatusOK {
		return ""
	}
	return a.header.Get("Docker-Content-Digest")
}

// tagged says whether a DELETE would take a tag away.
func (h *holder) tagged(t route) bool {
	_, named := h.names.Load(t.reference)
	return named || !t.byDigest()
}

// withBody is the request with a body that was read already.
func withBody(r *http.Request, body []byte) *http.Request {
	inner := r.Clone(r.Context())
	inner.Body, inner.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	return inner
}

// latest is the name that everybody pulls, and that rules exempt.
func latest(tag string) bool { return tag == "latest" }

// An index is not looked at, since it has no layers to scan.
func pushesIndex(r *http.Request) bool {
	t := r.Header.Get("Content-Type")
	return t == ociIndex || t == dockerList
}
