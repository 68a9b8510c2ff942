// SPDX-License-Identifier: Apache-2.0

package token_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/internal/labtest"
	"github.com/regproof/regproof/lab"
	"github.com/regproof/regproof/probe"
	"github.com/regproof/regproof/probes/ingress"
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
	c := labtest.Prove(t, l, d, labtest.Setting{Probes: probes("audience", "issuer", "structure", "expiry"), Change: func(o *probe.Options) {
		o.Targets[0].Signing = &probe.Signing{KeyID: "k", Key: stranger}
	}})
	for _, f := range c.Findings {
		if f.Probe == "token/expiry" {
			if f.Outcome != finding.NotChecked {
				t.Errorf("%s is %s: %s", f.Probe, f.Outcome, f.Reason)
			}
			continue
		}
		if f.Outcome != finding.Unknown || !strings.Contains(f.Reason, "tokens.signingKey") {
			t.Errorf("%s is %s: %s", f.Probe, f.Outcome, f.Reason)
		}
	}
}

// TestLeftOut: a weakness that hides others is not hidden by leaving out the probe
// that would tell it.
func TestLeftOut(t *testing.T) {
	l := labtest.Open(t)
	d := labtest.Door(t, l, lab.DoorOptions{Weaknesses: []string{"verify-no-signature"}})
	for name, change := range map[string]func(*probe.Options){
		"by --only": func(o *probe.Options) { o.Probes = probes("algorithm", "structure", "key") },
		"by --only, known": func(o *probe.Options) {
			o.Selected = func(p probe.Probe) bool { return p.ID != "token/signature" }
		},
		"by --skip": func(o *probe.Options) { o.Skipped = func(p probe.Probe) bool { return p.ID == "token/signature" } },
	} {
		c := labtest.Prove(t, l, d, labtest.Setting{Probes: probes("signature", "algorithm", "structure", "key"), Change: change})
		for _, f := range c.Findings {
			if f.Probe != "token/signature" && (f.Outcome != finding.Unknown || !strings.Contains(f.Reason, "left out of this run")) {
				t.Errorf("%s: %s is %s: %s", name, f.Probe, f.Outcome, f.Reason)
			}
		}
	}
	c := labtest.Prove(t, l, d, labtest.Setting{Probes: probes("signature", "algorithm", "structure", "key")})
	fails(t, c, "token/signature")
	if got := c.Of(finding.Unknown); len(got) > 0 {
		t.Errorf("unknown beside what is told: %v", got)
	}
}

// TestAnyPassword: a token service that takes any name and password is told of.
func TestAnyPassword(t *testing.T) {
	l := labtest.Open(t)
	h := &house{users: func(user, password string) bool { return user != "" && password != "" }}
	c := h.prove(t, l, nil, append(probes("stranger", "empty-credential"), ingress.Authorization)...)
	f := want(t, c, "stranger", finding.Fail, finding.Critical, "a made-up user with a made-up password")
	if f.Identity != "anonymous" {
		t.Errorf("identity %s", f.Identity)
	}
	want(t, c, "empty-credential", finding.NotApplicable, "", "token/stranger tells")
	c = (&house{}).prove(t, l, nil, probes("stranger")...)
	want(t, c, "stranger", finding.Pass, "")
}

// TestSilence: where no odd way to ask has an answer at all, none of them was
// refused.
func TestSilence(t *testing.T) {
	l := labtest.Open(t)
	h := &house{plain: true, refuse: func(_ *house, _ http.ResponseWriter, r *http.Request, _ string) {
		<-r.Context().Done() // longer than an odd way to ask is given
	}}
	c := h.prove(t, l, nil, probes("empty-credential")...)
	want(t, c, "empty-credential", finding.Unknown, "", "had no answer")
}

// TestBannedIssuer: a token service that refuses everybody after a while has said
// nothing of a scope.
func TestBannedIssuer(t *testing.T) {
	l := labtest.Open(t)
	for _, id := range []string{"stranger", "scope-syntax", "service"} {
		t.Run(id, func(t *testing.T) {
			t.Parallel()
			d := labtest.Door(t, l, lab.DoorOptions{Weaknesses: []string{"sound-token"}})
			var asked atomic.Int64
			at := labtest.Before(t, d, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
				if r.URL.Path == "/token" && asked.Add(1) > 9 {
					w.WriteHeader(http.StatusForbidden)
					return
				}
				rewriting(w, r, next)
			})
			c := labtest.Prove(t, l, d, labtest.Setting{Probes: probes(id), Change: labtest.Instead(t, probe.Endpoint{URL: at})})
			want(t, c, id, finding.Unknown, "", "refuses everybody")
		})
	}
}
