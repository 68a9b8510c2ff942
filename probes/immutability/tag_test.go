// SPDX-License-Identifier: Apache-2.0

package immutability_test

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
	"github.com/regproof/regproof/probes/immutability"
)

// TestRefusedNames: a name that nobody may push is none under which an image moves.
func TestRefusedNames(t *testing.T) {
	t.Parallel()
	l := labtest.Open(t)
	d := labtest.Door(t, l, lab.DoorOptions{Weaknesses: []string{"immutable-sound"}})
	at := labtest.Before(t, d, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		tag := r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:]
		if r.Method == http.MethodPut && strings.Contains(r.URL.Path, "/manifests/") && !strings.HasPrefix(tag, "regproof-") && !strings.HasPrefix(tag, "sha256:") {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusForbidden)
			_, _ = io.WriteString(w, `{"errors":[{"code":"DENIED"}]}`)
			return
		}
		next.ServeHTTP(w, r)
	})
	c := labtest.Prove(t, l, d, labtest.Setting{Probes: []probe.Probe{immutability.TagExemption, immutability.TagWriters}, Change: writing(t, "box-names", labtest.Instead(t, probe.Endpoint{URL: at}))})
	allPass(t, c)
}

// TestTwoRuns: what another run has left under a name, and removes at that very
// moment, is no tag that moved.
func TestTwoRuns(t *testing.T) {
	t.Parallel()
	l := labtest.Open(t)
	plain := labtest.Door(t, l, lab.DoorOptions{})
	for weakness, want := range map[string]finding.Outcome{"immutable-sound": finding.Pass, "immutable-latest-exempt": finding.Fail} {
		d := labtest.Door(t, l, lab.DoorOptions{Weaknesses: []string{weakness}})
		repository := "box-two-" + weakness
		body := []byte(`{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[],"annotations":{"` + probe.Label + `":"other"}}`)
		latest := plain.URL() + "/v2/" + repository + "/manifests/latest"
		if status, text := as(t, l, http.MethodPut, latest, "application/vnd.oci.image.index.v1+json", body); status != http.StatusCreated {
			t.Fatal(status, string(text))
		}
		var once sync.Once
		at := labtest.Before(t, d, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			if r.Method == http.MethodPut && strings.HasSuffix(r.URL.Path, "/manifests/latest") {
				once.Do(func() { as(t, l, http.MethodDelete, latest, "", nil) })
			}
			next.ServeHTTP(w, r)
		})
		c := labtest.Prove(t, l, d, labtest.Setting{Probes: []probe.Probe{immutability.TagExemption}, Change: writing(t, repository, labtest.Instead(t, probe.Endpoint{URL: at}))})
		if f, _ := c.Probe("immutability/tag-exemption"); f.Outcome != want {
			t.Errorf("%s: %s: %s; %s", weakness, f.Outcome, f.Message, f.Reason)
		}
	}
}

// TestCachedTag: a cache that goes on serving the first image does not make a tag
// immutable.
func TestCachedTag(t *testing.T) {
	t.Parallel()
	l := labtest.Open(t)
	for weakness, want := range map[string]finding.Outcome{"sound-basic": finding.Fail, "immutable-lying": finding.Pass, "immutable-sound": finding.Pass} {
		d := labtest.Door(t, l, lab.DoorOptions{Weaknesses: []string{weakness}})
		var mu sync.Mutex
		kept := map[string]*httptest.ResponseRecorder{}
		at := labtest.Before(t, d, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			if r.Method != http.MethodGet || !strings.Contains(r.URL.Path, "/manifests/regproof-") || r.Header.Get("Authorization") == "" {
				next.ServeHTTP(w, r)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			rec := kept[r.URL.RequestURI()]
			if rec == nil {
				rec = httptest.NewRecorder()
				if next.ServeHTTP(rec, r); rec.Code == http.StatusOK {
					kept[r.URL.RequestURI()] = rec
				}
			}
			w.Header().Set("Content-Type", rec.Header().Get("Content-Type"))
			w.WriteHeader(rec.Code)
			_, _ = w.Write(rec.Body.Bytes())
		})
		c := labtest.Prove(t, l, d, labtest.Setting{Probes: []probe.Probe{immutability.Tag}, Change: writing(t, "box-cached-"+weakness, labtest.Instead(t, probe.Endpoint{URL: at}))})
		if f, _ := c.Probe("immutability/tag"); f.Outcome != want {
			t.Errorf("%s: %s: %s; %s", weakness, f.Outcome, f.Message, f.Reason)
		}
		if left := tagsOf(t, l, d, "box-cached-"+weakness); len(left) > 0 && weakness == "sound-basic" {
			t.Errorf("left behind: %v", left)
		}
		t.Log(c.Summary.Notes)
	}
}
