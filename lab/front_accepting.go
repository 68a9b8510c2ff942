// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"encoding/json"
	"io"
	"net/http"
	"sync"

	"github.com/distribution/distribution/v3/configuration"
)

// Fronts that store what the registry behind them refuses, or go on serving what
// it has deleted.

// keeper is a store of its own in memory, for what the registry would not keep.
type keeper struct {
	mu sync.Mutex
	m  map[string]keptObject
}

type keptObject struct {
	mediaType string
	body      []byte
}

func (k *keeper) put(key string, o keptObject) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.m == nil {
		k.m = map[string]keptObject{}
	}
	if len(k.m) < cachedAnswers {
		k.m[key] = o
	}
}

func (k *keeper) get(key string) (keptObject, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	o, ok := k.m[key]
	return o, ok
}

func (k *keeper) drop(key string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	_, ok := k.m[key]
	delete(k.m, key)
	return ok
}

func (o keptObject) serve(w http.ResponseWriter, r *http.Request, digest string) {
	w.Header().Set("Content-Type", o.mediaType)
	w.Header().Set("Docker-Content-Digest", digest)
	if r.Method != http.MethodHead {
		_, _ = w.Write(o.body)
	}
}

// accepting stores itself what takes says the registry would refuse, for the
// entitled alone.
func accepting(takes func(r *http.Request, t route, body []byte) (digest string, ok bool)) front {
	return func(next http.Handler, d *Door) http.Handler {
		k := &keeper{}
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			t := routeOf(r)
			if !d.lab.keys.entitled(r) {
				next.ServeHTTP(w, r)
				return
			}
			key := t.repository + " " + t.reference
			switch o, ok := k.get(key); {
			case ok && isRead(r):
				o.serve(w, r, t.reference)
				return
			case ok && r.Method == http.MethodDelete:
				k.drop(key)
				w.WriteHeader(http.StatusAccepted)
				return
			}
			if r.Method != http.MethodPut {
				next.ServeHTTP(w, r)
				return
			}
			body, err := io.ReadAll(io.LimitReader(r.Body, maxPush))
			if digest, ok := takes(r, t, body); ok && err == nil {
				k.put(t.repository+" "+digest, keptObject{r.Header.Get("Content-Type"), body})
				w.Header().Set("Docker-Content-Digest", digest)
				w.WriteHeader(http.StatusCreated)
				return
			}
			next.ServeHTTP(w, withBody(r, body))
		})
	}
}

// wrongDigest takes what is pushed under a digest that it does not have.
func wrongDigest(r *http.Request, t route, body []byte) (string, bool) {
	digest := t.reference
	if t.kind == upload {
		digest = r.URL.Query().Get("digest")
	}
	return digest, (t.kind == upload || t.kind == manifest && t.byDigest()) && digest != digestOf(body)
}

// ambiguous takes manifests of two meanings.
func ambiguous(r *http.Request, t route, body []byte) (string, bool) {
	var m struct {
		MediaType         string
		Layers, Manifests json.RawMessage
	}
	if t.kind != manifest || json.Unmarshal(body, &m) != nil {
		return "", false
	}
	imageType := m.MediaType == ociManifest || m.MediaType == dockerManifest
	return digestOf(body), (m.Layers != nil && m.Manifests != nil) || (m.Manifests != nil && imageType) || m.MediaType != r.Header.Get("Content-Type")
}

// stillServes goes on serving manifests that it has seen, once the registry has
// them no longer.
func stillServes(next http.Handler, d *Door) http.Handler {
	k := &keeper{}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		t := routeOf(r)
		if t.kind != manifest || !isRead(r) || !d.lab.keys.entitled(r) {
			next.ServeHTTP(w, r)
			return
		}
		key := t.repository + " " + t.reference
		a := &answer{header: http.Header{}}
		next.ServeHTTP(a, r)
		a.WriteHeader(http.StatusOK)
		if a.status == http.StatusOK && r.Method == http.MethodGet {
			k.put(key, keptObject{a.header.Get("Content-Type"), a.body.Bytes()})
		}
		if o, ok := k.get(key); ok && a.status == http.StatusNotFound {
			o.serve(w, r, digestOf(o.body))
			return
		}
		a.send(w)
	})
}

// anyForeignLayer is the rule that people copy to get Windows images pushed.
func anyForeignLayer(c *configuration.Configuration, _ *Door) {
	c.Validation.Manifests.URLs.Allow = []string{`^https?://`}
}

// deletesNothing is distribution's default.
func deletesNothing(c *configuration.Configuration, _ *Door) {
	c.Storage["delete"] = configuration.Parameters{"enabled": false}
}

// deletesTags is distribution before CVE-2026-41888 was fixed: a tag is deleted
// by whoever may push, whatever the configuration says.
func deletesTags(r *http.Request, d *Door) bool {
	t := routeOf(r)
	return r.Method == http.MethodDelete && t.kind == manifest && !t.byDigest() && d.lab.keys.entitled(r)
}

// A guard on reads alone.
func writes(r *http.Request, _ *Door) bool {
	k := routeOf(r).kind
	return !isRead(r) && (k == manifest || k == blob || k == upload)
}
