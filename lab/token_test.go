// SPDX-License-Identifier: Apache-2.0

package lab_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/regproof/regproof/lab"
)

// reply is what a token service answers.
type reply struct {
	status  int
	header  http.Header
	body    string
	Token   string `json:"token"`
	Access  string `json:"access_token"`
	Refresh string `json:"refresh_token"`
	ID      string `json:"id_token"`
	Scope   string `json:"scope"`
	Expires int    `json:"expires_in"`
}

func read(t *testing.T, g got) reply {
	t.Helper()
	r := reply{status: g.status, header: g.header, body: string(g.body)}
	if g.status == 200 {
		if err := json.Unmarshal(g.body, &r); err != nil {
			t.Fatal(err)
		}
		if r.Token == "" {
			r.Token = r.Access
		}
	}
	return r
}

// mint asks with a GET; query is name, value, name, value.
func (a *asker) mint(query ...string) reply {
	a.t.Helper()
	v := url.Values{"service": {"regproof-lab"}}
	for i := 0; i+1 < len(query); i += 2 {
		if query[i] == "service" {
			v.Del("service")
		}
		v.Add(query[i], query[i+1])
	}
	return read(a.t, a.do("GET", "/token?"+v.Encode()))
}

// post asks with a form.
func (a *asker) post(form ...string) reply {
	a.t.Helper()
	return a.postBeside("", "", form...)
}

// postBeside asks with a form, and with a parameter in the query.
func (a *asker) postBeside(name, value string, form ...string) reply {
	a.t.Helper()
	query := ""
	if name != "" {
		query = "?" + url.Values{name: {value}}.Encode()
	}
	v := url.Values{"service": {"regproof-lab"}, "client_id": {"test"}}
	for i := 0; i+1 < len(form); i += 2 {
		v.Add(form[i], form[i+1])
	}
	r, err := http.NewRequestWithContext(a.t.Context(), "POST", a.base+"/token"+query, strings.NewReader(v.Encode()))
	if err != nil {
		a.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return read(a.t, a.send(r))
}

const (
	pullA   = "repository:team-a/app:pull"
	pullB   = "repository:team-b/tool:pull"
	targetA = "/v2/team-a/app/manifests/1.4"
)

// TestTokenWeaknesses: each flaw of a token service is one that the twin does
// not have. show is true when the flaw is seen.
func TestTokenWeaknesses(t *testing.T) {
	l := open(t)
	user, password := l.User()
	devUser, devPassword := l.Dev()
	opens := func(a *asker, r reply) bool { return a.bearer(r.Token).do("GET", targetA).status == 200 }
	wrong := func(a *asker, n int) (last reply) {
		for range n {
			last = a.with("nobody", "x").mint()
		}
		return last
	}
	for _, row := range []struct {
		weakness string
		show     func(t *testing.T, a *asker) bool
	}{
		{"token-anonymous-pull", func(_ *testing.T, a *asker) bool { return opens(a, a.mint("scope", pullA)) }},
		{"token-anonymous-any", func(t *testing.T, a *asker) bool {
			r := a.mint("scope", "repository:team-a/app:pull,push,delete", "scope", "registry:catalog:*")
			return opens(a, r) && strings.Contains(claims(t, r.Token), `"push","delete"`) && a.bearer(r.Token).do("GET", "/v2/_catalog").status == 200
		}},
		{"token-anonymous-post", func(t *testing.T, a *asker) bool {
			if opens(a, a.mint("scope", pullA)) {
				t.Error("a GET gets it")
			}
			return opens(a, a.post("scope", pullA))
		}},
		{"token-more-than-asked", func(t *testing.T, a *asker) bool {
			r := a.as(l).mint("scope", pullA)
			return a.bearer(r.Token).do("POST", "/v2/team-a/app/blobs/uploads/").status == 202 && strings.Contains(claims(t, r.Token), `"catalog"`)
		}},
		{"token-escalation", func(_ *testing.T, a *asker) bool { return opens(a, a.with(devUser, devPassword).mint("scope", pullA)) }},
		{"token-form-unchecked", func(t *testing.T, a *asker) bool {
			if opens(a, a.with(devUser, devPassword).mint("scope", pullA)) {
				t.Error("a GET is not checked")
			}
			return opens(a, a.post("grant_type", "password", "username", devUser, "password", devPassword, "scope", pullA))
		}},
		{"token-refresh-unchecked", func(t *testing.T, a *asker) bool {
			r := a.post("grant_type", "password", "username", devUser, "password", devPassword, "access_type", "offline")
			if r.Refresh == "" || opens(a, a.post("grant_type", "password", "username", devUser, "password", devPassword, "scope", pullA)) {
				t.Errorf("refresh token %q", r.Refresh)
			}
			return opens(a, a.post("grant_type", "refresh_token", "refresh_token", r.Refresh, "scope", pullA))
		}},
		{"token-query-beside-body", func(t *testing.T, a *asker) bool {
			if opens(a, a.post("grant_type", "password", "username", devUser, "password", devPassword, "scope", pullA)) {
				t.Error("a body is not checked")
			}
			return opens(a, a.postBeside("scope", pullA, "grant_type", "password", "username", devUser, "password", devPassword, "scope", pullB))
		}},
		{"token-body-beside-query", func(t *testing.T, a *asker) bool {
			if opens(a, a.postBeside("scope", pullA, "grant_type", "password", "username", devUser, "password", devPassword, "scope", pullB)) {
				t.Error("a query is not checked")
			}
			return opens(a, a.postBeside("scope", pullB, "grant_type", "password", "username", devUser, "password", devPassword, "scope", pullA))
		}},
		{"token-last-scope", func(t *testing.T, a *asker) bool {
			dev := a.with(devUser, devPassword)
			if opens(a, dev.mint("scope", pullA)) || opens(a, dev.mint("scope", pullA, "scope", pullB)) {
				t.Error("the first scope is not checked")
			}
			return opens(a, dev.mint("scope", pullB, "scope", pullA))
		}},
		{"token-all-repositories", func(t *testing.T, a *asker) bool {
			if opens(a, a.with(devUser, devPassword).mint("scope", pullB)) {
				t.Error("dev may pull team-a/app")
			}
			return opens(a, a.as(l).mint("scope", pullB))
		}},
		{"token-scope-trim", func(t *testing.T, a *asker) bool {
			if opens(a, a.mint("scope", pullA)) {
				t.Error("the plain scope is granted")
			}
			all, some := true, false
			for _, scope := range []string{"repository:team-a%2Fapp:pull", "repository:team-a/app :pull", "repository: team-a/app:pull", "repository:Team-A/app:pull", "repository:team-a/app/:pull", "repository(plugin):team-a/app:pull", "Repository:team-a/app:pull"} {
				open := opens(a, a.mint("scope", scope))
				all, some = all && open, some || open
			}
			if all != some {
				t.Error("some spellings are granted and some are not")
			}
			return some
		}},
		{"token-any-service", func(_ *testing.T, a *asker) bool { return opens(a, a.as(l).mint("service", "another", "scope", pullA)) }},
		{"token-last-service", func(t *testing.T, a *asker) bool {
			twice := func(one, other string) reply {
				return read(a.t, a.do("GET", "/token?"+url.Values{"service": {one, other}, "scope": {pullA}}.Encode()))
			}
			if opens(a, a.mint("scope", pullA)) || opens(a, a.mint("service", "public", "scope", pullA)) || opens(a, twice("regproof-lab", "public")) {
				t.Error("one service opens it, or the other order")
			}
			return opens(a, twice("public", "regproof-lab"))
		}},
		{"token-account", func(_ *testing.T, a *asker) bool {
			return opens(a, a.with(devUser, devPassword).mint("account", user, "scope", pullA)) && opens(a, a.mint("account", user, "scope", pullA))
		}},
		{"token-account-beside-body", func(t *testing.T, a *asker) bool {
			form := []string{"grant_type", "password", "username", devUser, "password", devPassword, "scope", pullA}
			if opens(a, a.post(form...)) || opens(a, a.post(append(form, "account", user)...)) {
				t.Error("the account of a body rules")
			}
			return opens(a, a.postBeside("account", user, form...))
		}},
		{"token-long-lived", func(_ *testing.T, a *asker) bool { return a.mint().Expires == 86400 }},
		{"token-no-throttle", func(t *testing.T, a *asker) bool {
			last := wrong(a, 20)
			if last.status == 429 && last.header.Get("Retry-After") != "5" {
				t.Errorf("Retry-After %q", last.header.Get("Retry-After"))
			}
			if !opens(a, a.as(l).mint("scope", pullA)) {
				t.Error("another user is refused")
			}
			return last.status == 401
		}},
		{"token-user-answer", func(_ *testing.T, a *asker) bool {
			return a.with(user, "x").mint().body != a.with("nobody", "x").mint().body
		}},
		{"token-user-timing", func(t *testing.T, a *asker) bool {
			took := func(user string) time.Duration {
				begin := time.Now()
				a.with(user, "x").mint()
				return time.Since(begin)
			}
			if existing := took(user); existing < 50*time.Millisecond {
				t.Errorf("an existing user: %s", existing)
			}
			for range 20 { // the machine may be busy
				if took("nobody") < 50*time.Millisecond {
					return true
				}
			}
			return false
		}},
		{"token-empty-user", func(_ *testing.T, a *asker) bool { return opens(a, a.with("", "x").mint("scope", pullA)) }},
		{"token-empty-password", func(_ *testing.T, a *asker) bool { return opens(a, a.with("anybody", "").mint("scope", pullA)) }},
		{"token-in-query", func(_ *testing.T, a *asker) bool {
			token := a.as(l).mint("scope", pullA).Token
			one, other := a.do("GET", targetA+"?access_token="+token), a.do("GET", targetA+"?token="+token)
			return one.status == 200 && other.status == 200
		}},
		{"token-refresh-as-access", func(t *testing.T, a *asker) bool {
			r := a.as(l).mint("offline_token", "true")
			if r.Refresh == "" {
				t.Fatal("no refresh token")
			}
			dev := a.with(devUser, devPassword).mint("offline_token", "true")
			if a.bearer(dev.Refresh).do("GET", targetA).status == 200 {
				t.Error("dev may pull team-a/app")
			}
			return a.bearer(r.Refresh).do("GET", targetA).status == 200
		}},
		{"token-id-as-access", func(t *testing.T, a *asker) bool {
			r := a.post("grant_type", "password", "username", user, "password", password, "access_type", "offline")
			if r.ID == "" {
				t.Fatal("no id token")
			}
			return a.bearer(r.ID).do("GET", targetA).status == 200
		}},
		{"token-basic", func(t *testing.T, a *asker) bool {
			if a.with(devUser, devPassword).do("GET", targetA).status == 200 {
				t.Error("dev may pull team-a/app")
			}
			return a.as(l).do("GET", targetA).status == 200
		}},
		{"token-refresh-survives", func(t *testing.T, a *asker) bool {
			r := a.as(l).mint("scope", pullA, "offline_token", "true")
			if err := l.Revoke(user); err != nil {
				t.Fatal(err)
			}
			if a.as(l).mint("scope", pullA).status != 401 {
				t.Error("the password of the revoked user is taken")
			}
			fresh := a.post("grant_type", "refresh_token", "refresh_token", r.Refresh, "scope", pullA)
			if err := l.Restore(user); err != nil {
				t.Fatal(err)
			}
			return opens(a, fresh)
		}},
		{"token-survives-revocation", func(t *testing.T, a *asker) bool {
			r := a.as(l).mint("scope", pullA, "offline_token", "true")
			if err := l.Revoke(user); err != nil {
				t.Fatal(err)
			}
			again := a.as(l).mint("scope", pullA)
			fresh := a.post("grant_type", "refresh_token", "refresh_token", r.Refresh, "scope", pullA)
			if !opens(a, r) {
				t.Error("what was issued before is not good until it expires")
			}
			if err := l.Restore(user); err != nil {
				t.Fatal(err)
			}
			if !opens(a, a.as(l).mint("scope", pullA)) {
				t.Error("the restored user is refused")
			}
			if opens(a, again) != opens(a, fresh) {
				t.Errorf("password: %d, refresh token: %d", again.status, fresh.status)
			}
			return opens(a, again)
		}},
	} {
		t.Run(row.weakness, func(t *testing.T) {
			w := entry(t, row.weakness)
			for _, name := range []string{w.Name, w.Twin} {
				a := ask(t, l, door(t, l, lab.DoorOptions{Weaknesses: []string{name}}), false)
				if seen := row.show(t, a); seen != (name == w.Name) {
					t.Errorf("%s: seen is %v", name, seen)
				}
				if !opens(a, a.as(l).mint("scope", pullA)) {
					t.Errorf("%s does not serve the entitled", name)
				}
				// What no weakness of these is about.
				if g := a.do("GET", targetA); g.status != 401 {
					t.Errorf("%s: a stranger got %d", name, g.status)
				}
				if r := a.with("nobody", "x").mint("scope", pullA); r.status != 401 && r.status != 429 {
					t.Errorf("%s: a wrong password got %d", name, r.status)
				}
			}
		})
	}
}

// TestForms: the OAuth2 side of the token specification.
func TestForms(t *testing.T) {
	l := open(t)
	user, password := l.User()
	a := ask(t, l, door(t, l, lab.DoorOptions{Weaknesses: []string{"sound-token-oauth"}}), false)
	r := a.post("grant_type", "password", "username", user, "password", password, "access_type", "offline", "scope", pullA+" repository:team-b/tool:pull,x")
	if r.status != 200 || r.Scope != pullA+" repository:team-b/tool:pull" || r.Refresh == "" || a.bearer(r.Access).do("GET", targetA).status != 200 {
		t.Errorf("password: %+v", r)
	}
	again := a.post("grant_type", "refresh_token", "refresh_token", r.Refresh, "scope", pullA)
	if again.status != 200 || again.Refresh != "" || a.bearer(again.Access).do("GET", targetA).status != 200 {
		t.Errorf("refresh: %+v", again)
	}
	for name, form := range map[string][]string{
		"wrong password":      {"grant_type", "password", "username", user, "password", "x"},
		"wrong refresh token": {"grant_type", "refresh_token", "refresh_token", "x"},
		"no grant type":       {"username", user, "password", password},
		"none":                {"grant_type", "password"},
	} {
		if r := a.post(append(form, "scope", pullA)...); r.status != 401 {
			t.Errorf("%s: %d", name, r.status)
		}
	}
	if r := a.mint("scope", "repository:public/base:pull", "offline_token", "true"); r.Refresh != "" || r.status != 200 {
		t.Errorf("a stranger has a refresh token: %+v", r)
	}
}

// TestRevoked: a revoked user is refused at once, with tokens and without.
func TestRevoked(t *testing.T) {
	l := open(t)
	user, _ := l.Dev()
	basic := ask(t, l, door(t, l, lab.DoorOptions{}), false).with(l.Dev())
	tokens := ask(t, l, door(t, l, lab.DoorOptions{Auth: lab.Token}), false).with(l.Dev())
	see := func(want int) {
		t.Helper()
		if g, r := basic.do("GET", "/v2/"), tokens.mint(); g.status != want || r.status != want {
			t.Errorf("Basic %d, token service %d, want %d", g.status, r.status, want)
		}
	}
	see(200)
	for range 2 {
		if err := l.Revoke(user); err != nil {
			t.Fatal(err)
		}
		see(401)
		if err := l.Restore(user); err != nil {
			t.Fatal(err)
		}
		see(200)
	}
	if err := l.Revoke("nobody"); err == nil {
		t.Error("somebody who is nobody was revoked")
	}
}
