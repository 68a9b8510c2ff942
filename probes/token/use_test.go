// SPDX-License-Identifier: Apache-2.0

package token_test

import (
	"testing"
	"time"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/internal/labtest"
	"github.com/regproof/regproof/probe"
)

func TestQuery(t *testing.T) {
	l := labtest.Open(t)
	for _, name := range []string{"access_token", "token", "authorization", "jwt"} {
		for _, opaque := range []bool{false, true} {
			c := (&house{query: name, opaque: opaque}).prove(t, l, nil, probes("query")...)
			f := want(t, c, "query", finding.Fail, finding.Medium, "?"+name+"=", "takes a token from the query")
			if f.Identity != "ci" || len(f.ControlEvidence) == 0 {
				t.Errorf("identity %s, control %v", f.Identity, f.ControlEvidence)
			}
		}
	}
	want(t, (&house{}).prove(t, l, nil, probes("query")...), "query", finding.Pass, "", "none opened it")
	want(t, (&house{plain: true}).prove(t, l, nil, probes("query")...), "query", finding.NotApplicable, "", "no token service")
	want(t, (&house{query: "token", open: true}).prove(t, l, nil, probes("query")...), "query", finding.NotApplicable, "", "")
	want(t, (&house{echoes: true, opaque: true}).prove(t, l, nil, probes("query")...), "query", finding.Pass, "", "none opened it")
	// The token ends while it is tried in odd ways.
	h := &house{spiteful: true}
	want(t, h.prove(t, l, nil, probes("query")...), "query", finding.Unknown, "", "no control: ")
	c := (&house{}).prove(t, l, func(o *probe.Options) { o.Identities = nil }, probes("query")...)
	want(t, c, "query", finding.Unknown, "", "no control")
}

func TestKind(t *testing.T) {
	l := labtest.Open(t)
	for _, tc := range []struct {
		name     string
		h        *house
		outcome  finding.Outcome
		severity finding.Severity
		words    string
	}{
		{"a refresh token opens", &house{refresh: true, kinds: true}, finding.Fail, finding.High, "a refresh token as the bearer"},
		{"a refresh token of a POST opens", &house{refresh: true, post: true, kinds: true}, finding.Fail, finding.High, "a refresh token as the bearer"},
		{"an id token opens", &house{id: true, kinds: true}, finding.Fail, finding.High, "an id token as the bearer"},
		{"a refresh token is refused", &house{refresh: true}, finding.Pass, "", "none opened it"},
		{"a refresh token is refused, and repeated", &house{refresh: true, id: true, echoes: true}, finding.Pass, "", "none opened it"},
		{"an id token is refused", &house{id: true}, finding.Pass, "", "none opened it"},
		{"none is given", &house{}, finding.NotApplicable, "", "neither a refresh token nor an id token"},
		{"it is the access token", &house{same: true}, finding.NotApplicable, "", "is its access token"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			want(t, tc.h.prove(t, l, nil, probes("kind")...), "kind", tc.outcome, tc.severity, tc.words)
		})
	}
}

func TestBasic(t *testing.T) {
	l := labtest.Open(t)
	want(t, (&house{basic: true}).prove(t, l, nil, probes("basic")...), "basic", finding.Fail, finding.Low, "the password opens the manifest, twice")
	want(t, (&house{}).prove(t, l, nil, probes("basic")...), "basic", finding.Pass, "", "refused at the registry")
	want(t, (&house{plain: true}).prove(t, l, nil, probes("basic")...), "basic", finding.NotApplicable, "", "no token service")
	// A password that is not bound to the endpoint does not go there: nor does a
	// token come back.
	c := (&house{basic: true}).prove(t, l, func(o *probe.Options) { o.Identities[0].Secret.Origins = nil }, probes("basic")...)
	f, _ := c.Probe("token/basic")
	if f.Outcome == finding.Fail || f.Outcome == finding.Pass {
		t.Errorf("%s: %s", f.Outcome, f.Reason)
	}
}

func TestLifetime(t *testing.T) {
	l := labtest.Open(t)
	for _, tc := range []struct {
		name     string
		h        *house
		outcome  finding.Outcome
		severity finding.Severity
		words    string
	}{
		{"five minutes", &house{}, finding.Pass, "", "5 min (exp less iat)"},
		{"fifteen minutes", &house{lifetime: 15 * time.Minute}, finding.Pass, "", "15 min"},
		{"half an hour", &house{lifetime: 30 * time.Minute}, finding.Fail, finding.Medium, "good for 30 min"},
		{"a day", &house{lifetime: 24 * time.Hour}, finding.Fail, finding.Medium, "24 h"},
		{"a week", &house{lifetime: 7 * 24 * time.Hour}, finding.Fail, finding.High, "7 days"},
		{"no end", &house{noEnd: true}, finding.Fail, finding.High, "exp is missing"},
		{"the end of time", &house{claims: map[string]any{"exp": int64(9223372036825200000)}}, finding.Fail, finding.High, "more than a hundred years"},
		{"beyond numbers", &house{claims: map[string]any{"exp": 1e300}}, finding.Fail, finding.High, "exp is missing"},
		{"before the beginning", &house{claims: map[string]any{"iat": int64(-9223372036854775808)}}, finding.Fail, finding.High, "more than a hundred years"},
		{"another expires_in", &house{expiresIn: 3600}, finding.Pass, "", "expires_in says 60 min"},
		{"opaque, told", &house{opaque: true, expiresIn: 3600}, finding.Fail, finding.Medium, "expires_in says"},
		{"opaque, told in few", &house{opaque: true, expiresIn: 300}, finding.Pass, "", "5 min"},
		{"opaque, untold", &house{opaque: true}, finding.Pass, "", "means 60 s"},
		{"opaque, negative", &house{opaque: true, expiresIn: -5}, finding.Pass, "", "means 60 s"},
		{"opaque, in words", &house{opaque: true, expiresIn: "long"}, finding.Unknown, "", ""},
		{"opaque, a lot", &house{opaque: true, expiresIn: 1e11}, finding.Fail, finding.High, "more than a hundred years"},
		{"no refresh token may be asked for", &house{strict: true, lifetime: 30 * time.Minute}, finding.Fail, finding.Medium, "good for 30 min"},
		{"a refresh token", &house{refresh: true}, finding.Pass, "", "a refresh token is given, too, whose end is not told"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			want(t, tc.h.prove(t, l, nil, probes("lifetime")...), "lifetime", tc.outcome, tc.severity, tc.words)
		})
	}
}

func TestEmptyCredential(t *testing.T) {
	l := labtest.Open(t)
	is := func(user, password string) func(string, string) bool {
		return func(u, p string) bool { return (user == "*" || u == user) && (password == "*" || p == password) }
	}
	wrong := allow(probe.WrongPassword)
	for _, tc := range []struct {
		name    string
		h       *house
		change  func(*probe.Options)
		outcome finding.Outcome
		words   string
	}{
		{"sound", &house{}, nil, finding.Pass, "ci with an empty password needs --try-wrong-password"},
		{"sound, with Basic", &house{plain: true}, nil, finding.Pass, "none opened it"},
		{"an empty password", &house{users: func(u, p string) bool { return u != "" && p == "" }}, nil, finding.Fail, "a token for a made-up user with an empty password"},
		{"an empty user", &house{users: func(u, p string) bool { return u == "" && p != "" }}, nil, finding.Pass, ""}, // a token for nobody opens nothing
		{"an empty user, with Basic", &house{plain: true, users: is("", "*")}, nil, finding.Fail, "an empty user with an empty password"},
		{"an empty password, with Basic", &house{plain: true, users: is("*", "")}, nil, finding.Fail, "a made-up user with an empty password"},
		{"anybody", &house{plain: true, users: is("*", "*")}, nil, finding.Unknown, "ingress/authorization"}, // which is left out here
		{"anybody, with tokens", &house{users: is("*", "*")}, nil, finding.Unknown, "token/stranger"},
		{"a known user", &house{users: is("ci", "")}, nil, finding.Pass, "needs --try-wrong-password"},
		{"a known user, tried", &house{users: is("ci", "")}, wrong, finding.Fail, "ci is let in with an empty password"},
		{"a known user, tried with Basic", &house{plain: true, users: is("ci", "")}, wrong, finding.Fail, "ci is let in with an empty password"},
		{"a known user, refused", &house{}, wrong, finding.Pass, "ci with an empty password gets no token (401)"},
		{"open", &house{open: true}, wrong, finding.Unknown, "ingress/authorization"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := tc.h.prove(t, l, tc.change, probes("empty-credential")...)
			want(t, c, "empty-credential", tc.outcome, finding.Critical, tc.words)
			most := 0
			if tc.change != nil {
				most = 1
			}
			if n := tc.h.guessed("ci"); n > most {
				t.Errorf("ci was tried %d times with a wrong password", n)
			}
		})
	}
}

// TestHostile: services that do harm leave the family undecided, and in time.
func TestHostile(t *testing.T) {
	l := labtest.Open(t)
	begin := time.Now()
	c := (&house{slowToken: true}).prove(t, l, slow, probes("empty-credential", "kind", "expiry", "query", "lifetime", "basic")...)
	for _, f := range c.Findings {
		if f.Outcome == finding.Fail || f.Outcome == finding.Pass && f.Probe != "token/empty-credential" || f.Outcome == finding.Error {
			t.Errorf("%s is %s: %s", f.Probe, f.Outcome, f.Reason)
		}
	}
	if d := time.Since(begin); d > time.Minute {
		t.Errorf("took %s", d)
	}
}

// TestOneToken: what looks at one token of who may read the image asks for it
// once, whoever comes first.
func TestOneToken(t *testing.T) {
	l := labtest.Open(t)
	asked := func(ids ...string) (n int) {
		h := &house{}
		h.prove(t, l, nil, probes(ids...)...)
		for _, a := range h.asked {
			if a == "GET /token "+h.name {
				n++
			}
		}
		return n
	}
	// A second one is asked for with a refresh token, to see how long both live.
	if one, all := asked("query"), asked("query", "basic", "lifetime"); all != one+1 {
		t.Errorf("%d tokens for one probe, %d for three", one, all)
	}
}
