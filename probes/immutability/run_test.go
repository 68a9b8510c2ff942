// SPDX-License-Identifier: Apache-2.0

package immutability_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/regproof/regproof/access"
	"github.com/regproof/regproof/credential"
	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/internal/labtest"
	"github.com/regproof/regproof/lab"
	"github.com/regproof/regproof/login"
	"github.com/regproof/regproof/policy"
	"github.com/regproof/regproof/probe"
	"github.com/regproof/regproof/probes/immutability"
)

// TestWithout: without --write-sandbox nothing is written, and the flag is named.
func TestWithout(t *testing.T) {
	l := labtest.Open(t)
	d := labtest.Door(t, l, lab.DoorOptions{})
	var wrote atomic.Int64
	at := labtest.Before(t, d, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			wrote.Add(1)
		}
		next.ServeHTTP(w, r)
	})
	c := labtest.Prove(t, l, d, labtest.Setting{Probes: immutability.All(), Change: labtest.Instead(t, probe.Endpoint{URL: at})})
	for _, f := range c.Findings {
		if f.Outcome != finding.NotChecked || !strings.Contains(f.Reason, "--write-sandbox REPO") {
			t.Errorf("%s is %s: %s", f.Probe, f.Outcome, f.Reason)
		}
	}
	if len(c.Findings) != len(immutability.All()) || wrote.Load() > 0 {
		t.Errorf("%d findings, %d writes", len(c.Findings), wrote.Load())
	}
}

// TestPlan holds a plan to what the registry counts, method by method: a few
// answers of distribution lead to one request more.
func TestPlan(t *testing.T) {
	l := labtest.Open(t)
	d := labtest.Door(t, l, lab.DoorOptions{Weaknesses: []string{"immutable-sound"}})
	counts := map[string]int{}
	at := labtest.Before(t, d, counting(counts))
	var opts probe.Options
	labtest.Prove(t, l, d, labtest.Setting{Probes: immutability.All(), Change: writing(t, "box-plan", labtest.Instead(t, probe.Endpoint{URL: at}), func(o *probe.Options) { opts = *o })})
	real := maps(counts)
	opts.Targets[0].Endpoints[0].URL = at
	rows, err := probe.Plan(context.Background(), opts, probe.Shape{Layers: 1})
	if err != nil {
		t.Fatal(err)
	}
	planned := map[string]int{}
	for _, r := range rows {
		planned[r.Method] += r.Requests
		write := r.Method != "GET" && r.Method != "HEAD"
		if write != (r.Effect == probe.SandboxWrite) {
			t.Errorf("%+v", r)
		}
	}
	for m, n := range planned {
		if off := real[m] - n; off*off > 144 {
			t.Errorf("%s: planned %d, the registry counted %d", m, n, real[m])
		}
	}
	if len(maps(counts)) != len(planned) {
		t.Errorf("planned %v, counted %v", planned, counts)
	}
}

// TestNobody: a credential that may not push decides nothing, and is named.
func TestNobody(t *testing.T) {
	l := labtest.Open(t)
	d := labtest.Door(t, l, lab.DoorOptions{})
	c := labtest.Prove(t, l, d, labtest.Setting{Probes: immutability.All(), Secret: "wrong", Change: writing(t, "box-nobody")})
	for _, f := range c.Findings {
		if f.Outcome != finding.Unknown || !strings.Contains(f.Reason, "no identity could push to the sandbox box-nobody: ci was answered 401 UNAUTHORIZED") {
			t.Errorf("%s is %s: %s", f.Probe, f.Outcome, f.Reason)
		}
	}
}

// TestWriter: whom policy lets push is who writes, and the others do not.
func TestWriter(t *testing.T) {
	l := labtest.Open(t)
	d := labtest.Door(t, l, lab.DoorOptions{})
	rules := policy.Policy{Rules: []policy.Rule{{Who: []string{"pusher"}, Repos: []string{"box-*"}, Can: []access.Action{access.Push}}}}
	c := labtest.Prove(t, l, d, labtest.Setting{Probes: []probe.Probe{immutability.Tag}, Policy: rules, Change: writing(t, "box-writer", func(o *probe.Options) {
		pusher := o.Identities[0]
		pusher.Name = "pusher"
		o.Identities = append(o.Identities, pusher, probe.Identity{Identity: login.Identity{Name: "broken"}, Problem: "no such file"})
	})})
	f, _ := c.Probe("immutability/tag")
	if f.Identity != "pusher" || f.Outcome != finding.Fail || f.Repository != "box-writer" {
		t.Errorf("%s by %s in %s: %s", f.Outcome, f.Identity, f.Repository, f.Reason)
	}
	for x := range c.Recorder.All() {
		if x.Method != "GET" && x.Method != "HEAD" && x.Identity != "pusher" {
			t.Errorf("%s %s by %s", x.Method, x.Target, x.Identity)
		}
	}
}

// TestInterrupted: what was made is removed when the run is ended in the middle.
func TestInterrupted(t *testing.T) {
	l := labtest.Open(t)
	d := labtest.Door(t, l, lab.DoorOptions{})
	stop := make(chan struct{})
	var puts atomic.Int64
	at := labtest.Before(t, d, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if r.Method == http.MethodPut && strings.Contains(r.URL.Path, "/manifests/") && puts.Add(1) == 4 {
			close(stop)
		}
		next.ServeHTTP(w, r)
	})
	var opts probe.Options
	sink := &labtest.Collected{}
	labtest.Prove(t, l, d, labtest.Setting{Probes: nil, Change: writing(t, "box-interrupted", labtest.Instead(t, probe.Endpoint{URL: at}), func(o *probe.Options) { opts = *o })})
	opts.Probes = immutability.All()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		<-stop
		cancel()
	}()
	summary, err := probe.Run(ctx, opts, sink)
	if err != nil {
		t.Fatal(err)
	}
	if !summary.Interrupted || !slices.ContainsFunc(sink.Findings, func(f finding.Finding) bool { return f.Outcome == finding.NotChecked }) {
		t.Errorf("not interrupted: %v", summary)
	}
	for _, f := range sink.Findings {
		if f.Outcome == finding.Error {
			t.Errorf("%s: %s", f.Probe, f.Reason)
		}
	}
	if left := tagsOf(t, l, d, "box-interrupted"); len(left) > 0 || len(opts.Journal.Left()) > 0 {
		t.Errorf("left behind: %v, %v", left, opts.Journal.Left())
	}
	t.Log(summary.Notes)
}

// TestStrangerByMethod: a guard that asks for a password where uploads begin, and
// not elsewhere, lets strangers write all the same.
func TestStrangerByMethod(t *testing.T) {
	t.Parallel()
	l := labtest.Open(t)
	for _, method := range []string{http.MethodPut, http.MethodDelete} {
		d := labtest.Door(t, l, lab.DoorOptions{})
		at := labtest.Before(t, d, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			if r.Method == method && strings.Contains(r.URL.Path, "/manifests/") && r.Header.Get("Authorization") == "" {
				r.SetBasicAuth(l.User())
			}
			next.ServeHTTP(w, r)
		})
		repository := "box-method-" + strings.ToLower(method)
		c := labtest.Prove(t, l, d, labtest.Setting{Probes: []probe.Probe{immutability.AnonymousWrite}, Change: writing(t, repository, labtest.Instead(t, probe.Endpoint{URL: at}))})
		if f, _ := c.Probe("immutability/anonymous-write"); f.Outcome != finding.Fail || f.Severity != finding.Critical || !strings.Contains(f.Message, "a stranger") {
			t.Errorf("%s: %s %s: %s; %s", method, f.Outcome, f.Severity, f.Message, f.Reason)
		}
		if left := tagsOf(t, l, d, repository); len(left) > 0 {
			t.Errorf("left behind: %v", left)
		}
	}
}

// TestStrangerAtTheEnd: a registry that lets everybody begin an upload and asks for
// a password at its end, and a front that answers 202 to whatever it is sent.
func TestStrangerAtTheEnd(t *testing.T) {
	t.Parallel()
	l := labtest.Open(t)
	for i, c := range []struct {
		location string
		outcome  finding.Outcome
		severity finding.Severity
	}{
		{"/v2/%s/blobs/uploads/1", finding.Fail, finding.Low},
		{"", finding.Unknown, finding.Critical},
	} {
		d := labtest.Door(t, l, lab.DoorOptions{})
		repository := fmt.Sprintf("box-end-%d", i)
		at := labtest.Before(t, d, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			if r.Method == http.MethodPost && r.Header.Get("Authorization") == "" {
				if c.location != "" {
					w.Header().Set("Location", fmt.Sprintf(c.location, repository))
				}
				w.WriteHeader(http.StatusAccepted)
				return
			}
			next.ServeHTTP(w, r)
		})
		got := labtest.Prove(t, l, d, labtest.Setting{Probes: []probe.Probe{immutability.AnonymousWrite}, Change: writing(t, repository, labtest.Instead(t, probe.Endpoint{URL: at}))})
		if f, _ := got.Probe("immutability/anonymous-write"); f.Outcome != c.outcome || f.Severity != c.severity {
			t.Errorf("%q: %s %s: %s; %s", c.location, f.Outcome, f.Severity, f.Message, f.Reason)
		}
	}
}

// TestStrangerStores: a stranger whose blobs are taken is no refused one, though a
// manifest is.
func TestStrangerStores(t *testing.T) {
	t.Parallel()
	l := labtest.Open(t)
	d := labtest.Door(t, l, lab.DoorOptions{})
	user, password := l.User()
	at := labtest.Before(t, d, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if strings.Contains(r.URL.Path, "/blobs/uploads/") && r.Header.Get("Authorization") == "" {
			r.SetBasicAuth(user, password)
		}
		next.ServeHTTP(w, r)
	})
	got := labtest.Prove(t, l, d, labtest.Setting{Probes: []probe.Probe{immutability.AnonymousWrite}, Change: writing(t, "box-stores", labtest.Instead(t, probe.Endpoint{URL: at}))})
	if f, _ := got.Probe("immutability/anonymous-write"); f.Outcome != finding.Fail || f.Severity != finding.High || strings.Contains(f.Message, "was refused") {
		t.Errorf("%s %s: %s; %s", f.Outcome, f.Severity, f.Message, f.Reason)
	}
}

// TestHiddenFromWriter: what is hidden from whoever pushed it is not believed to
// be gone: somebody else who may removes it.
func TestHiddenFromWriter(t *testing.T) {
	t.Parallel()
	l := labtest.Open(t)
	d := labtest.Door(t, l, lab.DoorOptions{Weaknesses: []string{"rights-sound"}})
	name, password := l.Dev()
	at := labtest.Before(t, d, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		user, _, _ := r.BasicAuth()
		if (r.Method == http.MethodGet || r.Method == http.MethodDelete) && user == name && strings.HasPrefix(r.URL.Path, "/v2/"+lab.Sandbox) {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		next.ServeHTTP(w, r)
	})
	rules := policy.Policy{Rules: []policy.Rule{
		{Who: []string{"dev"}, Repos: []string{lab.Sandbox + "/**"}, Can: []access.Action{access.Push}},
		{Who: []string{"ci"}, Repos: []string{lab.Sandbox + "/**"}, Can: []access.Action{access.Pull, access.Delete}},
	}}
	labtest.Prove(t, l, d, labtest.Setting{Probes: []probe.Probe{immutability.Tag}, Policy: rules, Change: writing(t, lab.Sandbox+"/hidden", labtest.Instead(t, probe.Endpoint{URL: at}), func(o *probe.Options) {
		dev := o.Identities[0]
		dev.Name, dev.Secret.Credential.Username, dev.Secret.Credential.Password = "dev", name, credential.NewSecret(password)
		o.Identities = append(o.Identities, dev)
	})})
	if left := tagsOf(t, l, d, lab.Sandbox+"/hidden"); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// TestBudget: what was made is removed when no request is left.
func TestBudget(t *testing.T) {
	l := labtest.Open(t)
	d := labtest.Door(t, l, lab.DoorOptions{})
	var j func() int
	c := labtest.Prove(t, l, d, labtest.Setting{Probes: immutability.All(), Change: writing(t, "box-budget", func(o *probe.Options) {
		o.MaxRequests = 30
		j = func() int { return len(o.Journal.Left()) }
	})})
	if left := tagsOf(t, l, d, "box-budget"); len(left) > 0 || j() > 0 {
		t.Errorf("left behind: %v, %d", left, j())
	}
	if len(c.Of(finding.NotChecked)) == 0 {
		t.Error("the budget stopped nothing")
	}
}

// TestTokens: with a token service the writer asks for what each request needs.
func TestTokens(t *testing.T) {
	l := labtest.Open(t)
	d := labtest.Door(t, l, lab.DoorOptions{Auth: lab.Token})
	c := labtest.Prove(t, l, d, labtest.Setting{Probes: immutability.All(), Change: writing(t, "box-tokens")})
	if got := c.Of(finding.Fail); !slices.Equal(got, mutable) {
		t.Errorf("fail: %v", got)
	}
	for _, f := range c.Findings {
		if f.Outcome == finding.Unknown || f.Outcome == finding.Error {
			t.Errorf("%s is %s: %s", f.Probe, f.Outcome, f.Reason)
		}
	}
	if left := tagsOf(t, l, d, "box-tokens"); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// TestOtherDoor: a tag that is immutable at the registry's own door and not at a
// second one is moved by the second; and a mirror that goes on serving what was
// deleted is named.
func TestOtherDoor(t *testing.T) {
	l := labtest.Open(t)
	sound := labtest.Door(t, l, lab.DoorOptions{Weaknesses: []string{"immutable-sound"}})
	plain := labtest.Door(t, l, lab.DoorOptions{})
	stale := labtest.Door(t, l, lab.DoorOptions{Weaknesses: []string{"deleted-still-served"}})
	at := func(d *lab.Door) *url.URL {
		u, err := url.Parse(d.URL())
		if err != nil {
			t.Fatal(err)
		}
		return u
	}
	c := labtest.Prove(t, l, sound, labtest.Setting{Probes: []probe.Probe{immutability.Tag, immutability.TagWriters}, Change: writing(t, "box-doors",
		labtest.Instead(t, probe.Endpoint{URL: at(sound)}, probe.Endpoint{URL: at(plain)}))})
	if f, _ := c.Probe("immutability/tag-writers"); f.Outcome != finding.Fail || !strings.Contains(f.Message, "a push to "+plain.URL()) {
		t.Errorf("%s: %s; %s", f.Outcome, f.Message, f.Reason)
	}
	if f, _ := c.Probe("immutability/tag"); f.Outcome != finding.Pass {
		t.Errorf("%s: %s", f.Outcome, f.Reason)
	}
	c = labtest.Prove(t, l, plain, labtest.Setting{Probes: []probe.Probe{immutability.DeletedContent}, Change: writing(t, "box-stale",
		labtest.Instead(t, probe.Endpoint{URL: at(plain)}, probe.Endpoint{URL: at(stale)}))})
	if f, _ := c.Probe("immutability/deleted-content"); f.Outcome != finding.Fail || f.Endpoint != stale.URL() {
		t.Errorf("%s at %s: %s; %s", f.Outcome, f.Endpoint, f.Message, f.Reason)
	}
}

// TestRefusedNames: a name that nobody may push is none under which an image moves.
func TestRefusedNames(t *testing.T) {
	t.Parallel()
	l := labtest.Open(t)
	d := labtest.Door(t, l, lab.DoorOptions{Weaknesses: []string{"immutable-sound"}})
	at := labtest.Before(t, d, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		tag := r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:]
		if r.Method == http.MethodPut && strings.Contains(r.URL.Path, "/manifests/") && !strings.HasPrefix(tag, "regproof-") && !strings.HasPrefix(tag, "sha256:") {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusForbidden)
			_, _ = io.WriteString(w, `{"errors":[{"code":"DENIED"}]}`)
			return
		}
		next.ServeHTTP(w, r)
	})
	c := labtest.Prove(t, l, d, labtest.Setting{Probes: []probe.Probe{immutability.TagExemption, immutability.TagWriters}, Change: writing(t, "box-names", labtest.Instead(t, probe.Endpoint{URL: at}))})
	for _, f := range c.Findings {
		if f.Outcome != finding.Pass {
			t.Errorf("%s is %s: %s; %s", f.Probe, f.Outcome, f.Message, f.Reason)
		}
	}
}

// TestTwoRuns: what another run has left under a name, and removes at that very
// moment, is no tag that moved.
func TestTwoRuns(t *testing.T) {
	t.Parallel()
	l := labtest.Open(t)
	plain := labtest.Door(t, l, lab.DoorOptions{})
	for weakness, want := range map[string]finding.Outcome{"immutable-sound": finding.Pass, "immutable-latest-exempt": finding.Fail} {
		d := labtest.Door(t, l, lab.DoorOptions{Weaknesses: []string{weakness}})
		repository := "box-two-" + weakness
		body := []byte(`{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[],"annotations":{"` + probe.Label + `":"other"}}`)
		latest := plain.URL() + "/v2/" + repository + "/manifests/latest"
		if status, text := as(t, l, http.MethodPut, latest, "application/vnd.oci.image.index.v1+json", body); status != http.StatusCreated {
			t.Fatal(status, string(text))
		}
		var once sync.Once
		at := labtest.Before(t, d, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			if r.Method == http.MethodPut && strings.HasSuffix(r.URL.Path, "/manifests/latest") {
				once.Do(func() { as(t, l, http.MethodDelete, latest, "", nil) })
			}
			next.ServeHTTP(w, r)
		})
		c := labtest.Prove(t, l, d, labtest.Setting{Probes: []probe.Probe{immutability.TagExemption}, Change: writing(t, repository, labtest.Instead(t, probe.Endpoint{URL: at}))})
		if f, _ := c.Probe("immutability/tag-exemption"); f.Outcome != want {
			t.Errorf("%s: %s: %s; %s", weakness, f.Outcome, f.Message, f.Reason)
		}
	}
}

// TestCachedTag: a cache that goes on serving the first image does not make a tag
// immutable.
func TestCachedTag(t *testing.T) {
	t.Parallel()
	l := labtest.Open(t)
	for weakness, want := range map[string]finding.Outcome{"sound-basic": finding.Fail, "immutable-lying": finding.Pass, "immutable-sound": finding.Pass} {
		d := labtest.Door(t, l, lab.DoorOptions{Weaknesses: []string{weakness}})
		var mu sync.Mutex
		kept := map[string]*httptest.ResponseRecorder{}
		at := labtest.Before(t, d, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			if r.Method != http.MethodGet || !strings.Contains(r.URL.Path, "/manifests/regproof-") || r.Header.Get("Authorization") == "" {
				next.ServeHTTP(w, r)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			rec := kept[r.URL.RequestURI()]
			if rec == nil {
				rec = httptest.NewRecorder()
				if next.ServeHTTP(rec, r); rec.Code == http.StatusOK {
					kept[r.URL.RequestURI()] = rec
				}
			}
			w.Header().Set("Content-Type", rec.Header().Get("Content-Type"))
			w.WriteHeader(rec.Code)
			_, _ = w.Write(rec.Body.Bytes())
		})
		c := labtest.Prove(t, l, d, labtest.Setting{Probes: []probe.Probe{immutability.Tag}, Change: writing(t, "box-cached-"+weakness, labtest.Instead(t, probe.Endpoint{URL: at}))})
		if f, _ := c.Probe("immutability/tag"); f.Outcome != want {
			t.Errorf("%s: %s: %s; %s", weakness, f.Outcome, f.Message, f.Reason)
		}
		if left := tagsOf(t, l, d, "box-cached-"+weakness); len(left) > 0 && weakness == "sound-basic" {
			t.Errorf("left behind: %v", left)
		}
		t.Log(c.Summary.Notes)
	}
}

// TestMovedBehindCache: a tag that somebody moved is left alone, also where a cache
// goes on serving what the run had put there.
func TestMovedBehindCache(t *testing.T) {
	t.Parallel()
	l := labtest.Open(t)
	d := labtest.Door(t, l, lab.DoorOptions{})
	const repository = "box-moved"
	body := []byte(`{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}`)
	var mu sync.Mutex
	kept := map[string]*httptest.ResponseRecorder{}
	past := 0
	at := labtest.Before(t, d, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		mu.Lock()
		defer mu.Unlock()
		tagged := strings.Contains(r.URL.Path, "/manifests/regproof-")
		if tagged && r.URL.RawQuery != "" {
			past++
		}
		if r.Method == http.MethodDelete && tagged {
			t.Errorf("DELETE of a tag that somebody else has moved: %s", r.URL.Path)
		}
		if r.Method != http.MethodGet || !tagged || r.Header.Get("Authorization") == "" {
			next.ServeHTTP(w, r)
			return
		}
		rec := kept[r.URL.RequestURI()]
		if rec == nil {
			rec = httptest.NewRecorder()
			if next.ServeHTTP(rec, r); rec.Code == http.StatusOK {
				kept[r.URL.RequestURI()] = rec
			}
		}
		w.Header().Set("Content-Type", rec.Header().Get("Content-Type"))
		w.WriteHeader(rec.Code)
		_, _ = w.Write(rec.Body.Bytes())
		if r.URL.RawQuery != "" && past == 2 { // the run has seen enough
			for _, tag := range tagsOf(t, l, d, repository) {
				if status, text := as(t, l, http.MethodPut, d.URL()+"/v2/"+repository+"/manifests/"+tag, "application/vnd.oci.image.index.v1+json", body); status != http.StatusCreated {
					t.Error(status, string(text))
				}
			}
		}
	})
	labtest.Prove(t, l, d, labtest.Setting{Probes: []probe.Probe{immutability.Tag}, Change: writing(t, repository, labtest.Instead(t, probe.Endpoint{URL: at}))})
	if left := tagsOf(t, l, d, repository); len(left) != 1 {
		t.Errorf("the tag of somebody else: %v", left)
	}
}

// TestPushedAgain: a registry that takes no manifest twice holds what it holds.
func TestPushedAgain(t *testing.T) {
	t.Parallel()
	l := labtest.Open(t)
	d := labtest.Door(t, l, lab.DoorOptions{})
	var mu sync.Mutex
	pushed := map[string]bool{}
	at := labtest.Before(t, d, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if r.Method == http.MethodPut && strings.Contains(r.URL.Path, "/manifests/sha256:") && r.Header.Get("Authorization") != "" {
			mu.Lock()
			again := pushed[r.URL.Path]
			pushed[r.URL.Path] = true
			mu.Unlock()
			if again {
				w.WriteHeader(http.StatusConflict)
				return
			}
		}
		next.ServeHTTP(w, r)
	})
	c := labtest.Prove(t, l, d, labtest.Setting{Probes: []probe.Probe{immutability.ManifestType, immutability.ForeignLayer}, Change: writing(t, "box-again", labtest.Instead(t, probe.Endpoint{URL: at}))})
	for _, f := range c.Findings {
		if f.Outcome != finding.Pass {
			t.Errorf("%s is %s: %s; %s", f.Probe, f.Outcome, f.Message, f.Reason)
		}
	}
}

// TestUncheckedAlgorithm: a registry that computes sha256 alone believes every
// other digest.
func TestUncheckedAlgorithm(t *testing.T) {
	t.Parallel()
	l := labtest.Open(t)
	for _, route := range []string{"/manifests/", "/blobs/"} {
		d := labtest.Door(t, l, lab.DoorOptions{})
		var mu sync.Mutex
		kept, sent := map[string][]byte{}, map[string][]byte{}
		at := labtest.Before(t, d, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			name := r.URL.Query().Get("digest")
			if name == "" {
				name = r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:]
			}
			if r.Method == http.MethodPatch { // the content of an upload goes before its end
				body, _ := io.ReadAll(r.Body)
				mu.Lock()
				sent[r.URL.Path] = body
				mu.Unlock()
				r.Body = io.NopCloser(bytes.NewReader(body))
			}
			if !strings.Contains(r.URL.Path, route) || !strings.HasPrefix(name, "sha512:") || r.Header.Get("Authorization") == "" {
				next.ServeHTTP(w, r)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			body, there := kept[name]
			switch {
			case r.Method == http.MethodPut:
				rest, _ := io.ReadAll(r.Body)
				kept[name] = append(sent[r.URL.Path], rest...)
				w.WriteHeader(http.StatusCreated)
			case !there:
				w.WriteHeader(http.StatusNotFound)
			case r.Method == http.MethodDelete:
				delete(kept, name)
				w.WriteHeader(http.StatusAccepted)
			default:
				_, _ = w.Write(body)
			}
		})
		c := labtest.Prove(t, l, d, labtest.Setting{Probes: []probe.Probe{immutability.Digest}, Change: writing(t, "box-algorithm"+strings.ReplaceAll(route, "/", "-")+"x", labtest.Instead(t, probe.Endpoint{URL: at}))})
		if f, _ := c.Probe("immutability/digest"); f.Outcome != finding.Fail || f.Severity != finding.Critical || !strings.Contains(f.Message, "sha512") {
			t.Errorf("%s: %s %s: %s; %s", route, f.Outcome, f.Severity, f.Message, f.Reason)
		}
		if len(kept) > 0 {
			t.Errorf("left behind: %d", len(kept))
		}
	}
}

// TestDeletedAtOneReplica: two replicas behind one address, of which one goes on
// serving what the other has deleted. A connection stays with its replica.
func TestDeletedAtOneReplica(t *testing.T) {
	t.Parallel()
	l := labtest.Open(t)
	plain := labtest.Door(t, l, lab.DoorOptions{})
	stale := labtest.Door(t, l, lab.DoorOptions{Weaknesses: []string{"deleted-still-served"}})
	to, err := url.Parse(stale.URL())
	if err != nil {
		t.Fatal(err)
	}
	other := labtest.Forward(to)
	var mu sync.Mutex
	replica := map[string]int{} // of a connection
	at := labtest.Before(t, plain, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		mu.Lock()
		n, ok := replica[r.RemoteAddr]
		if !ok {
			n = len(replica)
			replica[r.RemoteAddr] = n
		}
		mu.Unlock()
		if n%2 == 1 && (r.Method == http.MethodGet || r.Method == http.MethodHead) {
			other.ServeHTTP(w, r)
			return
		}
		if r.Method == http.MethodGet { // others were served by the other one
			other.ServeHTTP(httptest.NewRecorder(), r.Clone(r.Context()))
		}
		next.ServeHTTP(w, r)
	})
	c := labtest.Prove(t, l, plain, labtest.Setting{Probes: []probe.Probe{immutability.DeletedContent}, Change: writing(t, "box-replicas", labtest.Instead(t, probe.Endpoint{URL: at}))})
	if f, _ := c.Probe("immutability/deleted-content"); f.Outcome != finding.Fail {
		t.Errorf("%s: %s; %s", f.Outcome, f.Message, f.Reason)
	}
}

// counting counts requests by method.
func counting(counts map[string]int) labtest.Front {
	lock := make(chan struct{}, 1)
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		lock <- struct{}{}
		counts[r.Method]++
		<-lock
		next.ServeHTTP(w, r)
	}
}

// maps is a copy.
func maps(m map[string]int) map[string]int {
	out := map[string]int{}
	for k, v := range m {
		out[k] = v
	}
	return out
}
