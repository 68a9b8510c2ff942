// SPDX-License-Identifier: Apache-2.0

package authz_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/internal/labtest"
	"github.com/regproof/regproof/lab"
	"github.com/regproof/regproof/probe"
	"github.com/regproof/regproof/probes/authz"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestHostile: a registry that means harm breaks nothing and learns nothing.
func TestHostile(t *testing.T) {
	l := labtest.Open(t)
	for _, w := range lab.Weaknesses() {
		if w.Kind != lab.Hostile {
			continue
		}
		t.Run(w.Name, func(t *testing.T) {
			t.Parallel()
			d := labtest.Door(t, l, lab.DoorOptions{Weaknesses: []string{w.Name}})
			c := labtest.Prove(t, l, d, labtest.Setting{Probes: authz.All(), Policy: intended, Dev: true, Also: []string{"team-b/tool:2.0"}, Timeout: 20 * time.Second})
			for _, f := range c.Findings {
				if f.Outcome == finding.Error {
					t.Errorf("%s broke: %s\n%s", f.Probe, f.Reason, f.Message)
				}
			}
			noSecrets(t, l, c)
		})
	}
}

// TestLocation: what is cancelled is the upload and nothing else, wherever the
// registry says that it lives.
func TestLocation(t *testing.T) {
	l := labtest.Open(t)
	d := labtest.Door(t, l, lab.DoorOptions{Weaknesses: []string{"any-user-push"}})
	for _, location := range []string{
		"/v2/team-a/app/blobs/uploads/../../manifests/1.4", "/v2/team-a/app/manifests/1.4", "/v2/team-a/app/blobs/uploads/%2e%2e/%2e%2e/manifests/1.4",
		"/v2/team-a/app/blobs/uploads/x/y", "/v2/team-b/tool/blobs/uploads/x", "http://192.0.2.1/v2/team-a/app/blobs/uploads/x", "//[", "",
	} {
		t.Run(location, func(t *testing.T) {
			t.Parallel()
			var deleted atomic.Int64
			u := labtest.Before(t, d, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
				switch {
				case r.Method == http.MethodPost && !anonymousRequest(r):
					w.Header().Set("Location", location)
					w.WriteHeader(http.StatusAccepted)
				case r.Method == http.MethodDelete && !strings.Contains(r.URL.Path, "sha256:0000000000"):
					deleted.Add(1)
					w.WriteHeader(http.StatusAccepted)
				default:
					next.ServeHTTP(w, r)
				}
			})
			s := setting()
			s.Probes, s.Also = authz.All(), nil
			s.Change = labtest.Instead(t, probe.Endpoint{URL: u})
			c := labtest.Prove(t, l, d, s)
			if n := deleted.Load(); n > 0 {
				t.Errorf("%d DELETE, of what is no upload", n)
			}
			if f := of(c, "authz/push", "dev", ""); (f.Outcome == finding.Fail) != (location != "") {
				t.Errorf("authz/push is %s: %s: %s", f.Outcome, f.Reason, f.Message)
			}
			if f, _ := c.Probe("authz/upload-session"); f.Outcome != finding.Unknown {
				t.Errorf("authz/upload-session is %s: %s", f.Outcome, f.Reason)
			}
		})
	}
}

// TestOtherUploads: uploads that live under blobs/upload, as those of ghcr.io do,
// are found and cancelled.
func TestOtherUploads(t *testing.T) {
	l := labtest.Open(t)
	const usual, other = "/blobs/uploads/", "/blobs/upload/"
	for weakness, want := range map[string]finding.Outcome{"rights-sound": finding.Pass, "upload-by-id": finding.Fail} {
		d := labtest.Door(t, l, lab.DoorOptions{Weaknesses: []string{weakness}})
		var cancelled atomic.Int64
		u := labtest.Before(t, d, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			switch {
			case strings.Contains(r.URL.Path, usual) && r.Method != http.MethodPost:
				w.WriteHeader(http.StatusNotFound)
				return
			case strings.Contains(r.URL.Path, other):
				r.URL.Path = strings.Replace(r.URL.Path, other, usual, 1)
				if r.Method == http.MethodDelete {
					cancelled.Add(1)
				}
			}
			rec := httptest.NewRecorder()
			next.ServeHTTP(rec, r)
			for k, v := range rec.Header() {
				w.Header()[k] = v
			}
			if at := w.Header().Get("Location"); at != "" {
				w.Header().Set("Location", strings.Replace(at, usual, other, 1))
			}
			w.WriteHeader(rec.Code)
			_, _ = w.Write(rec.Body.Bytes())
		})
		s := setting()
		s.Probes, s.Also, s.Change = []probe.Probe{authz.UploadSession}, nil, labtest.Instead(t, probe.Endpoint{URL: u})
		c := labtest.Prove(t, l, d, s)
		f, _ := c.Probe("authz/upload-session")
		if f.Outcome != want || cancelled.Load() == 0 {
			t.Errorf("%s: %s: %s; %s; %d cancelled", weakness, f.Outcome, f.Message, f.Reason, cancelled.Load())
		}
	}
}

func anonymousRequest(r *http.Request) bool { return r.Header.Get("Authorization") == "" }

// TestHides: a registry that says of everything that it denies to delete that it
// is not there says the same of what is not there.
func TestHides(t *testing.T) {
	l := labtest.Open(t)
	for name, want := range map[string]finding.Outcome{"rights-sound": finding.Unknown, "any-user-delete": finding.Unknown} {
		d := labtest.Door(t, l, lab.DoorOptions{Weaknesses: []string{name}})
		u := labtest.Before(t, d, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			if r.Method == http.MethodDelete {
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(http.StatusNotFound)
				_, _ = io.WriteString(w, `{"errors":[{"code":"MANIFEST_UNKNOWN"}]}`)
				return
			}
			next.ServeHTTP(w, r)
		})
		s := setting()
		s.Probes, s.Also, s.Change = []probe.Probe{authz.Delete}, nil, labtest.Instead(t, probe.Endpoint{URL: u})
		if f := of(labtest.Prove(t, l, d, s), "authz/delete", "dev", ""); f.Outcome != want || !strings.Contains(f.Reason, "may hide a denial") {
			t.Errorf("%s: %s: %s", name, f.Outcome, f.Reason)
		}
	}
}

// TestHidesFromNamed: a registry that tells who has a name, and no right, that
// nothing is there at all says the same of what would be deleted.
func TestHidesFromNamed(t *testing.T) {
	l := labtest.Open(t)
	name, _ := l.Dev()
	d := labtest.Door(t, l, lab.DoorOptions{Weaknesses: []string{"rights-sound"}})
	for _, kind := range []string{"/manifests/", "/blobs/"} {
		u := labtest.Before(t, d, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			user, _, _ := r.BasicAuth()
			if user == name && strings.HasPrefix(r.URL.Path, "/v2/team-a/") && strings.Contains(r.URL.Path, kind) {
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(http.StatusNotFound)
				_, _ = io.WriteString(w, `{"errors":[{"code":"`+map[string]string{"/manifests/": "MANIFEST_UNKNOWN", "/blobs/": "BLOB_UNKNOWN"}[kind]+`"}]}`)
				return
			}
			next.ServeHTTP(w, r)
		})
		s := setting()
		s.Probes, s.Also, s.Change = authz.All(), nil, labtest.Instead(t, probe.Endpoint{URL: u})
		c := labtest.Prove(t, l, d, s)
		if fails := c.Of(finding.Fail); len(fails) > 0 {
			t.Errorf("%s fail: %v", kind, fails)
		}
		if f := of(c, "authz/delete", "dev", ""); f.Outcome != finding.Unknown || !strings.Contains(f.Reason, "may hide a denial") {
			t.Errorf("%s %s: %s; %s", kind, f.Outcome, f.Reason, f.Message)
		}
	}
}

// TestBanned: that an identity is shut out altogether is no access control.
func TestBanned(t *testing.T) {
	l := labtest.Open(t)
	d := labtest.Door(t, l, lab.DoorOptions{Weaknesses: []string{"any-user"}})
	name, _ := l.Dev()
	var begun atomic.Bool
	u := labtest.Before(t, d, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if user, _, _ := r.BasicAuth(); user == name {
			if r.URL.Path != "/v2/" {
				begun.Store(true)
			}
			if begun.Load() {
				w.WriteHeader(http.StatusForbidden)
				_, _ = io.WriteString(w, "slow down")
				return
			}
		}
		next.ServeHTTP(w, r)
	})
	s := setting()
	s.Probes, s.Also = []probe.Probe{authz.Pull, authz.Push, authz.Delete}, nil
	s.Change = labtest.Instead(t, probe.Endpoint{URL: u})
	c := labtest.Prove(t, l, d, s)
	for _, p := range s.Probes {
		if f := of(c, p.ID, "dev", ""); f.Outcome != finding.Unknown || !strings.Contains(f.Reason, "not proven live") {
			t.Errorf("%s is %s: %s", p.ID, f.Outcome, f.Reason)
		}
	}
}

// TestUnbound: a secret goes to no endpoint that its origins do not name.
func TestUnbound(t *testing.T) {
	l := labtest.Open(t)
	d := labtest.Door(t, l, lab.DoorOptions{Weaknesses: []string{"any-user"}})
	name, _ := l.Dev()
	u := labtest.Before(t, d, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if user, _, _ := r.BasicAuth(); user == name {
			t.Errorf("asked as dev: %s %s", r.Method, r.URL)
		}
		next.ServeHTTP(w, r)
	})
	s := setting()
	s.Probes = authz.All()
	s.Change = func(o *probe.Options) {
		dev := o.Identities[1].Secret.Origins
		labtest.Instead(t, probe.Endpoint{URL: u})(o)
		o.Identities[1].Secret.Origins = dev
	}
	for _, f := range labtest.Prove(t, l, d, s).Findings {
		if f.Identity == "dev" && f.Outcome != finding.NotChecked {
			t.Errorf("%s in %s is %s: %s", f.Probe, f.Repository, f.Outcome, f.Reason)
		}
	}
}

// TestHeldAlready: a blob of the sandbox that the one who claims it may not read is
// not taken out of it: somebody else may have put it there.
func TestHeldAlready(t *testing.T) {
	l := labtest.Open(t)
	for _, p := range []probe.Probe{authz.BlobMount, authz.BlobExistence} {
		d := labtest.Door(t, l, lab.DoorOptions{Weaknesses: []string{"rights-sound"}})
		name, _ := l.Dev()
		u := labtest.Before(t, d, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			user, _, _ := r.BasicAuth()
			switch inBox := strings.HasPrefix(r.URL.Path, "/v2/"+lab.Sandbox+"/"); {
			case inBox && r.Method == http.MethodDelete && strings.Contains(r.URL.Path, "/blobs/sha256:"):
				t.Errorf("%s: %s %s", p.ID, r.Method, r.URL.Path)
			case inBox && user == name && r.Method == http.MethodGet && strings.Contains(r.URL.Path, "/blobs/"):
				w.WriteHeader(http.StatusForbidden)
				_, _ = io.WriteString(w, `{"errors":[{"code":"DENIED"}]}`)
				return
			case inBox && user == name && r.Method == http.MethodPost && r.URL.RawQuery != "":
				w.WriteHeader(http.StatusCreated) // it is there
				return
			}
			next.ServeHTTP(w, r)
		})
		s := setting()
		s.Probes, s.Also = []probe.Probe{p}, nil
		change := s.Change
		s.Change = func(o *probe.Options) { change(o); labtest.Instead(t, probe.Endpoint{URL: u})(o) }
		if f := of(labtest.Prove(t, l, d, writing(t, "held", s)), p.ID, "dev", ""); f.Outcome != finding.Unknown || !strings.Contains(f.Reason, "is not shown to dev") {
			t.Errorf("%s: %s: %s", p.ID, f.Outcome, f.Reason)
		}
	}
}

// TestHeldAndHidden: a blob of the sandbox that is hidden by 404 from the one who
// claims it is not taken out of it either.
func TestHeldAndHidden(t *testing.T) {
	l := labtest.Open(t)
	for _, p := range []probe.Probe{authz.BlobMount, authz.BlobExistence} {
		d := labtest.Door(t, l, lab.DoorOptions{Weaknesses: []string{"rights-sound"}})
		name, _ := l.Dev()
		var mu sync.Mutex
		claimed := ""
		u := labtest.Before(t, d, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			user, _, _ := r.BasicAuth()
			mu.Lock()
			defer mu.Unlock()
			q := r.URL.Query()
			switch inBox := strings.HasPrefix(r.URL.Path, "/v2/"+lab.Sandbox+"/"); {
			case inBox && r.Method == http.MethodDelete && claimed != "" && strings.HasSuffix(r.URL.Path, claimed):
				t.Errorf("%s: %s %s", p.ID, r.Method, r.URL.Path)
			case inBox && user == name && r.Method == http.MethodGet && strings.Contains(r.URL.Path, "/blobs/"):
				w.WriteHeader(http.StatusNotFound)
				_, _ = io.WriteString(w, `{"errors":[{"code":"NAME_UNKNOWN"}]}`)
				return
			case inBox && user == name && r.Method == http.MethodPost && r.URL.RawQuery != "":
				if claimed == "" { // the first is that of the image, which is there
					claimed = q.Get("mount") + q.Get("digest")
				}
				if q.Get("mount")+q.Get("digest") == claimed {
					w.WriteHeader(http.StatusCreated)
					return
				}
			}
			next.ServeHTTP(w, r)
		})
		s := setting()
		s.Probes, s.Also = []probe.Probe{p}, nil
		change := s.Change
		s.Change = func(o *probe.Options) { change(o); labtest.Instead(t, probe.Endpoint{URL: u})(o) }
		if f := of(labtest.Prove(t, l, d, writing(t, "hidden", s)), p.ID, "dev", ""); f.Outcome != finding.Unknown || !strings.Contains(f.Reason, "is not shown to dev") {
			t.Errorf("%s: %s: %s; %s", p.ID, f.Outcome, f.Reason, f.Message)
		}
	}
}

// TestPrefixedCatalog: where an endpoint puts a prefix before names, its catalog
// does too, and what is not below it is none of this registry.
func TestPrefixedCatalog(t *testing.T) {
	l := labtest.Open(t)
	d := labtest.Door(t, l, lab.DoorOptions{Weaknesses: []string{"rights-sound"}})
	name, _ := l.Dev()
	for more, want := range map[string]finding.Outcome{"": finding.Pass, `,"cache/team-a/app"`: finding.Fail, `,"team-a/app"`: finding.Pass} {
		u := labtest.Before(t, d, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			user, _, ok := r.BasicAuth()
			if r.URL.Path == "/v2/_catalog" && ok {
				list := `"cache/team-b/tool"` + more
				if user != name {
					list = `"cache/team-b/tool","cache/team-a/app"`
				}
				w.Header().Set("Content-Type", "application/json")
				_, _ = io.WriteString(w, `{"repositories":[`+list+`]}`)
				return
			}
			r.URL.Path = strings.Replace(r.URL.Path, "/v2/cache/", "/v2/", 1)
			next.ServeHTTP(w, r)
		})
		s := setting()
		s.Probes, s.Policy, s.Change = []probe.Probe{authz.List}, administered(devReads), labtest.Instead(t, probe.Endpoint{URL: u, Prefix: "cache/"})
		for _, f := range labtest.Prove(t, l, d, s).Findings {
			if f.Identity == "dev" && f.Repository == "" && f.Outcome != want {
				t.Errorf("with %q: %s: %s; %s", more, f.Outcome, f.Message, f.Reason)
			}
		}
	}
}
