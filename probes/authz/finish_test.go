// SPDX-License-Identifier: Apache-2.0

package authz_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/regproof/regproof/access"
	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/internal/labtest"
	"github.com/regproof/regproof/lab"
	"github.com/regproof/regproof/policy"
	"github.com/regproof/regproof/probe"
	"github.com/regproof/regproof/probes/authz"
)

// TestFinish: what counts is that an upload of somebody else became a blob, and
// not that a registry says 201.
func TestFinish(t *testing.T) {
	l := labtest.Open(t)
	name, _ := l.Dev()
	ci, password := l.User()
	readsBox := slices.Clone(intended.Rules)
	readsBox[2] = policy.Rule{Who: []string{"dev"}, Repos: []string{lab.Sandbox + "/**"}, Can: []access.Action{access.Pull}}
	denied := func(w http.ResponseWriter) { w.WriteHeader(http.StatusForbidden) }
	asCI := func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		r.SetBasicAuth(ci, password)
		next.ServeHTTP(w, r)
	}
	for _, c := range []struct {
		name, door string
		rules      []policy.Rule
		as         string
		// front answers dev's requests with an upload in the sandbox.
		front func(w http.ResponseWriter, r *http.Request, next http.Handler, put int64)
		want  finding.Outcome
		says  string
		skips bool // --active
	}{
		{
			name: "who may read finishes", door: "rights-sound", rules: readsBox, as: "dev", want: finding.Fail, says: "dev finishes the upload that ci began in regproof-sandbox",
			front: func(w http.ResponseWriter, r *http.Request, next http.Handler, _ int64) {
				if r.Method == http.MethodPut {
					asCI(w, r, next)
					return
				}
				denied(w)
			},
		},
		{
			name: "who may read is denied", door: "rights-sound", rules: readsBox, as: "dev", want: finding.Pass, says: "403",
			front: func(w http.ResponseWriter, _ *http.Request, _ http.Handler, _ int64) { denied(w) },
		},
		{
			name: "may push in fact", door: "rights-sound", rules: readsBox, as: "dev", want: finding.NotApplicable, says: "starts uploads in the sandbox itself",
		},
		{
			name: "a lying 201", door: "rights-sound", rules: readsBox, as: "dev", want: finding.Unknown, says: "the blob is not there",
			front: func(w http.ResponseWriter, r *http.Request, _ http.Handler, _ int64) {
				if r.Method == http.MethodPut {
					w.WriteHeader(http.StatusCreated)
					return
				}
				denied(w)
			},
		},
		{
			name: "once alone", door: "upload-finish-by-id", as: "dev", want: finding.Unknown, says: "a denial when it was tried again",
			front: func(w http.ResponseWriter, r *http.Request, next http.Handler, put int64) {
				if r.Method == http.MethodPut && put > 2 { // the second is of an upload that nobody began
					denied(w)
					return
				}
				next.ServeHTTP(w, r)
			},
		},
		{
			name: "one that nobody began", door: "upload-finish-by-id", as: "dev", want: finding.Unknown, says: "also for one that nobody began",
			front: func(w http.ResponseWriter, r *http.Request, next http.Handler, _ int64) {
				if r.Method == http.MethodPut && strings.Contains(r.URL.Path, "00000000-0000-4000-8000") {
					w.WriteHeader(http.StatusCreated)
					return
				}
				next.ServeHTTP(w, r)
			},
		},
		{
			name: "it is still there", door: "rights-sound", as: "dev", want: finding.Unknown, says: "still there for who began it",
			front: func(w http.ResponseWriter, r *http.Request, next http.Handler, put int64) {
				if r.Method == http.MethodPut && put == 1 {
					w.WriteHeader(http.StatusCreated)
					return
				}
				next.ServeHTTP(w, r)
			},
		},
		{
			name: "not active", door: "upload-finish-by-id", as: "dev", want: finding.NotChecked, says: "--active", skips: true,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			d := labtest.Door(t, l, lab.DoorOptions{Weaknesses: []string{c.door}})
			var puts atomic.Int64
			var mu sync.Mutex
			var blobs []string // that anybody tried to make
			u := labtest.Before(t, d, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
				user, _, _ := r.BasicAuth()
				if digest := r.URL.Query().Get("digest"); digest != "" {
					mu.Lock()
					blobs = append(blobs, digest)
					mu.Unlock()
				}
				if user == name && c.front != nil && strings.HasPrefix(r.URL.Path, "/v2/"+lab.Sandbox+"/") && strings.Contains(r.URL.Path, "/blobs/uploads/") {
					if r.Method == http.MethodPut {
						puts.Add(1)
					}
					c.front(w, r, next, puts.Load())
					return
				}
				next.ServeHTTP(w, r)
			})
			s := setting()
			s.Probes, s.Also = []probe.Probe{authz.UploadFinish}, nil
			if c.rules != nil {
				s.Policy.Rules = c.rules
			}
			change := s.Change
			s.Change = func(o *probe.Options) {
				change(o)
				labtest.Instead(t, probe.Endpoint{URL: u})(o)
				if c.skips {
					o.Effects = slices.DeleteFunc(o.Effects, func(e probe.Effect) bool { return e == probe.CancelledWrite })
				}
			}
			box := "finish-" + strings.ReplaceAll(c.name, " ", "-")
			got := labtest.Prove(t, l, d, writing(t, box, s))
			for _, digest := range blobs {
				for _, repository := range []string{lab.Sandbox + "/" + box, "team-a/app"} {
					if status := head(t, d.URL()+"/v2/"+repository+"/blobs/"+digest, ci, password); status != http.StatusNotFound {
						t.Errorf("%s is in %s still (%d)", digest, repository, status)
					}
				}
			}
			if len(blobs) == 0 {
				t.Error("nothing was tried")
			}
			if f := of(got, "authz/upload-finish", c.as, ""); f.Outcome != c.want || !strings.Contains(f.Message+f.Reason, c.says) {
				t.Errorf("%s: %s (%s), want %s (%s)", f.Outcome, f.Message, f.Reason, c.want, c.says)
			}
			if f := of(got, "authz/upload-finish", "anonymous", ""); f.Outcome != finding.Pass {
				t.Errorf("a stranger: %s: %s", f.Outcome, f.Reason)
			}
		})
	}
}

func head(t *testing.T, target, user, password string) int {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodHead, target, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.SetBasicAuth(user, password)
	transport := &http.Transport{DisableKeepAlives: true}
	a, err := transport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = a.Body.Close()
	return a.StatusCode
}

// TestFinishControl: where nobody can finish an upload, nobody is denied it.
func TestFinishControl(t *testing.T) {
	l := labtest.Open(t)
	d := labtest.Door(t, l, lab.DoorOptions{Weaknesses: []string{"rights-sound"}})
	var patched atomic.Bool
	u := labtest.Before(t, d, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if r.Method == http.MethodPatch {
			patched.Store(true)
		}
		if _, _, known := r.BasicAuth(); known && patched.Load() && r.Method == http.MethodPut && strings.Contains(r.URL.Path, "/blobs/uploads/") {
			next.ServeHTTP(httptest.NewRecorder(), r.Clone(t.Context()))
			w.WriteHeader(http.StatusConflict)
			return
		}
		next.ServeHTTP(w, r)
	})
	s := setting()
	s.Probes, s.Also = []probe.Probe{authz.UploadFinish}, nil
	change := s.Change
	s.Change = func(o *probe.Options) { change(o); labtest.Instead(t, probe.Endpoint{URL: u})(o) }
	f := of(labtest.Prove(t, l, d, writing(t, "finish-control", s)), "authz/upload-finish", "anonymous", "")
	if f.Outcome != finding.Unknown || !strings.Contains(f.Reason, "cannot finish its own upload") {
		t.Errorf("%s: %s", f.Outcome, f.Reason)
	}
}
