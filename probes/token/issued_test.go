// SPDX-License-Identifier: Apache-2.0

package token_test

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/regproof/regproof/access"
	"github.com/regproof/regproof/credential"
	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/internal/labtest"
	"github.com/regproof/regproof/lab"
	"github.com/regproof/regproof/login"
	"github.com/regproof/regproof/policy"
	"github.com/regproof/regproof/probe"
)

// counter is a registry whose tokens are opaque, before an open door of the lab.
type counter struct {
	unscoped bool                                           // a token is good for all that its user may do
	others   []string                                       // users who may do nothing here
	greedy   string                                         // the one of them who is given what he asks for
	spelling string                                         // the end of a scope that is granted to everybody
	answer   func(w http.ResponseWriter, token string) bool // instead of the usual answer

	name, password string
	mu             sync.Mutex
	tokens         map[string][]string // what each allows
}

func (c *counter) token(w http.ResponseWriter, r *http.Request) {
	user, password, named := r.BasicAuth()
	other := slices.Contains(c.others, user) && password == "password of "+user
	if named && !other && (user != c.name || password != c.password) {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	c.mu.Lock()
	token := fmt.Sprintf("opaque-%d", len(c.tokens))
	var scopes []string
	if c.spelling != "" && strings.HasSuffix(r.URL.Query().Get("scope"), c.spelling) {
		scopes = append(scopes, "repository:team-a/app:pull")
	}
	if other {
		scopes = append(scopes, "repository:team-b/tool:pull")
	}
	if named && (!other || user == c.greedy) {
		scopes = append(scopes, r.URL.Query()["scope"]...)
		if c.unscoped {
			scopes = append(scopes, "*")
		}
	}
	c.tokens[token] = scopes
	c.mu.Unlock()
	if c.answer != nil && c.answer(w, token) {
		return
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"token": token})
}

func (c *counter) front(w http.ResponseWriter, r *http.Request, next http.Handler) {
	if r.URL.Path == "/token" {
		c.token(w, r)
		return
	}
	_, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	c.mu.Lock()
	scopes := c.tokens[token]
	c.mu.Unlock()
	for _, s := range scopes {
		name, actions, _ := strings.Cut(strings.TrimPrefix(s, "repository:"), ":")
		need := map[string]string{http.MethodGet: "pull", http.MethodDelete: "delete"}[r.Method]
		if s == "*" || (strings.HasPrefix(r.URL.Path, "/v2/"+name+"/") && strings.Contains(actions, cmp.Or(need, "push"))) || r.URL.Path == "/v2/" {
			next.ServeHTTP(w, r)
			return
		}
	}
	w.Header().Set("WWW-Authenticate", `Bearer realm="http://`+r.Host+`/token",service="counter"`)
	w.WriteHeader(http.StatusUnauthorized)
	fmt.Fprint(w, `{"errors":[{"code":"UNAUTHORIZED"}]}`)
}

func (c *counter) prove(t *testing.T, l *lab.Lab) *labtest.Collected {
	t.Helper()
	return c.proveWith(t, l, issued(), func(*probe.Options) {})
}

func (c *counter) proveWith(t *testing.T, l *lab.Lab, probes []probe.Probe, change func(*probe.Options)) *labtest.Collected {
	t.Helper()
	c.name, c.password = l.User()
	c.tokens = map[string][]string{}
	at := labtest.Before(t, labtest.Door(t, l, lab.DoorOptions{Auth: lab.None}), c.front)
	got := labtest.Prove(t, l, labtest.Door(t, l, lab.DoorOptions{}), labtest.Setting{Probes: probes, Policy: intended, Change: func(o *probe.Options) {
		labtest.Instead(t, probe.Endpoint{URL: at})(o)
		change(o)
	}})
	for _, f := range got.Findings {
		t.Logf("%s %s: %s | %s", f.Outcome, f.Probe, f.Reason, f.Message)
		if f.Outcome == finding.Error {
			t.Errorf("%s broke: %s\n%s", f.Probe, f.Reason, f.Message)
		}
	}
	return got
}

func fails(t *testing.T, c *labtest.Collected, want ...string) {
	t.Helper()
	if got := c.Of(finding.Fail); strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("fail: %v, want %v", got, want)
	}
}

func TestOpaque(t *testing.T) {
	l := labtest.Open(t)
	t.Run("scoped", func(t *testing.T) {
		c := (&counter{}).prove(t, l)
		labtest.Sound(t, c)
		for _, id := range []string{"token/repository", "token/action", "token/signature", "token/algorithm"} {
			if f, _ := c.Probe(id); f.Outcome != finding.Pass {
				t.Errorf("%s is %s: %s", id, f.Outcome, f.Reason)
			}
		}
		if f, _ := c.Probe("token/algorithm"); !strings.Contains(f.Reason, "guessed") || !strings.Contains(f.Reason, "no public key") {
			t.Errorf("it does not say what it was made from: %s", f.Reason)
		}
	})
	t.Run("of the user", func(t *testing.T) {
		c := (&counter{unscoped: true}).prove(t, l)
		fails(t, c, "token/action", "token/repository")
		if f, _ := c.Probe("token/stranger"); f.Outcome != finding.Pass {
			t.Errorf("token/stranger is %s: %s", f.Outcome, f.Reason)
		}
		for _, id := range c.Of(finding.Fail) {
			if f, _ := c.Probe(id); f.Severity != finding.Medium || f.Identity != "ci" {
				t.Errorf("%s: %s, %s", id, f.Severity, f.Identity)
			}
		}
	})
}

// TestStrangeIssuers: whatever a token service answers, nothing breaks, and
// nobody is accused.
func TestStrangeIssuers(t *testing.T) {
	l := labtest.Open(t)
	jwt := func(header, payload string) string {
		return base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + base64.RawURLEncoding.EncodeToString([]byte(payload)) + ".AAAA"
	}
	say := func(token string) func(http.ResponseWriter, string) bool {
		return func(w http.ResponseWriter, _ string) bool {
			_ = json.NewEncoder(w).Encode(map[string]any{"token": token})
			return true
		}
	}
	var n sync.Mutex
	asked := 0
	for name, answer := range map[string]func(http.ResponseWriter, string) bool{
		"a rate limit after the first": func(w http.ResponseWriter, _ string) bool {
			n.Lock()
			defer n.Unlock()
			if asked++; asked > 3 {
				w.Header().Set("Retry-After", "60")
				w.WriteHeader(http.StatusTooManyRequests)
			}
			return asked > 3
		},
		"a huge token":         say(strings.Repeat("x", 900_000)),
		"a huge header":        say(jwt(`{"alg":"ES256","kid":"`+strings.Repeat("k", 200_000)+`"}`, `{"access":[]}`)),
		"a deep claim":         say(jwt(`{"alg":"ES256"}`, `{"access":`+strings.Repeat("[", 5000)+strings.Repeat("]", 5000)+`}`)),
		"an access of text":    say(jwt(`{"alg":"ES256"}`, `{"access":"all"}`)),
		"types that are wrong": say(jwt(`{"alg":7,"kid":{},"x5c":[1],"jwk":"x"}`, `{"aud":{},"exp":"x","iss":null,"access":[{"type":1}]}`)),
		"escapes":              say(jwt(`{"alg":"\u001b[2J","kid":"\r\nX: y"}`, `{"iss":"\u0000","aud":["<script>"],"access":[]}`)),
		"an RSA of its own":    say(jwt(`{"alg":"RS256"}`, `{"access":null}`)),
		"a control character":  say("bad\x01token"),
		"a letter of no ASCII": say("töken"),
		"a tab":                say("to\tken"),
		"a delete":             say("to\x7fken"),
		"no token":             say(""),
		"a letter":             say("a"),
		"a page":               func(w http.ResponseWriter, _ string) bool { fmt.Fprint(w, "<html>"); return true },
		"an error":             func(w http.ResponseWriter, _ string) bool { w.WriteHeader(500); return true },
	} {
		t.Run(name, func(t *testing.T) {
			fails(t, (&counter{answer: answer}).prove(t, l))
		})
	}
}

// TestRateLimitedIssuer: what could not be asked for is no pass.
func TestRateLimitedIssuer(t *testing.T) {
	l := labtest.Open(t)
	d := labtest.Door(t, l, lab.DoorOptions{Auth: lab.Token})
	at := labtest.Before(t, d, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if r.URL.Path == "/token" && strings.Contains(r.URL.RawQuery, "push") {
			w.WriteHeader(http.StatusTooManyRequests)
			return
		}
		if r.URL.Path == "/token" || strings.HasPrefix(r.URL.Path, "/.well-known") {
			next.ServeHTTP(w, r)
			return
		}
		rewriting(w, r, next)
	})
	c := labtest.Prove(t, l, d, labtest.Setting{Probes: issued(), Policy: intended, Change: labtest.Instead(t, probe.Endpoint{URL: at})})
	if f, _ := c.Probe("token/stranger"); f.Outcome != finding.Unknown || !strings.Contains(f.Reason, "429") {
		t.Errorf("%s: %s", f.Outcome, f.Reason)
	}
}

// rewriting makes challenges name the front as the token service.
func rewriting(w http.ResponseWriter, r *http.Request, next http.Handler) {
	next.ServeHTTP(&challenges{w, r.Host, "http"}, r)
}

type challenges struct {
	http.ResponseWriter
	host, scheme string
}

func (c *challenges) WriteHeader(status int) {
	h := c.Header()
	if v := h.Get("WWW-Authenticate"); v != "" {
		_, rest, _ := strings.Cut(v, "/token")
		h.Set("WWW-Authenticate", `Bearer realm="`+c.scheme+"://"+c.host+"/token"+rest)
	}
	c.ResponseWriter.WriteHeader(status)
}

// TestAnyBearer: a front that looks for a token and not at it is told by
// ingress/authorization, and not by each probe of the family.
func TestAnyBearer(t *testing.T) {
	l := labtest.Open(t)
	d, open := labtest.Door(t, l, lab.DoorOptions{Auth: lab.Token}), labtest.Door(t, l, lab.DoorOptions{Auth: lab.None})
	to, err := url.Parse(open.URL())
	if err != nil {
		t.Fatal(err)
	}
	inner := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(to) }}
	at := labtest.Before(t, d, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if strings.HasPrefix(r.Header.Get("Authorization"), "Bearer ") {
			inner.ServeHTTP(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
	c := labtest.Prove(t, l, d, labtest.Setting{Probes: issued(), Policy: intended, Change: labtest.Instead(t, probe.Endpoint{URL: at})})
	for _, f := range c.Findings {
		t.Logf("%s %s: %s", f.Outcome, f.Probe, f.Reason)
	}
	fails(t, c)
}

// TestWithoutLogin: content is its own proof, and a denial is none.
func TestWithoutLogin(t *testing.T) {
	l := labtest.Open(t)
	for name, want := range map[string][]string{"verify-no-signature": {"token/signature"}, "verify-hs256": {"token/algorithm"}, "verify-sound": nil} {
		t.Run(name, func(t *testing.T) {
			c := labtest.Prove(t, l, labtest.Door(t, l, lab.DoorOptions{Weaknesses: []string{name}}), labtest.Setting{Probes: issued(), NoLogin: true})
			fails(t, c, want...)
			if got := c.Of(finding.Pass); len(got) > 0 {
				t.Errorf("passed without a control: %v", got)
			}
		})
	}
}

// TestReaders: who may pull and not push is tried with --active.
func TestReaders(t *testing.T) {
	l := labtest.Open(t)
	readers := policy.Policy{Rules: append(intended.Rules[:2:2], policy.Rule{Who: []string{"dev"}, Repos: []string{"**"}, Can: []access.Action{access.Pull}})}
	for _, c := range []struct {
		name, door string
		passive    bool
		outcome    finding.Outcome
	}{
		{"who escalates", "token-escalation", false, finding.Fail},
		{"who escalates with a refresh token", "token-refresh-unchecked", false, finding.Fail},
		{"who cannot with a refresh token", "sound-token-oauth", false, finding.Pass},
		{"who escalates, without --active", "token-escalation", true, finding.NotChecked},
		{"who cannot", "sound-token", false, finding.Pass},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := labtest.Door(t, l, lab.DoorOptions{Weaknesses: []string{c.door}})
			change := withDev(l, d, func(*probe.Target) {})
			got := labtest.Prove(t, l, d, labtest.Setting{Probes: issued(), Policy: readers, Change: func(o *probe.Options) {
				if change(o); c.passive {
					o.Effects = nil
				}
			}})
			f, _ := got.Probe("token/escalation")
			if f.Outcome != c.outcome || (f.Outcome == finding.Fail && (f.Severity != finding.High || f.Identity != "dev")) {
				t.Errorf("%s, %s, %s: %s", f.Outcome, f.Severity, f.Identity, f.Reason)
			}
			if a, _ := got.Probe("token/action"); c.passive && a.Outcome != finding.NotChecked {
				t.Errorf("token/action is %s", a.Outcome)
			}
		})
	}
}

// TestDeadIdentity: the denial of a mistyped password proves nothing.
func TestDeadIdentity(t *testing.T) {
	l := labtest.Open(t)
	d := labtest.Door(t, l, lab.DoorOptions{Weaknesses: []string{"sound-token"}})
	change := withDev(l, d, func(*probe.Target) {})
	c := labtest.Prove(t, l, d, labtest.Setting{Probes: issued(), Policy: intended, Change: func(o *probe.Options) {
		change(o)
		o.Identities[1].Secret.Credential = credential.Credential{Username: "dev", Password: credential.NewSecret("mistyped")}
	}})
	fails(t, c)
	if f, _ := c.Probe("token/escalation"); f.Outcome != finding.Unknown {
		t.Errorf("%s: %s", f.Outcome, f.Reason)
	}
}

// TestNothingReal: no record shows a token that an issuer gave, nor one that
// tells of its user; what was made up is shown.
func TestNothingReal(t *testing.T) {
	l := labtest.Open(t)
	for _, name := range []string{"sound-token", "verify-no-signature", "verify-jwk-any", "verify-no-repository", "token-escalation"} {
		d := labtest.Door(t, l, lab.DoorOptions{Weaknesses: []string{name}})
		c := labtest.Prove(t, l, d, labtest.Setting{Probes: issued(), Policy: intended, Change: withDev(l, d, func(target *probe.Target) {
			id, key := l.SigningKey()
			target.Signing = &probe.Signing{KeyID: id, Key: key}
		})})
		shown := 0
		for x, err := range c.Recorder.All() {
			if err != nil {
				t.Fatal(err)
			}
			for _, h := range append(x.RequestHeaders, x.ResponseHeaders...) {
				token, ok := strings.CutPrefix(h[1], "Bearer ey")
				if !ok {
					continue
				}
				j, err := login.ParseJWT("ey" + token)
				if err != nil {
					continue
				}
				shown++
				if sub := j.Text("sub"); !strings.HasPrefix(sub, "regproof-") {
					t.Errorf("%s: %s shows a token of %q", name, x.ID, sub)
				}
			}
		}
		if shown < 10 {
			t.Errorf("%s: %d made-up tokens shown", name, shown)
		}
	}
}

// TestKeyFromSignatures: who hides the public key hides nothing.
func TestKeyFromSignatures(t *testing.T) {
	l := labtest.Open(t)
	d := labtest.Door(t, l, lab.DoorOptions{Weaknesses: []string{"verify-hs256"}})
	at := labtest.Before(t, d, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		switch {
		case strings.Contains(r.URL.Path, "jwks"):
			http.NotFound(w, r)
		case r.URL.Path == "/token":
			next.ServeHTTP(w, r)
		default:
			rewriting(w, r, next)
		}
	})
	c := labtest.Prove(t, l, d, labtest.Setting{Probes: issued(), Policy: intended, Change: labtest.Instead(t, probe.Endpoint{URL: at})})
	fails(t, c, "token/algorithm")
	alone := labtest.Prove(t, l, d, labtest.Setting{Probes: issued(), NoLogin: true, Change: labtest.Instead(t, probe.Endpoint{URL: at})})
	fails(t, alone, "token/algorithm")
}
