// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"context"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// asked is a request for a token, of either form.
type asked struct {
	service, account string
	services         []string // all that were sent
	scopes           []string // one parameter each
	beside           []string // those of a POST's query
	accountBeside    string   // that of a POST's query
	named            bool     // it comes with a credential
	user, password   string
	refresh, subject string // tokens instead of a password
	offline, form    bool   // wants a refresh token; is a POST
}

// read reads a GET, or a POST where the server takes one. ok is false for the
// rest, which the server does not do.
func (s *tokenService) read(r *http.Request) (q asked, ok bool) {
	switch {
	case r.Method == http.MethodGet:
		v := r.URL.Query()
		q = asked{service: v.Get("service"), services: v["service"], account: v.Get("account"), scopes: v["scope"], offline: v.Get("offline_token") == "true"}
		q.user, q.password, _ = r.BasicAuth()
		q.named = !anonymous(r)
		return q, true
	case r.Method != http.MethodPost || s.oauth == nil:
		return q, false
	}
	body := http.MaxBytesReader(nil, r.Body, 1<<20)
	defer body.Close()
	r.Body = body
	if err := r.ParseForm(); err != nil {
		return q, false
	}
	q = s.readForm(r.PostForm)
	q.beside, q.accountBeside = r.URL.Query()["scope"], r.URL.Query().Get("account")
	if s.strangersPost && q.user == "" && q.refresh == "" && q.subject == "" {
		q.named = false
	}
	return q, true
}

// readForm reads the form of token specification, "oauth.md". Whatever names no
// grant type that is known comes with a credential that nobody has.
func (s *tokenService) readForm(v url.Values) asked {
	q := asked{
		service: v.Get("service"), services: v["service"], account: v.Get("account"), scopes: v["scope"],
		named: true, form: true, offline: v.Get("access_type") == "offline",
	}
	switch v.Get("grant_type") {
	case "password":
		q.user, q.password = v.Get("username"), v.Get("password")
	case "refresh_token":
		q.refresh = v.Get("refresh_token")
	case "urn:ietf:params:oauth:grant-type:token-exchange":
		q.subject = v.Get("subject_token")
	}
	return q
}

// identify tells who asks. A stranger is nobody, and not known.
func (s *tokenService) identify(ctx context.Context, q asked) (user, bool) {
	if s.accountRules {
		if u, ok := s.keys.find(q.account); ok {
			return u, true
		}
	}
	if u, ok := s.keys.find(q.accountBeside); ok && s.accountBeside {
		return u, true
	}
	switch {
	case !q.named:
		return user{}, false
	case q.subject != "":
		return s.workloads.admits(ctx, q.subject)
	case s.workloads != nil && q.user == workloadUser:
		return s.workloads.admits(ctx, q.password)
	case q.refresh != "":
		u, ok := s.keys.find(s.oauth.find(q.refresh))
		if ok && s.refreshSurvives {
			return u, true
		}
		return s.alive(u, ok)
	case s.emptyUser && q.user == "", s.emptyPassword && q.password == "" && q.user != "":
		return user{name: "service", rights: everything}, true
	}
	u, exists := s.keys.find(q.user)
	if s.looksUpFirst && (exists || s.sameDelay) {
		hash()
	}
	if !exists || !u.has(q.password) {
		s.throttle.wrong(q.user)
		return user{}, false
	}
	return s.alive(u, true)
}

// alive holds back who was revoked.
func (s *tokenService) alive(u user, ok bool) (user, bool) {
	if !ok || (s.keys.revoked(u.name) && !s.survives) {
		return user{}, false
	}
	return u, true
}

// hash takes the time of bcrypt at a common cost, more or less.
func hash() { time.Sleep(60*time.Millisecond + rand.N(8*time.Millisecond)) }

func (s *tokenService) refuse(w http.ResponseWriter, r *http.Request, q asked) {
	text := "authentication required"
	if s.tells {
		text = "wrong password"
		if _, exists := s.keys.find(q.user); !exists {
			text = "there is no user " + strings.ToValidUTF8(q.user, "?")
		}
	}
	if q.subject != "" { // RFC 6749 section 5.2
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, `{"error":"invalid_grant"}`)
		return
	}
	w.Header().Set("WWW-Authenticate", `Basic realm="`+realmName+`"`)
	deny(w, r, http.StatusUnauthorized, "UNAUTHORIZED", text)
}
