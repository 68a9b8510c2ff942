// SPDX-License-Identifier: Apache-2.0

package token_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"net/http"
	"strings"
	"testing"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/internal/labtest"
	"github.com/regproof/regproof/lab"
	"github.com/regproof/regproof/probe"
)

// TestNoRefusal: what a token service does not take, and what a bot filter says in
// its place, is no refusal of a scope: nothing passes by it.
func TestNoRefusal(t *testing.T) {
	l := labtest.Open(t)
	for name, answer := range map[string]func(http.ResponseWriter){
		"no GET":        func(w http.ResponseWriter) { w.WriteHeader(http.StatusMethodNotAllowed) },
		"nothing there": func(w http.ResponseWriter) { w.WriteHeader(http.StatusNotFound) },
		"a time-out":    func(w http.ResponseWriter) { w.WriteHeader(http.StatusRequestTimeout) },
		"a bot filter": func(w http.ResponseWriter) {
			w.Header().Set("Cf-Mitigated", "challenge")
			w.WriteHeader(http.StatusForbidden)
		},
		"a page of a front": func(w http.ResponseWriter) {
			w.Header().Set("Content-Type", "text/html")
			w.WriteHeader(http.StatusForbidden)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := labtest.Door(t, l, lab.DoorOptions{Weaknesses: []string{"sound-token"}})
			at := labtest.Before(t, d, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
				if r.URL.Path == "/token" && r.Header.Get("Authorization") == "" {
					answer(w)
					return
				}
				rewriting(w, r, next)
			})
			c := labtest.Prove(t, l, d, labtest.Setting{Probes: probes("stranger", "scope-syntax", "service"), Change: labtest.Instead(t, probe.Endpoint{URL: at})})
			for _, f := range c.Findings {
				if f.Outcome != finding.Unknown {
					t.Errorf("%s is %s: %s", f.Probe, f.Outcome, f.Reason)
				}
			}
		})
	}
	t.Run("a scope that is no scope", func(t *testing.T) {
		d := labtest.Door(t, l, lab.DoorOptions{Weaknesses: []string{"sound-token"}})
		at := labtest.Before(t, d, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			if r.URL.Path == "/token" && strings.Contains(r.URL.RawQuery, "%2A") {
				w.WriteHeader(http.StatusBadRequest)
				return
			}
			rewriting(w, r, next)
		})
		c := labtest.Prove(t, l, d, labtest.Setting{Probes: probes("stranger"), Change: labtest.Instead(t, probe.Endpoint{URL: at})})
		if f, _ := c.Probe("token/stranger"); f.Outcome != finding.Pass {
			t.Errorf("%s: %s", f.Outcome, f.Reason)
		}
	})
}

// TestWrongKey: what a key signs that nobody trusts is refused for that, and
// nothing passes by it.
func TestWrongKey(t *testing.T) {
	l := labtest.Open(t)
	_, stranger, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	d := labtest.Door(t, l, lab.DoorOptions{Weaknesses: []string{"sound-token"}})
	c := labtest.Prove(t, l, d, labtest.Setting{Probes: probes("audience", "issuer", "structure"), Change: func(o *probe.Options) {
		o.Targets[0].Signing = &probe.Signing{KeyID: "k", Key: stranger}
	}})
	for _, f := range c.Findings {
		if f.Outcome != finding.Unknown || !strings.Contains(f.Reason, "tokens.signingKey") {
			t.Errorf("%s is %s: %s", f.Probe, f.Outcome, f.Reason)
		}
	}
}
