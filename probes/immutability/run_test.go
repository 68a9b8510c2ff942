// SPDX-License-Identifier: Apache-2.0

package immutability_test

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/regproof/regproof/access"
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

// allPass: a registry is sound in all that it was asked.
func allPass(t *testing.T, c *labtest.Collected) {
	t.Helper()
	for _, f := range c.Findings {
		if f.Outcome != finding.Pass {
			t.Errorf("%s is %s: %s; %s", f.Probe, f.Outcome, f.Message, f.Reason)
		}
	}
}
