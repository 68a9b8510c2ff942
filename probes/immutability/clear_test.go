// SPDX-License-Identifier: Apache-2.0

package immutability_test

import (
	"context"
	"net/http"
	"net/http/httptest"
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
	"github.com/regproof/regproof/policy"
	"github.com/regproof/regproof/probe"
	"github.com/regproof/regproof/probes/immutability"
)

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
