// SPDX-License-Identifier: Apache-2.0

package token_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/regproof/regproof/credential"
	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/internal/labtest"
	"github.com/regproof/regproof/login"
	"github.com/regproof/regproof/probe"
	"github.com/regproof/regproof/probes/token"
)

// stray says whether it is the made-up user of the tests.
func stray(user string) bool { return user == "regproof-test" }

// after refuses as usual, and otherwise from the nth wrong password on.
func after(n int, then func(w http.ResponseWriter, wrong int)) func(*house, http.ResponseWriter, *http.Request, string) {
	return func(h *house, w http.ResponseWriter, _ *http.Request, user string) {
		if k := h.guessed(user); stray(user) && k >= n {
			then(w, k)
			return
		}
		unauthorized(w, "authentication required")
	}
}

func status(code int, header ...string) func(http.ResponseWriter, int) {
	return func(w http.ResponseWriter, _ int) {
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(code)
	}
}

func hang(http.ResponseWriter, int) { panic(http.ErrAbortHandler) }

func TestThrottling(t *testing.T) {
	l := labtest.Open(t)
	for _, tc := range []struct {
		name    string
		h       *house
		outcome finding.Outcome
		words   string
	}{
		{"none", &house{}, finding.Fail, "20 wrong passwords of a made-up user, one after the other at the token service"},
		{"none, with Basic", &house{plain: true}, finding.Fail, "at /v2/"},
		{"none, by POST", &house{post: true}, finding.Fail, "20 wrong passwords"},
		{"429", &house{refuse: after(8, status(429))}, finding.Pass, "answered 429 at the token service"},
		{"429, with Basic", &house{plain: true, refuse: after(12, status(429))}, finding.Pass, "answered 429 at /v2/"},
		{"403", &house{refuse: after(8, status(403))}, finding.Pass, "403 in the place of 401"},
		{"503", &house{refuse: after(8, status(503))}, finding.Pass, "answered 503"},
		{"Retry-After", &house{refuse: after(8, status(401, "Retry-After", "5"))}, finding.Pass, "with Retry-After"},
		{"no answer", &house{refuse: after(8, hang)}, finding.Pass, "no answer any more"},
		{"a delay that grows", &house{refuse: after(8, func(w http.ResponseWriter, n int) {
			time.Sleep(time.Duration(n) * 20 * time.Millisecond)
			w.WriteHeader(401)
		})}, finding.Pass, "delayed from"},
		{"a tarpit from the first on", &house{refuse: after(0, func(w http.ResponseWriter, _ int) {
			time.Sleep(320 * time.Millisecond)
			w.WriteHeader(401)
		})}, finding.Unknown, "from the first on"},
		{"anybody", &house{users: func(string, string) bool { return true }}, finding.Unknown, "which is no refusal"},
		{"an error", &house{refuse: after(0, status(500))}, finding.Unknown, "500"},
		{"open", &house{open: true, plain: true}, finding.NotApplicable, "no password is asked for"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c := tc.h.prove(t, l, allow(probe.ManyPasswords), token.ThrottlingAt(150*time.Millisecond))
			want(t, c, "throttling", tc.outcome, finding.Medium, tc.words)
			if n := tc.h.guessed("ci"); n > 0 {
				t.Errorf("ci was guessed %d times", n)
			}
		})
	}
	c := (&house{}).prove(t, l, nil, probes("throttling")...)
	want(t, c, "throttling", finding.NotChecked, "", "--try-throttling")
}

// TestThrottlingOnce: two ways in to one token service make no more guesses there.
func TestThrottlingOnce(t *testing.T) {
	l := labtest.Open(t)
	for _, plain := range []bool{false, true} {
		h := &house{plain: plain}
		c := h.prove(t, l, func(o *probe.Options) {
			allow(probe.ManyPasswords)(o)
			second := o.Targets[0].Endpoints[0]
			second.Prefix = "x/"
			o.Targets[0].Endpoints = append(o.Targets[0].Endpoints, second)
		}, token.ThrottlingAt(150*time.Millisecond))
		if n := h.guessed("regproof-test"); n > 23 { // and the questions how logins are asked for
			t.Errorf("%d guesses", n)
		}
		var got []finding.Outcome
		for _, f := range c.Findings {
			got = append(got, f.Outcome)
		}
		if len(got) != 2 || got[0] != finding.Fail || got[1] != finding.NotApplicable {
			t.Errorf("%v", got)
		}
	}
}

// TestThrottlingIsLast: a ban that it wakes is after everything else.
func TestThrottlingIsLast(t *testing.T) {
	l := labtest.Open(t)
	h := &house{refuse: after(8, status(429))}
	c := h.prove(t, l, func(o *probe.Options) {
		allow(probe.ManyPasswords, probe.WrongPassword)(o)
		o.Decoy = "decoy"
	}, append(probes("throttling", "user-existence", "query", "basic", "lifetime"), token.UserTimingOf(10))...)
	for _, f := range c.Findings {
		if f.Outcome != finding.Pass {
			t.Errorf("%s is %s: %s", f.Probe, f.Outcome, f.Reason)
		}
	}
	if last := c.Findings[len(c.Findings)-1]; last.Probe != "token/throttling" {
		t.Errorf("the last finding is of %s", last.Probe)
	}
}

func dev(o *probe.Options) {
	o.Identities = append(o.Identities, probe.Identity{Identity: login.Identity{Name: "dev", Secret: credential.Bound{
		Credential: credential.Credential{Username: "dev", Password: credential.NewSecret("dev's own password")},
		Origins:    o.Identities[0].Secret.Origins, PlainHTTP: true,
	}}})
}

func exists(user string) bool { return user == "ci" || user == "dev" || user == "decoy" }

func TestUserExistence(t *testing.T) {
	l := labtest.Open(t)
	tells := func(known, unknown func(w http.ResponseWriter, user string)) func(*house, http.ResponseWriter, *http.Request, string) {
		return func(_ *house, w http.ResponseWriter, _ *http.Request, user string) {
			w.Header().Set("X-Request-Id", fmt.Sprint(time.Now().UnixNano()))
			if exists(user) {
				known(w, user)
				return
			}
			unknown(w, user)
		}
	}
	says := func(format string) func(http.ResponseWriter, string) {
		return func(w http.ResponseWriter, user string) { unauthorized(w, strings.ReplaceAll(format, "USER", user)) }
	}
	header := func(k, v string) func(http.ResponseWriter, string) {
		return func(w http.ResponseWriter, user string) { w.Header().Set(k, v); unauthorized(w, "no") }
	}
	forbids := func(w http.ResponseWriter, _ string) { w.WriteHeader(403) }
	nonce := func(w http.ResponseWriter, _ string) {
		unauthorized(w, strings.Repeat("x", int(time.Now().UnixNano()%97)))
	}
	for _, tc := range []struct {
		name    string
		h       *house
		outcome finding.Outcome
		words   string
	}{
		{"alike", &house{}, finding.Pass, "headers and body alike"},
		{"alike, with Basic", &house{plain: true}, finding.Pass, "at /v2/"},
		{"the name is echoed", &house{refuse: tells(says("no, USER"), says("no, USER"))}, finding.Pass, ""},
		{"noise in every body", &house{refuse: tells(nonce, nonce)}, finding.Pass, ""},
		{"the text", &house{refuse: tells(says("wrong password"), says("there is no user USER"))}, finding.Fail, "the length of the body"},
		{"the text, of one length", &house{refuse: tells(says("abc"), says("xyz"))}, finding.Fail, "the body: sha256"},
		{"the status", &house{refuse: tells(forbids, says("no"))}, finding.Fail, "the status: 403, and for a made-up user 401"},
		{"a header", &house{refuse: tells(header("X-Tries", "2"), says("no"))}, finding.Fail, "the list of headers"},
		{"the text, with Basic", &house{plain: true, refuse: tells(says("wrong password"), says("no user"))}, finding.Fail, "at /v2/"},
		{"the value of a header", &house{refuse: tells(header("X-Tries", "2"), header("X-Tries", "0"))}, finding.Fail, "the header x-tries"},
		{"a backend of several", &house{refuse: backends()}, finding.Pass, ""},
		{"an error", &house{refuse: tells(says("no"), func(w http.ResponseWriter, _ string) { w.WriteHeader(500) })}, finding.Unknown, "which is no refusal"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := tc.h.prove(t, l, allow(probe.WrongPassword), probes("user-existence")...)
			f := want(t, c, "user-existence", tc.outcome, finding.Low, tc.words)
			if n := tc.h.guessed("ci"); n > 1 || (f.Outcome == finding.Pass && f.Identity != "ci") {
				t.Errorf("ci was tried %d times; identity %s", n, f.Identity)
			}
		})
	}
}

// backends are two, whose names are in their answers: of the made-up names the first ones
// meet one, and the later ones the other, which the name that exists has met.
func backends() func(*house, http.ResponseWriter, *http.Request, string) {
	var n atomic.Int64
	return func(_ *house, w http.ResponseWriter, _ *http.Request, user string) {
		name := "a"
		if i := n.Add(1); exists(user) || i > 5 {
			name = "b"
		}
		w.Header().Set("X-Served-By", name)
		unauthorized(w, "no")
	}
}

// TestWrongPasswordOnce: a configured name is tried once in a run, whichever
// probes want to.
func TestWrongPasswordOnce(t *testing.T) {
	l := labtest.Open(t)
	for _, tc := range []struct {
		name    string
		change  func(*probe.Options)
		tried   map[string]int
		outcome finding.Outcome
		words   string
	}{
		{"one identity", func(*probe.Options) {}, map[string]int{"ci": 1}, finding.NotChecked, "was tried by token/empty-credential"},
		{"another one", dev, map[string]int{"ci": 1, "dev": 1}, finding.Pass, ""},
		{"a decoy", func(o *probe.Options) { dev(o); o.Decoy = "decoy" }, map[string]int{"ci": 1, "dev": 0, "decoy": 1}, finding.Pass, "provided that decoy exists"},
		{"two endpoints", func(o *probe.Options) {
			dev(o)
			second := o.Targets[0].Endpoints[0]
			second.Prefix = "x/"
			o.Targets[0].Endpoints = append(o.Targets[0].Endpoints, second)
		}, map[string]int{"ci": 1, "dev": 1}, finding.Pass, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			h := &house{}
			c := h.prove(t, l, func(o *probe.Options) { allow(probe.WrongPassword)(o); tc.change(o) }, probes("empty-credential", "user-existence")...)
			want(t, c, "user-existence", tc.outcome, "", tc.words)
			want(t, c, "empty-credential", finding.Pass, "", "ci with an empty password gets no token")
			for user, n := range tc.tried {
				if got := h.guessed(user); got != n {
					t.Errorf("%s was tried %d times, want %d", user, got, n)
				}
			}
		})
	}
	h := &house{}
	c := h.prove(t, l, nil, probes("empty-credential", "user-existence", "user-timing")...)
	want(t, c, "user-existence", finding.NotChecked, "", "--try-wrong-password")
	want(t, c, "user-timing", finding.NotChecked, "", "--try-wrong-password")
	if n := h.guessed("ci"); n > 0 {
		t.Errorf("ci was tried %d times without being allowed", n)
	}
}

func TestUserTiming(t *testing.T) {
	l := labtest.Open(t)
	takes := func(known, unknown time.Duration) func(*house, http.ResponseWriter, *http.Request, string) {
		return func(_ *house, w http.ResponseWriter, _ *http.Request, user string) {
			if exists(user) {
				time.Sleep(known)
			} else {
				time.Sleep(unknown)
			}
			unauthorized(w, "no")
		}
	}
	limit := func(h *house, w http.ResponseWriter, _ *http.Request, user string) {
		if user == "decoy" && h.guessed(user) > 15 {
			w.WriteHeader(429)
			return
		}
		unauthorized(w, "no")
	}
	for _, tc := range []struct {
		name    string
		h       *house
		decoy   string
		outcome finding.Outcome
		words   string
	}{
		{"slow for names that exist", &house{refuse: takes(40*time.Millisecond, 0)}, "decoy", finding.Fail, "round 2"},
		{"slow for names that do not", &house{refuse: takes(0, 40*time.Millisecond)}, "decoy", finding.Fail, "round 2"},
		{"slow for both", &house{refuse: takes(20*time.Millisecond, 20*time.Millisecond)}, "decoy", finding.Pass, "provided that decoy exists"},
		{"slow with Basic", &house{plain: true, refuse: takes(40*time.Millisecond, 0)}, "decoy", finding.Fail, "at /v2/"},
		{"a lockout", &house{refuse: limit}, "decoy", finding.Unknown, "answered 429"},
		{"a decoy that is needed", &house{}, "CI", finding.NotChecked, "is the user of ci"},
		{"no decoy", &house{refuse: takes(40*time.Millisecond, 0)}, "", finding.NotChecked, "check.decoy"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := tc.h.prove(t, l, func(o *probe.Options) {
				allow(probe.WrongPassword)(o)
				o.Decoy = tc.decoy
			}, token.UserTimingOf(20))
			want(t, c, "user-timing", tc.outcome, finding.Low, tc.words)
			if n := tc.h.guessed("ci"); n > 0 {
				t.Errorf("ci was tried %d times", n)
			}
		})
	}
}
