// SPDX-License-Identifier: Apache-2.0

package immutability_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/internal/labtest"
	"github.com/regproof/regproof/lab"
	"github.com/regproof/regproof/probe"
	"github.com/regproof/regproof/probes/immutability"
)

// TestPushedAgain: a registry that takes no manifest twice holds what it holds.
func TestPushedAgain(t *testing.T) {
	t.Parallel()
	l := labtest.Open(t)
	d := labtest.Door(t, l, lab.DoorOptions{})
	var mu sync.Mutex
	pushed := map[string]bool{}
	at := labtest.Before(t, d, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if r.Method == http.MethodPut && strings.Contains(r.URL.Path, "/manifests/sha256:") && r.Header.Get("Authorization") != "" {
			mu.Lock()
			again := pushed[r.URL.Path]
			pushed[r.URL.Path] = true
			mu.Unlock()
			if again {
				w.WriteHeader(http.StatusConflict)
				return
			}
		}
		next.ServeHTTP(w, r)
	})
	c := labtest.Prove(t, l, d, labtest.Setting{Probes: []probe.Probe{immutability.ManifestType, immutability.ForeignLayer}, Change: writing(t, "box-again", labtest.Instead(t, probe.Endpoint{URL: at}))})
	allPass(t, c)
}

// TestUncheckedAlgorithm: a registry that computes sha256 alone believes every
// other digest.
func TestUncheckedAlgorithm(t *testing.T) {
	t.Parallel()
	l := labtest.Open(t)
	for _, route := range []string{"/manifests/", "/blobs/"} {
		d := labtest.Door(t, l, lab.DoorOptions{})
		var mu sync.Mutex
		kept, sent := map[string][]byte{}, map[string][]byte{}
		at := labtest.Before(t, d, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			name := r.URL.Query().Get("digest")
			if name == "" {
				name = r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:]
			}
			if r.Method == http.MethodPatch { // the content of an upload goes before its end
				body, _ := io.ReadAll(r.Body)
				mu.Lock()
				sent[r.URL.Path] = body
				mu.Unlock()
				r.Body = io.NopCloser(bytes.NewReader(body))
			}
			if !strings.Contains(r.URL.Path, route) || !strings.HasPrefix(name, "sha512:") || r.Header.Get("Authorization") == "" {
				next.ServeHTTP(w, r)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			body, there := kept[name]
			switch {
			case r.Method == http.MethodPut:
				rest, _ := io.ReadAll(r.Body)
				kept[name] = append(sent[r.URL.Path], rest...)
				w.WriteHeader(http.StatusCreated)
			case !there:
				w.WriteHeader(http.StatusNotFound)
			case r.Method == http.MethodDelete:
				delete(kept, name)
				w.WriteHeader(http.StatusAccepted)
			default:
				_, _ = w.Write(body)
			}
		})
		c := labtest.Prove(t, l, d, labtest.Setting{Probes: []probe.Probe{immutability.Digest}, Change: writing(t, "box-algorithm"+strings.ReplaceAll(route, "/", "-")+"x", labtest.Instead(t, probe.Endpoint{URL: at}))})
		if f, _ := c.Probe("immutability/digest"); f.Outcome != finding.Fail || f.Severity != finding.Critical || !strings.Contains(f.Message, "sha512") {
			t.Errorf("%s: %s %s: %s; %s", route, f.Outcome, f.Severity, f.Message, f.Reason)
		}
		if len(kept) > 0 {
			t.Errorf("left behind: %d", len(kept))
		}
	}
}

// TestLostUpload: an upload that is said to live elsewhere, once content was sent,
// tells nothing of wrong digests.
func TestLostUpload(t *testing.T) {
	t.Parallel()
	l := labtest.Open(t)
	d := labtest.Door(t, l, lab.DoorOptions{})
	at := labtest.Before(t, d, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if r.Method != http.MethodPatch {
			next.ServeHTTP(w, r)
			return
		}
		next.ServeHTTP(httptest.NewRecorder(), r)
		w.Header().Set("Location", "https://elsewhere.invalid/v2/x/blobs/uploads/1")
		w.WriteHeader(http.StatusAccepted)
	})
	c := labtest.Prove(t, l, d, labtest.Setting{Probes: []probe.Probe{immutability.Digest}, Change: writing(t, "box-lost", labtest.Instead(t, probe.Endpoint{URL: at}))})
	if f, _ := c.Probe("immutability/digest"); f.Outcome != finding.Unknown {
		t.Errorf("%s: %s; %s", f.Outcome, f.Message, f.Reason)
	}
}

// TestDeletedAtOneReplica: two replicas behind one address, of which one goes on
// serving what the other has deleted. A connection stays with its replica.
func TestDeletedAtOneReplica(t *testing.T) {
	t.Parallel()
	l := labtest.Open(t)
	plain := labtest.Door(t, l, lab.DoorOptions{})
	stale := labtest.Door(t, l, lab.DoorOptions{Weaknesses: []string{"deleted-still-served"}})
	to, err := url.Parse(stale.URL())
	if err != nil {
		t.Fatal(err)
	}
	other := labtest.Forward(to)
	var mu sync.Mutex
	replica := map[string]int{} // of a connection
	at := labtest.Before(t, plain, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		mu.Lock()
		n, ok := replica[r.RemoteAddr]
		if !ok {
			n = len(replica)
			replica[r.RemoteAddr] = n
		}
		mu.Unlock()
		if n%2 == 1 && (r.Method == http.MethodGet || r.Method == http.MethodHead) {
			other.ServeHTTP(w, r)
			return
		}
		if r.Method == http.MethodGet { // others were served by the other one
			other.ServeHTTP(httptest.NewRecorder(), r.Clone(r.Context()))
		}
		next.ServeHTTP(w, r)
	})
	c := labtest.Prove(t, l, plain, labtest.Setting{Probes: []probe.Probe{immutability.DeletedContent}, Change: writing(t, "box-replicas", labtest.Instead(t, probe.Endpoint{URL: at}))})
	if f, _ := c.Probe("immutability/deleted-content"); f.Outcome != finding.Fail {
		t.Errorf("%s: %s; %s", f.Outcome, f.Message, f.Reason)
	}
}
