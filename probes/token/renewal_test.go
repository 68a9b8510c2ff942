// SPDX-License-Identifier: Apache-2.0

package token_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/internal/labtest"
	"github.com/regproof/regproof/lab"
	"github.com/regproof/regproof/probe"
	"github.com/regproof/regproof/probes/token"
)

// turning is a token service before that of a door: each refresh token is good
// once, and gets another.
type turning struct {
	mu    sync.Mutex
	given map[string]string // to what the door gave
	n     int
	twice int // used again
}

func (s *turning) wrap(inner string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.n++
	outer := fmt.Sprintf("turning-%024d", s.n)
	s.given[outer] = inner
	return outer
}

func (s *turning) take(outer string) (inner string, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	inner, ok = s.given[outer]
	delete(s.given, outer)
	if !ok {
		s.twice++
	}
	return inner, ok
}

func (s *turning) front(w http.ResponseWriter, r *http.Request, next http.Handler) {
	if r.URL.Path != "/token" {
		rewriting(w, r, next)
		return
	}
	body, _ := io.ReadAll(r.Body)
	form, _ := url.ParseQuery(string(body))
	inner := ""
	if form.Get("grant_type") == "refresh_token" {
		var ok bool
		if inner, ok = s.take(form.Get("refresh_token")); !ok {
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprint(w, `{"error":"invalid_grant"}`)
			return
		}
		form.Set("refresh_token", inner)
		body = []byte(form.Encode())
	}
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	got := httptest.NewRecorder()
	next.ServeHTTP(got, r)
	var out map[string]any
	if got.Code == http.StatusOK && json.Unmarshal(got.Body.Bytes(), &out) == nil {
		if given, ok := out["refresh_token"].(string); ok {
			inner = given
		}
		if inner != "" {
			out["refresh_token"] = s.wrap(inner)
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(out)
		return
	}
	w.WriteHeader(got.Code)
	_, _ = w.Write(got.Body.Bytes())
}

// answering answers whoever redeems a refresh token.
func answering(status int) labtest.Front {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if r.URL.Path != "/token" {
			rewriting(w, r, next)
			return
		}
		body, _ := io.ReadAll(r.Body)
		if strings.Contains(string(body), "grant_type=refresh_token") {
			w.WriteHeader(status)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		next.ServeHTTP(w, r)
	}
}

// once ends a refresh token with its first use, and gives no other.
func once() labtest.Front {
	var used sync.Map
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if r.URL.Path != "/token" {
			rewriting(w, r, next)
			return
		}
		body, _ := io.ReadAll(r.Body)
		form, _ := url.ParseQuery(string(body))
		if _, again := used.LoadOrStore(form.Get("refresh_token"), true); again && form.Get("grant_type") == "refresh_token" {
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprint(w, `{"error":"invalid_grant"}`)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		next.ServeHTTP(w, r)
	}
}

// TestRenewal: refresh tokens are redeemed as the service wants it, and one that
// gets nothing at all lets nothing pass.
func TestRenewal(t *testing.T) {
	l := labtest.Open(t)
	turns := &turning{given: map[string]string{}}
	for _, tc := range []struct {
		name, door string
		front      labtest.Front
		outcome    finding.Outcome
		words      string
	}{
		{"each use gives another, unchecked", "token-refresh-unchecked", turns.front, finding.Fail, "dev: a refresh token redeemed for"},
		{"each use gives another", "sound-token-oauth", turns.front, finding.Pass, "none opened it"},
		{"good for nothing", "sound-token-oauth", answering(401), finding.Unknown, "the refresh token of dev is good for nothing (401)"},
		{"a rate limit", "sound-token-oauth", answering(429), finding.Unknown, "the refresh token of dev is good for nothing (429)"},
		{"no POST for it", "sound-token-oauth", answering(405), finding.Pass, "nothing takes the refresh token of dev (POST: 405)"},
		{"good once, unchecked", "token-refresh-unchecked", once(), finding.Fail, "dev: a refresh token redeemed for"},
		{"good once", "sound-token-oauth", once(), finding.Pass, "none opened it"},
		{"none is given", "sound-token", nil, finding.Pass, "dev is given no refresh token"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			d := labtest.Door(t, l, lab.DoorOptions{Weaknesses: []string{tc.door}})
			c := labtest.Prove(t, l, d, labtest.Setting{Probes: []probe.Probe{token.Escalation}, Policy: intended, Change: func(o *probe.Options) {
				if tc.front != nil {
					labtest.Instead(t, probe.Endpoint{URL: labtest.Before(t, d, tc.front)})(o)
				}
				withDev(l, d, func(*probe.Target) {})(o)
				o.Images = o.Images[:1]
			}})
			want(t, c, "escalation", tc.outcome, finding.Critical, tc.words)
			for x, err := range c.Recorder.All() {
				if raw, _ := json.Marshal(x); err != nil || bytes.Contains(raw, []byte("turning-0")) {
					t.Errorf("a refresh token is shown: %v, %s", err, raw)
				}
			}
		})
	}
	if turns.twice > 0 {
		t.Errorf("%d refresh tokens were used twice", turns.twice)
	}
}

// TestRevocationRenewal: a refresh token is followed as the service gives it, and
// one that was good for nothing before says nothing afterwards.
func TestRevocationRenewal(t *testing.T) {
	for _, tc := range []struct {
		name, door string
		front      labtest.Front
		outcome    finding.Outcome
		words      string
	}{
		{"each use gives another, and goes on", "token-refresh-survives", (&turning{given: map[string]string{}}).front, finding.Fail, "with a refresh token from before the credential was revoked"},
		{"each use gives another", "sound-token-oauth", (&turning{given: map[string]string{}}).front, finding.Pass, "the refresh token from before was refused after 0."},
		{"good for nothing", "sound-token-oauth", answering(401), finding.Unknown, "the refresh token of ci is good for nothing (401)"},
		{"none is given", "sound-token", nil, finding.Pass, "ci is given no refresh token"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			l := labtest.Open(t) // a revocation is one of all doors
			d := labtest.Door(t, l, lab.DoorOptions{Weaknesses: []string{tc.door}})
			quick := token.RevocationEvery(200*time.Millisecond, time.Second, time.Second)
			c := labtest.Prove(t, l, d, labtest.Setting{Probes: []probe.Probe{quick}, Policy: intended, Change: func(o *probe.Options) {
				if tc.front != nil {
					labtest.Instead(t, probe.Endpoint{URL: labtest.Before(t, d, tc.front)})(o)
				}
				revokes(l, o)
			}})
			want(t, c, "revocation", tc.outcome, finding.High, tc.words)
		})
	}
}
