// SPDX-License-Identifier: Apache-2.0

package probe_test

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/regproof/regproof/access"
	"github.com/regproof/regproof/credential"
	"github.com/regproof/regproof/evidence"
	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/lab"
	"github.com/regproof/regproof/login"
	"github.com/regproof/regproof/oci"
	"github.com/regproof/regproof/policy"
	"github.com/regproof/regproof/probe"
	"github.com/regproof/regproof/probes/anonymous"
)

type sink struct {
	mu       sync.Mutex
	findings []finding.Finding
	rows     []access.Row
}

func (s *sink) Finding(f finding.Finding) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.findings = append(s.findings, f)
	return nil
}

func (s *sink) Row(r access.Row) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rows = append(s.rows, r)
	return nil
}

func (s *sink) of(id string) finding.Finding {
	for _, f := range s.findings {
		if f.Probe == id {
			return f
		}
	}
	return finding.Finding{}
}

// bench is a lab and the options of a run against it.
type bench struct {
	lab   *lab.Lab
	doors []*lab.Door
	opts  probe.Options
}

func setUp(t *testing.T, doors ...lab.DoorOptions) *bench {
	t.Helper()
	l, err := lab.Open(context.Background(), lab.Options{})
	if err != nil {
		t.Fatal(err)
	}
	recorder, err := evidence.NewRecorder()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = recorder.Close(); _ = l.Close() })
	b := &bench{lab: l}
	target := probe.Target{Name: "lab"}
	user, password := l.User()
	id := probe.Identity{Identity: login.Identity{Name: user}}
	id.Secret.Credential = credential.Credential{Username: user, Password: credential.NewSecret(password)}
	for _, o := range doors {
		d, err := l.Door(context.Background(), o)
		if err != nil {
			t.Fatal(err)
		}
		b.doors = append(b.doors, d)
		u, err := url.Parse(d.URL())
		if err != nil {
			t.Fatal(err)
		}
		target.Endpoints = append(target.Endpoints, probe.Endpoint{URL: u})
		origin, err := credential.ParseOrigin(d.URL())
		if err != nil {
			t.Fatal(err)
		}
		id.Secret.Origins = append(id.Secret.Origins, origin)
	}
	b.opts = probe.Options{
		ID: "test", Version: "test", Targets: []probe.Target{target}, Identities: []probe.Identity{id}, Policy: policy.Policy{},
		Images: []probe.ImageRef{{Registry: "lab", Repository: "team-a/app", Reference: "1.4"}},
		Probes: anonymous.All(), MaxRequests: 20000, MaxDenied: 600, RequestTimeout: 3 * time.Second, Recorder: recorder,
	}
	return b
}

func (b *bench) run(t *testing.T, ctx context.Context) (*sink, probe.Summary) {
	t.Helper()
	var s sink
	summary, err := probe.Run(ctx, b.opts, &s)
	if err != nil {
		t.Fatal(err)
	}
	return &s, summary
}

// TestPanic: a probe that breaks is an error of its own, and of nothing else.
func TestPanic(t *testing.T) {
	b := setUp(t, lab.DoorOptions{})
	for _, required := range []bool{true, false} {
		broken := probe.Probe{ID: "anonymous/broken", Control: "layer", Severity: finding.Low, Effect: probe.Read, Required: required, Run: func(context.Context, *probe.Trial) probe.Result {
			panic("no such thing")
		}}
		b.opts.Probes = append(anonymous.All(), broken)
		s, _ := b.run(t, context.Background())
		if f := s.of("anonymous/broken"); f.Outcome != finding.Error || !strings.Contains(f.Reason, "no such thing") {
			t.Errorf("broken is %s: %s", f.Outcome, f.Reason)
		}
		if f := s.of("anonymous/layer"); f.Outcome != finding.Pass {
			t.Errorf("layer is %s beside a broken probe: %s", f.Outcome, f.Reason)
		}
	}
}

// TestEarlyReturn: a required probe that judges nothing keeps nobody waiting.
func TestEarlyReturn(t *testing.T) {
	b := setUp(t, lab.DoorOptions{})
	b.opts.Probes = append(anonymous.All(), probe.Probe{ID: "anonymous/early", Control: "layer", Required: true, Run: func(context.Context, *probe.Trial) probe.Result {
		return probe.NotApplicable("nothing to do")
	}})
	s, _ := b.run(t, context.Background())
	if f := s.of("anonymous/layer"); f.Outcome != finding.Pass {
		t.Errorf("layer is %s: %s", f.Outcome, f.Reason)
	}
}

// TestInterrupted: what was not asked is notchecked, and never a pass.
func TestInterrupted(t *testing.T) {
	b := setUp(t, lab.DoorOptions{})
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	s, summary := b.run(t, ctx)
	if !summary.Interrupted {
		t.Error("the summary does not say so")
	}
	for _, f := range s.findings {
		if f.Outcome == finding.Pass || f.Outcome == finding.Fail || f.Outcome == finding.Error {
			t.Errorf("%s is %s: %s", f.Probe, f.Outcome, f.Reason)
		}
	}
}

// TestBudgets: a budget that is spent ends the asking, and nothing passes by it.
func TestBudgets(t *testing.T) {
	for name, set := range map[string]func(*probe.Options){
		"requests": func(o *probe.Options) { o.MaxRequests = 20 },
		"denied":   func(o *probe.Options) { o.MaxDenied = 5 },
	} {
		t.Run(name, func(t *testing.T) {
			b := setUp(t, lab.DoorOptions{})
			b.opts.Targets[0].Concurrent = 1
			set(&b.opts)
			s, _ := b.run(t, context.Background())
			said := false
			for _, f := range s.findings {
				said = said || strings.Contains(f.Reason, "check.budget."+name)
			}
			if !said {
				t.Error("no finding names the budget")
			}
			if n := b.doors[0].Requests(); name == "requests" && n > 20 {
				t.Errorf("%d requests, the budget was 20", n)
			}
			if f := s.of("anonymous/layer"); f.Outcome == finding.Pass {
				t.Errorf("layer passed: %s", f.Reason)
			}
		})
	}
}

// TestUnusableIdentity: an identity that cannot be had is never anonymous.
func TestUnusableIdentity(t *testing.T) {
	b := setUp(t, lab.DoorOptions{})
	b.opts.Identities[0].Problem = "the helper is not in PATH"
	s, _ := b.run(t, context.Background())
	f := s.of("anonymous/manifest-by-tag")
	if f.Outcome != finding.Unknown || !strings.Contains(f.Reason, "ci cannot be used: the helper is not in PATH") {
		t.Errorf("%s: %s", f.Outcome, f.Reason)
	}
	for _, r := range b.doors[0].Log() {
		if r.Authorization && strings.Contains(r.URI, "team-a") && r.Status == 200 {
			t.Errorf("%s was asked with a credential", r.URI)
		}
	}
}

// TestBoundSecret: an endpoint that the secret is not bound to never sees it,
// and is proven by the content that another endpoint showed.
func TestBoundSecret(t *testing.T) {
	b := setUp(t, lab.DoorOptions{}, lab.DoorOptions{})
	b.opts.Identities[0].Secret.Origins = b.opts.Identities[0].Secret.Origins[:1]
	s, _ := b.run(t, context.Background())
	for _, r := range b.doors[1].Log() {
		if r.Authorization && r.Status == 200 {
			t.Errorf("%s %s went with the secret", r.Method, r.URI)
		}
	}
	var pass int
	for _, f := range s.findings {
		if f.Endpoint == b.doors[1].URL() && f.Required {
			if f.Outcome != finding.Pass || !strings.Contains(f.Reason, "sibling control") {
				t.Errorf("%s is %s: %s", f.Probe, f.Outcome, f.Reason)
			}
			pass++
		}
	}
	if pass != 3 {
		t.Errorf("%d required trials at the second endpoint, want 3", pass)
	}
}

// TestColdFirst: no content is read by the entitled before every endpoint was
// asked by a stranger: on a cache it would be what makes the leak.
func TestColdFirst(t *testing.T) {
	b := setUp(t, lab.DoorOptions{}, lab.DoorOptions{}, lab.DoorOptions{})
	b.run(t, context.Background())
	var cold, entitled []time.Time
	for _, d := range b.doors {
		log := d.Log()
		first := slices.IndexFunc(log, func(r lab.Request) bool { return strings.HasSuffix(r.URI, "/manifests/1.4") && !r.Authorization })
		if first < 0 {
			t.Fatal("a door was not asked cold")
		}
		cold = append(cold, log[first].Time)
		if i := slices.IndexFunc(log, func(r lab.Request) bool { return strings.Contains(r.URI, "/team-a/app/manifests/") && r.Authorization }); i >= 0 {
			entitled = append(entitled, log[i].Time)
		}
	}
	for _, e := range entitled {
		for _, c := range cold {
			if e.Before(c) {
				t.Errorf("the entitled read at %s, a stranger first asked at %s", e, c)
			}
		}
	}
	if len(entitled) != 3 {
		t.Errorf("the entitled read at %d doors, want 3", len(entitled))
	}
}

// TestUploadOnce: at most one upload is started for each endpoint.
func TestUploadOnce(t *testing.T) {
	b := setUp(t, lab.DoorOptions{Weaknesses: []string{"upload-open"}})
	b.opts.Effects = []probe.Effect{probe.CancelledWrite}
	b.opts.Images = []probe.ImageRef{
		{Registry: "lab", Repository: "public/base", Reference: "1.0"},
		{Registry: "lab", Repository: "team-a/app", Reference: "1.4"},
		{Registry: "lab", Repository: "team-b/tool", Reference: "2.0"},
	}
	b.opts.Policy = policy.Policy{Rules: []policy.Rule{{Who: []string{"anonymous"}, Repos: []string{"public/**"}, Can: []access.Action{access.Pull}}}}
	s, _ := b.run(t, context.Background())
	var posts, deletes []string
	for _, r := range b.doors[0].Log() {
		switch r.Method {
		case "POST":
			posts = append(posts, r.URI)
		case "DELETE":
			deletes = append(deletes, r.URI)
		}
	}
	if len(posts) != 1 || posts[0] != "/v2/team-a/app/blobs/uploads/" || len(deletes) != 1 {
		t.Errorf("uploads %v, cancelled %v", posts, deletes)
	}
	failed := slices.ContainsFunc(s.findings, func(f finding.Finding) bool {
		return f.Probe == "anonymous/upload" && f.Outcome == finding.Fail && f.Repository == "team-a/app"
	})
	if !failed {
		t.Error("the upload was not found")
	}
}

// TestWithoutEffect: what needs a flag is not done without it.
func TestWithoutEffect(t *testing.T) {
	b := setUp(t, lab.DoorOptions{Weaknesses: []string{"no-auth"}})
	s, _ := b.run(t, context.Background())
	for _, r := range b.doors[0].Log() {
		if r.Method != "GET" && r.Method != "HEAD" {
			t.Errorf("%s %s", r.Method, r.URI)
		}
	}
	if f := s.of("anonymous/upload"); f.Outcome != finding.NotChecked || !strings.Contains(f.Reason, "--active") {
		t.Errorf("%s: %s", f.Outcome, f.Reason)
	}
}

// TestPublicBase: layers of a public image are no leak when they are found in
// a private one; the private layers are.
func TestPublicBase(t *testing.T) {
	b := setUp(t, lab.DoorOptions{Weaknesses: []string{"blobs-open"}})
	b.opts.Images = []probe.ImageRef{{Registry: "lab", Repository: "team-a/app", Reference: "1.4"}, {Registry: "lab", Repository: "public/base", Reference: "1.0"}}
	b.opts.Policy = policy.Policy{Rules: []policy.Rule{{Who: []string{"anonymous"}, Repos: []string{"public/**"}, Can: []access.Action{access.Pull}}}}
	s, _ := b.run(t, context.Background())
	var base []string
	for _, i := range b.lab.Images() {
		if i.Repository == "team-a/app" && i.Tag == "1.4" {
			base = i.Base
		}
	}
	if len(base) == 0 {
		t.Fatal("the lab's image has no base")
	}
	for _, f := range s.findings {
		if f.Outcome == finding.Fail && f.Subject != nil && slices.Contains(base, f.Subject.Digest) {
			t.Errorf("%s accuses the public base %s", f.Probe, f.Subject.Digest)
		}
		if f.Probe == "anonymous/layer" && f.Repository == "team-a/app" && f.Outcome != finding.Fail {
			t.Errorf("the private layers: %s %s", f.Outcome, f.Reason)
		}
		if f.Probe == "anonymous/layer" && f.Repository == "public/base" && f.Outcome != finding.NotApplicable {
			t.Errorf("the public image: %s %s", f.Outcome, f.Reason)
		}
	}
	for _, r := range b.doors[0].Log() {
		for _, digest := range base {
			if !r.Authorization && strings.Contains(r.URI, "team-a/app/blobs/"+digest) {
				t.Errorf("the public base was asked for: %s", r.URI)
			}
		}
	}
}

// TestOrder: findings come in the order of images and probes, however the
// requests went.
func TestOrder(t *testing.T) {
	var first []string
	for range 2 {
		b := setUp(t, lab.DoorOptions{}, lab.DoorOptions{})
		b.opts.Images = append(b.opts.Images, probe.ImageRef{Registry: "lab", Repository: "team-b/tool", Reference: "2.0"}, probe.ImageRef{Registry: "lab", Repository: "team-a/app", Reference: "1.3"})
		s, _ := b.run(t, context.Background())
		var order []string
		for _, f := range s.findings {
			door := slices.IndexFunc(b.doors, func(d *lab.Door) bool { return d.URL() == f.Endpoint })
			order = append(order, strings.Join([]string{f.Repository, f.Reference, f.Probe, string(rune('0' + door))}, " "))
		}
		if first == nil {
			first = order
		} else if !slices.Equal(first, order) {
			t.Errorf("first  %q\nsecond %q", first, order)
		}
	}
}

// TestByDigest: an image may be given by digest; then there is no tag to ask.
func TestByDigest(t *testing.T) {
	b := setUp(t, lab.DoorOptions{})
	for _, i := range b.lab.Images() {
		if i.Repository == "team-a/app" && i.Tag == "1.4" {
			b.opts.Images[0].Reference = i.Digest
		}
	}
	if _, err := oci.ParseDigest(b.opts.Images[0].Reference); err != nil {
		t.Fatal(err)
	}
	s, _ := b.run(t, context.Background())
	if f := s.of("anonymous/manifest-by-tag"); f.Outcome != finding.NotApplicable {
		t.Errorf("by tag: %s %s", f.Outcome, f.Reason)
	}
	if f := s.of("anonymous/manifest-by-digest"); f.Outcome != finding.Pass {
		t.Errorf("by digest: %s %s", f.Outcome, f.Reason)
	}
}

// TestNoRoute: an address family that leads nowhere from here is said, and
// keeps nothing from being proven about the others.
func TestNoRoute(t *testing.T) {
	b := setUp(t, lab.DoorOptions{})
	u := b.opts.Targets[0].Endpoints[0].URL
	b.opts.Targets[0].Endpoints[0].URL = &url.URL{Scheme: "http", Host: "registry.test:" + u.Port()}
	origin, err := credential.ParseOrigin("http://registry.test:" + u.Port())
	if err != nil {
		t.Fatal(err)
	}
	b.opts.Identities[0].Secret.Origins = []credential.Origin{origin}
	b.opts.Identities[0].Secret.PlainHTTP = true
	nowhere := unroutable(u.Port())
	if !nowhere.IsValid() {
		t.Log("every address that was tried has a route here")
		return
	}
	b.opts.Resolve = map[string][]netip.Addr{"registry.test": {netip.MustParseAddr("127.0.0.1"), nowhere}}
	s, summary := b.run(t, context.Background())
	if f := s.of("anonymous/layer"); f.Outcome != finding.Pass {
		t.Errorf("layer is %s: %s", f.Outcome, f.Reason)
	}
	if !slices.ContainsFunc(summary.Notes, func(n string) bool { return strings.Contains(n, nowhere.String()+" was not checked") }) {
		t.Errorf("notes: %q", summary.Notes)
	}
}

// unroutable finds an address that this machine has no route to.
func unroutable(port string) netip.Addr {
	for _, a := range []string{"2001:db8::1", "ff02::1", "224.0.0.1"} {
		c, err := net.DialTimeout("tcp", net.JoinHostPort(a, port), 300*time.Millisecond)
		if err == nil {
			c.Close()
		} else if errors.Is(err, syscall.ENETUNREACH) {
			return netip.MustParseAddr(a)
		}
	}
	return netip.Addr{}
}
