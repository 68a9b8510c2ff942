// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/regproof/regproof/access"
	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/internal/labtest"
	"github.com/regproof/regproof/lab"
	"github.com/regproof/regproof/policy"
	"github.com/regproof/regproof/probe"
	"github.com/regproof/regproof/sandbox"
)

// everything allows all effects, and waits for nothing.
func everything(t *testing.T, box string) func(*probe.Options) {
	j := sandbox.New(t.TempDir(), "odd", box)
	t.Cleanup(func() { _ = j.Close() })
	return func(o *probe.Options) {
		o.ID, o.Sandbox, o.Journal = "odd", box, j
		o.Effects = []probe.Effect{probe.CancelledWrite, probe.SandboxWrite, probe.WrongPassword, probe.ManyPasswords}
	}
}

// TestOddRuns: whatever a run is told, nothing in it breaks.
func TestOddRuns(t *testing.T) {
	l := labtest.Open(t)
	shape := func(change func(*probe.Endpoint)) func(*probe.Options) {
		return func(o *probe.Options) {
			second := o.Targets[0].Endpoints[0]
			change(&second)
			o.Targets[0].Endpoints = append(o.Targets[0].Endpoints, second)
		}
	}
	for name, change := range map[string]func(*probe.Options){
		"a registry without an image": func(o *probe.Options) { o.Images, o.RegistryWide, o.Sample = nil, true, 5 },
		"without anybody":             func(o *probe.Options) { o.Identities = nil },
		"for another registry":        func(o *probe.Options) { o.Identities[0].Registries = []string{"elsewhere"} },
		"nobody who can be used":      func(o *probe.Options) { o.Identities[0].Problem = "no such file" },
		"an image that is not there":  func(o *probe.Options) { o.Images[0].Reference = "none" },
		"a cache":                     shape(func(e *probe.Endpoint) { e.Cache = true }),
		"a closed way in":             shape(func(e *probe.Endpoint) { e.Expect = probe.Closed }),
		"a public way in":             shape(func(e *probe.Endpoint) { e.Expect = probe.Public }),
		"a way in that is redirected": shape(func(e *probe.Endpoint) { e.Expect = probe.Redirected }),
		"only a public way in":        func(o *probe.Options) { o.Targets[0].Endpoints[0].Expect = probe.Public },
		"only a cache":                func(o *probe.Options) { o.Targets[0].Endpoints[0].Cache = true },
		"a way in under a prefix":     shape(func(e *probe.Endpoint) { e.Prefix = "x/" }),
		"a way in that is dead":       shape(func(e *probe.Endpoint) { e.URL = &url.URL{Scheme: "https", Host: "127.0.0.1:1"} }),
	} {
		for _, door := range []string{"sound-token", "mtls-required"} {
			t.Run(name+", "+door, func(t *testing.T) {
				t.Parallel()
				d := labtest.Door(t, l, lab.DoorOptions{Weaknesses: []string{door}})
				box := "odd-" + strings.NewReplacer(" ", "-", ",", "").Replace(name+door)
				c := labtest.Prove(t, l, d, labtest.Setting{Probes: allProbes(), Dev: true, Policy: split, Timeout: 90 * time.Second, Change: func(o *probe.Options) {
					everything(t, box)(o)
					change(o)
				}})
				for _, f := range c.Findings {
					if f.Outcome == finding.Error {
						t.Errorf("%s broke: %s\n%s", f.Probe, f.Reason, f.Message)
					}
					if f.Outcome == finding.Fail && f.Severity == finding.Critical {
						t.Errorf("accused: %s: %s (%s)", f.Probe, f.Message, f.Reason)
					}
				}
			})
		}
	}
}

var split = policy.Policy{Rules: []policy.Rule{
	{Who: []string{"ci"}, Repos: []string{"**"}, Can: []access.Action{access.Pull, access.List, access.Push}},
	{Who: []string{"dev"}, Repos: []string{"team-b/**"}, Can: []access.Action{access.Pull}},
	{Who: []string{"anonymous"}, Repos: []string{"public/**"}, Can: []access.Action{access.Pull, access.List}},
}}

// TestNothingSecret: no password and no token is in what a run leaves behind, in
// whatever form.
func TestNothingSecret(t *testing.T) {
	l := labtest.Open(t)
	for _, door := range []string{"sound-token", "sound-token-oauth", "token-refresh-as-access", "token-in-query", "token-escalation"} {
		t.Run(door, func(t *testing.T) {
			t.Parallel()
			d := labtest.Door(t, l, lab.DoorOptions{Weaknesses: []string{door}})
			var mu sync.Mutex
			secrets := map[string]bool{}
			at := labtest.Before(t, d, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
				if !strings.Contains(r.URL.Path, "token") {
					next.ServeHTTP(&realmHere{w, r.Host, d.URL()}, r)
					return
				}
				known := r.Header.Get("Authorization") != "" || r.Method == http.MethodPost
				rec := httptest.NewRecorder()
				next.ServeHTTP(rec, r)
				var reply map[string]any
				if json.Unmarshal(rec.Body.Bytes(), &reply) == nil && known {
					mu.Lock()
					for _, k := range []string{"token", "access_token", "refresh_token", "id_token"} {
						if s, _ := reply[k].(string); s != "" {
							secrets[s] = true
						}
					}
					mu.Unlock()
				}
				for k, v := range rec.Header() {
					w.Header()[k] = v
				}
				w.WriteHeader(rec.Code)
				_, _ = io.Copy(w, rec.Body)
			})
			c := labtest.Prove(t, l, d, labtest.Setting{Probes: allProbes(), Dev: true, Policy: split, Timeout: 90 * time.Second, Change: func(o *probe.Options) {
				everything(t, "secret-"+door)(o)
				labtest.Instead(t, probe.Endpoint{URL: at})(o)
			}})
			for _, who := range []func() (string, string){l.User, l.Dev} {
				name, password := who()
				secrets[password], secrets[name+":"+password] = true, true
			}
			var text bytes.Buffer
			e := json.NewEncoder(&text)
			e.SetEscapeHTML(false)
			_ = e.Encode(c.Findings)
			_ = e.Encode(c.Summary)
			_ = e.Encode(c.Rows)
			for x := range c.Recorder.All() {
				_ = e.Encode(x)
			}
			if len(secrets) < 6 {
				t.Errorf("%d secrets: the token service gave nothing", len(secrets))
			}
			for s := range secrets {
				for _, form := range []string{s, base64.StdEncoding.EncodeToString([]byte(s)), base64.RawURLEncoding.EncodeToString([]byte(s)), url.QueryEscape(s), url.PathEscape(s)} {
					if i := strings.Index(text.String(), form); i >= 0 {
						t.Errorf("%.12s...: %s", s, text.String()[max(0, i-300):min(text.Len(), i+40)])
						break
					}
				}
			}
		})
	}
}

// realmHere makes challenges name the front.
type realmHere struct {
	http.ResponseWriter
	host, door string
}

func (r *realmHere) WriteHeader(status int) {
	h := r.Header()
	if v := h.Get("WWW-Authenticate"); v != "" {
		h.Set("WWW-Authenticate", strings.ReplaceAll(v, r.door, "http://"+r.host))
	}
	r.ResponseWriter.WriteHeader(status)
}
