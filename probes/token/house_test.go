// SPDX-License-Identifier: Apache-2.0

package token_test

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
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

// house is a registry with a token service, both written for these tests: what
// it does wrong is in its fields. Content is that of a door of the lab.
type house struct {
	lifetime  time.Duration
	noEnd     bool                             // tokens without exp
	opaque    bool                             // tokens that cannot be read
	expiresIn any                              // nil is none
	claims    map[string]any                   // laid over the others
	lives     bool                             // ended tokens open all the same
	query     string                           // a parameter that may hold the token
	refresh   bool                             // gives refresh tokens
	post      bool                             // takes POST alone
	same      bool                             // the refresh token is the access token
	id        bool                             // gives id tokens
	kinds     bool                             // takes them for access tokens
	basic     bool                             // takes the password at the registry
	plain     bool                             // no token service: Basic
	open      bool                             // serves everybody
	users     func(user, password string) bool // lets these in, too
	refuse    func(h *house, w http.ResponseWriter, r *http.Request, user string)
	revoked   bool
	survives  bool // revoked users still get tokens
	echoes    bool // repeats in an error what was sent
	slowToken bool // the token service never ends its answer
	spiteful  bool // a token in a query voids all tokens
	guests    bool // whoever has a token is let in at /v2/
	strict    bool // refuses a parameter that it does not know, such as offline_token

	lab            *lab.Lab
	name, password string

	mu    sync.Mutex
	given map[string]given
	asked []string // method, path, and user of each request
	wrong map[string]int
	void  bool
}

type given struct {
	user string
	end  time.Time
	kind string
}

func (h *house) know(user, password string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if user == h.name && password == h.password {
		return !h.revoked || h.survives
	}
	return h.users != nil && h.users(user, password)
}

func (h *house) issue(user, kind string) string { return h.issueAs(user, user, kind) }

// issueAs makes a token of a user that says that it is another's.
func (h *house) issueAs(user, subject, kind string) string {
	end := time.Now().Add(cmp.Or(h.lifetime, 300*time.Second))
	h.mu.Lock()
	defer h.mu.Unlock()
	n := len(h.given)
	body := map[string]any{"sub": subject, "iat": time.Now().Unix(), "exp": end.Unix(), "jti": n, "access": []any{map[string]any{"type": "repository", "name": "team-a/app", "actions": []string{"pull"}}}}
	if h.noEnd {
		delete(body, "exp")
		end = end.Add(1000 * time.Hour)
	}
	for k, v := range h.claims {
		body[k] = v
	}
	raw, _ := json.Marshal(body)
	t := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none"}`)) + "." + base64.RawURLEncoding.EncodeToString(raw) + ".c2ln"
	if h.opaque || kind == "refresh" {
		t = fmt.Sprintf("opaque-%s-%d-%d+/=", kind, n, time.Now().UnixNano())
	}
	h.given[t] = given{user, end, kind}
	return t
}

func (h *house) token(w http.ResponseWriter, r *http.Request) {
	user, password, has := r.BasicAuth()
	offline := r.URL.Query().Get("offline_token") == "true"
	if h.strict && offline {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	if r.Method == http.MethodPost {
		_ = r.ParseForm()
		user, password, has = r.PostForm.Get("username"), r.PostForm.Get("password"), true
		offline = r.PostForm.Get("access_type") == "offline"
		if h.id && !h.post {
			w.WriteHeader(http.StatusNotFound)
			return
		}
	} else if h.post {
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	if h.slowToken {
		w.Header().Set("Content-Length", "1000000")
		w.WriteHeader(200)
		for r.Context().Err() == nil {
			fmt.Fprint(w, " ")
			_ = http.NewResponseController(w).Flush()
			time.Sleep(50 * time.Millisecond)
		}
		return
	}
	if has && !h.know(user, password) {
		h.denyLogin(w, r, user)
		return
	}
	out := map[string]any{"token": h.issue(user, "access")}
	if !has {
		out["token"] = h.issue("", "access")
	}
	if h.expiresIn != nil {
		out["expires_in"] = h.expiresIn
	}
	if h.refresh && offline {
		out["refresh_token"] = h.issue(user, "refresh")
	}
	if h.same {
		out["refresh_token"] = out["token"]
	}
	if h.id {
		out["id_token"] = h.issue(user, "id")
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(out)
}

func (h *house) denyLogin(w http.ResponseWriter, r *http.Request, user string) {
	h.mu.Lock()
	h.wrong[user]++
	h.mu.Unlock()
	if h.refuse != nil {
		h.refuse(h, w, r, user)
		return
	}
	unauthorized(w, "authentication required")
}

func unauthorized(w http.ResponseWriter, text string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusUnauthorized)
	fmt.Fprintf(w, `{"errors":[{"code":"UNAUTHORIZED","message":%q}]}`, text)
}

// may says whether a request is let through, and who was refused a login.
func (h *house) may(r *http.Request) (ok bool, wrong string) {
	if h.open {
		return true, ""
	}
	if user, password, has := r.BasicAuth(); has {
		if (h.basic || h.plain) && h.know(user, password) {
			return true, ""
		}
		return false, user
	}
	bearer, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if q := r.URL.Query().Get(h.query); h.query != "" && q != "" {
		bearer = strings.TrimPrefix(q, "Bearer ")
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	g, known := h.given[bearer]
	h.void = h.void || h.spiteful && r.URL.Query().Has("jwt")
	if known && h.guests && r.URL.Path == "/v2/" {
		return true, ""
	}
	return !h.void && known && g.user != "" && (h.lives || time.Now().Before(g.end)) && (g.kind == "access" || h.kinds), ""
}

func (h *house) front(w http.ResponseWriter, r *http.Request, next http.Handler) {
	user, _, _ := r.BasicAuth()
	h.mu.Lock()
	h.asked = append(h.asked, r.Method+" "+r.URL.Path+" "+user)
	h.mu.Unlock()
	if r.URL.Path == "/token" && !h.plain {
		h.token(w, r)
		return
	}
	ok, wrong := h.may(r)
	if ok {
		r.SetBasicAuth(h.lab.User())
		next.ServeHTTP(w, r)
		return
	}
	challenge := fmt.Sprintf(`Bearer realm="http://%s/token",service="house"`, r.Host)
	if h.plain {
		challenge = `Basic realm="house"`
	}
	w.Header().Set("Www-Authenticate", challenge)
	if wrong != "" || h.plain && r.Header.Get("Authorization") != "" {
		h.denyLogin(w, r, wrong)
		return
	}
	if h.echoes {
		w.Header().Set("Www-Authenticate", challenge+`,error="`+r.URL.RawQuery+`"`)
		unauthorized(w, "you sent "+r.Header.Get("Authorization")+" and "+r.URL.RawQuery)
		return
	}
	unauthorized(w, "authentication required")
}

func (h *house) guessed(user string) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.wrong[user]
}

// prove runs probes against a house.
func (h *house) prove(t *testing.T, l *lab.Lab, change func(*probe.Options), probes ...probe.Probe) *labtest.Collected {
	t.Helper()
	s := labtest.Setting{Probes: probes}
	h.lab, h.given, h.wrong = l, map[string]given{}, map[string]int{}
	h.name, h.password = l.User()
	d := labtest.Door(t, l, lab.DoorOptions{})
	u := labtest.Before(t, d, h.front)
	s.Change = func(o *probe.Options) {
		labtest.Instead(t, probe.Endpoint{URL: u})(o)
		o.Effects = nil
		if change != nil {
			change(o)
		}
	}
	c := labtest.Prove(t, l, d, s)
	h.hidden(t, c)
	return c
}

// hidden holds every record to hold no token and no password.
func (h *house) hidden(t *testing.T, c *labtest.Collected) {
	t.Helper()
	var secrets []string
	for s, g := range h.given {
		if g.user == "" {
			continue // everybody gets it
		}
		secrets = append(secrets, s, url.QueryEscape(s))
	}
	secrets = append(secrets, h.password, base64.StdEncoding.EncodeToString([]byte(h.name+":"+h.password)))
	check := func(what string, raw []byte) {
		for _, s := range secrets {
			if strings.Contains(string(raw), s) {
				t.Errorf("%s holds a secret: %s", what, raw)
			}
		}
	}
	for x, err := range c.Recorder.All() {
		if err != nil {
			t.Fatal(err)
		}
		raw, _ := json.Marshal(x)
		check("exchange "+x.ID, raw)
	}
	for _, f := range c.Findings {
		raw, _ := json.Marshal(f)
		check("finding "+f.Probe, raw)
	}
}

// want holds the only finding of a probe to an outcome and to words.
func want(t *testing.T, c *labtest.Collected, id string, outcome finding.Outcome, severity finding.Severity, words ...string) finding.Finding {
	t.Helper()
	f, ok := c.Probe("token/" + id)
	if !ok {
		t.Fatalf("no finding of %s", id)
	}
	if f.Outcome != outcome || outcome == finding.Fail && f.Severity != severity {
		t.Errorf("%s %s %s, want %s %s: %s; %s", id, f.Severity, f.Outcome, severity, outcome, f.Message, f.Reason)
	}
	for _, w := range words {
		if !strings.Contains(f.Message+"; "+f.Reason+"; "+f.Variant, w) {
			t.Errorf("%s does not say %q: %s; %s; %s", id, w, f.Message, f.Reason, f.Variant)
		}
	}
	if (outcome == finding.Fail || outcome == finding.Pass) && len(f.Evidence) == 0 {
		t.Errorf("%s cites nothing", id)
	}
	return f
}

func probes(ids ...string) (out []probe.Probe) {
	for _, p := range token.All() {
		if _, name, _ := strings.Cut(p.ID, "/"); slices.Contains(ids, name) {
			out = append(out, p)
		}
	}
	return out
}

func slow(o *probe.Options) { o.Slow = true }

func allow(e ...probe.Effect) func(*probe.Options) {
	return func(o *probe.Options) { o.Effects = append(o.Effects, e...) }
}
