// SPDX-License-Identifier: Apache-2.0

package token_test

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/internal/labtest"
	"github.com/regproof/regproof/lab"
	"github.com/regproof/regproof/probe"
	"github.com/regproof/regproof/probes/anonymous"
	"github.com/regproof/regproof/probes/token"
)

// basicAfterwards answers as Harbor does: whoever comes with a credential that is
// refused, or asks for the catalog, is asked for a password, and everybody else is
// sent to the token service.
type basicAfterwards struct {
	http.ResponseWriter
	host  string
	basic bool
}

func (b *basicAfterwards) WriteHeader(status int) {
	h := b.Header()
	if v := h.Get("WWW-Authenticate"); v != "" {
		_, rest, _ := strings.Cut(v, "/token")
		if h.Set("WWW-Authenticate", `Bearer realm="http://`+b.host+"/token"+rest); b.basic {
			h.Set("WWW-Authenticate", `Basic realm="harbor"`)
		}
	}
	b.ResponseWriter.WriteHeader(status)
}

// TestTwoChallenges: the token service is still the one that strangers were sent to
// after something else was asked for a password.
func TestTwoChallenges(t *testing.T) {
	l := labtest.Open(t)
	for name, want := range map[string][]string{"sound-token": nil, "token-escalation": {"token/escalation"}, "verify-hs256": {"token/algorithm"}, "sound-token below": nil, "token-escalation below": {"token/escalation"}} {
		t.Run(name, func(t *testing.T) {
			name, below := strings.CutSuffix(name, " below") // everything below /v2/ asks for a password
			d := labtest.Door(t, l, lab.DoorOptions{Weaknesses: []string{name}})
			at := labtest.Before(t, d, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
				if !strings.HasPrefix(r.URL.Path, "/v2/") {
					next.ServeHTTP(w, r)
					return
				}
				next.ServeHTTP(&basicAfterwards{w, r.Host, r.Header.Get("Authorization") != "" || r.URL.Path == "/v2/_catalog" || below && r.URL.Path != "/v2/"}, r)
			})
			change := withDev(l, d, func(*probe.Target) {})
			c := labtest.Prove(t, l, d, labtest.Setting{Probes: append([]probe.Probe{anonymous.Catalog}, issued()...), Policy: intended, Change: func(o *probe.Options) {
				change(o)
				labtest.Instead(t, probe.Endpoint{URL: at})(o)
			}})
			fails(t, c, want...)
			for _, id := range []string{"anonymous/catalog", "token/stranger", "token/signature"} {
				if f, _ := c.Probe(id); f.Outcome != finding.Pass {
					t.Errorf("%s is %s: %s", id, f.Outcome, f.Reason)
				}
			}
		})
	}
}

// TestNoPost: a token service that breaks at every POST gives nothing by it; one
// that breaks at some is not understood.
func TestNoPost(t *testing.T) {
	l := labtest.Open(t)
	for some, outcome := range map[bool]finding.Outcome{false: finding.Pass, true: finding.Unknown} {
		d := labtest.Door(t, l, lab.DoorOptions{Weaknesses: []string{"sound-token-oauth"}})
		var posts atomic.Int64
		at := labtest.Before(t, d, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			if r.Method == http.MethodPost && r.URL.Path == "/token" && (!some || posts.Add(1) > 1) {
				w.WriteHeader(http.StatusInternalServerError)
				return
			}
			rewriting(w, r, next)
		})
		c := labtest.Prove(t, l, d, labtest.Setting{Probes: []probe.Probe{token.Stranger}, Policy: intended, Change: labtest.Instead(t, probe.Endpoint{URL: at})})
		if f, _ := c.Probe("token/stranger"); f.Outcome != outcome {
			t.Errorf("some alone: %t: %s: %s", some, f.Outcome, f.Reason)
		}
	}
}

// TestCatalogByToken: a stranger who is asked for a password at the catalog alone
// still has the token service, and what that gives is used.
func TestCatalogByToken(t *testing.T) {
	l := labtest.Open(t)
	name, password := l.User()
	for _, open := range []bool{false, true} {
		d := labtest.Door(t, l, lab.DoorOptions{Weaknesses: []string{"sound-token"}})
		at := labtest.Before(t, d, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			if !strings.HasPrefix(r.URL.Path, "/v2/") {
				if open && strings.Contains(r.URL.RawQuery, "catalog") && r.Header.Get("Authorization") == "" {
					r.SetBasicAuth(name, password)
				}
				next.ServeHTTP(w, r)
				return
			}
			next.ServeHTTP(&basicAfterwards{w, r.Host, r.Header.Get("Authorization") != "" || r.URL.Path == "/v2/_catalog"}, r)
		})
		c := labtest.Prove(t, l, d, labtest.Setting{Probes: []probe.Probe{anonymous.Catalog}, Policy: intended, Change: labtest.Instead(t, probe.Endpoint{URL: at})})
		f, _ := c.Probe("anonymous/catalog")
		if want := map[bool]finding.Outcome{false: finding.Pass, true: finding.Fail}[open]; f.Outcome != want {
			t.Errorf("%t: %s: %s; %s", open, f.Outcome, f.Reason, f.Message)
		}
	}
}
