// SPDX-License-Identifier: Apache-2.0

// Package labtest runs families of probes against the doors of the lab, for
// tests. It refuses to decide what an outcome should be: that is the test's.
package labtest

import (
	"cmp"
	"context"
	"crypto/x509"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/regproof/regproof/access"
	"github.com/regproof/regproof/credential"
	"github.com/regproof/regproof/evidence"
	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/lab"
	"github.com/regproof/regproof/login"
	"github.com/regproof/regproof/policy"
	"github.com/regproof/regproof/probe"
	"github.com/regproof/regproof/wire"
)

// Collected is a probe.Sink that keeps everything.
type Collected struct {
	Findings []finding.Finding
	Rows     []access.Row
	Recorder *evidence.Recorder
	Summary  probe.Summary
}

// Finding implements probe.Sink.
func (c *Collected) Finding(f finding.Finding) error { c.Findings = append(c.Findings, f); return nil }

// Row implements probe.Sink.
func (c *Collected) Row(r access.Row) error { c.Rows = append(c.Rows, r); return nil }

// Of lists the probes that came to an outcome.
func (c *Collected) Of(o finding.Outcome) []string {
	var out []string
	for _, f := range c.Findings {
		if f.Outcome == o && !slices.Contains(out, f.Probe) {
			out = append(out, f.Probe)
		}
	}
	slices.Sort(out)
	return out
}

// Probe is the first finding of a probe.
func (c *Collected) Probe(id string) (finding.Finding, bool) {
	i := slices.IndexFunc(c.Findings, func(f finding.Finding) bool { return f.Probe == id })
	if i < 0 {
		return finding.Finding{}, false
	}
	return c.Findings[i], true
}

// Setting is what varies between runs against the lab.
type Setting struct {
	Probes  []probe.Probe
	Image   string   // team-a/app:1.4 when empty
	Also    []string // further images
	NoLogin bool
	Dev     bool   // the lab's second user, too
	Secret  string // instead of the right password
	Policy  policy.Policy
	Timeout time.Duration
	Change  func(*probe.Options)
}

// Prove runs the probes against a door of the lab.
func Prove(t *testing.T, l *lab.Lab, d *lab.Door, s Setting) *Collected {
	t.Helper()
	u, err := url.Parse(d.URL())
	if err != nil {
		t.Fatal(err)
	}
	ep := *u
	resolve := map[string][]netip.Addr{}
	if addrs := d.Addrs(); len(addrs) > 1 {
		ep.Host = "registry.test:" + u.Port()
		for _, a := range addrs {
			resolve["registry.test"] = append(resolve["registry.test"], netip.MustParseAddrPort(a).Addr())
		}
	}
	target := probe.Target{Name: "lab", Endpoints: []probe.Endpoint{{URL: &ep}}}
	if pem := d.CAPEM(); len(pem) > 0 {
		target.Trust = wire.Trust{Roots: x509.NewCertPool()}
		target.Trust.Roots.AppendCertsFromPEM(pem)
	}
	name, password := l.User()
	if s.Secret != "" {
		password = s.Secret
	}
	origin, err := credential.ParseOrigin(ep.String())
	if err != nil {
		t.Fatal(err)
	}
	image, tag, _ := strings.Cut(cmp.Or(s.Image, "team-a/app:1.4"), ":")
	recorder, err := evidence.NewRecorder()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = recorder.Close() })
	c := &Collected{Recorder: recorder}
	o := probe.Options{
		ID: "test", Version: "test", Targets: []probe.Target{target}, Policy: s.Policy, Probes: s.Probes, Effects: []probe.Effect{probe.CancelledWrite},
		Images: []probe.ImageRef{{Registry: "lab", Repository: image, Reference: tag}}, MaxRequests: 20000, MaxDenied: 600, Resolve: resolve,
		RequestTimeout: 3 * time.Second, Recorder: recorder,
	}
	if !s.NoLogin {
		o.Identities = []probe.Identity{{Identity: login.Identity{Name: name, Secret: credential.Bound{
			Credential: credential.Credential{Username: name, Password: credential.NewSecret(password)},
			Origins:    []credential.Origin{origin}, PlainHTTP: true,
		}}}}
	}
	if s.Dev {
		name, password := l.Dev()
		o.Identities = append(o.Identities, probe.Identity{Identity: login.Identity{Name: name, Secret: credential.Bound{
			Credential: credential.Credential{Username: name, Password: credential.NewSecret(password)},
			Origins:    []credential.Origin{origin}, PlainHTTP: true,
		}}})
	}
	for _, also := range s.Also {
		image, tag, _ := strings.Cut(also, ":")
		o.Images = append(o.Images, probe.ImageRef{Registry: "lab", Repository: image, Reference: tag})
	}
	if s.Change != nil {
		s.Change(&o)
	}
	timeout := s.Timeout
	if timeout == 0 {
		timeout = 60 * time.Second
	}
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	c.Summary, err = probe.Run(ctx, o, c)
	if err != nil {
		t.Fatal(err)
	}
	if err := recorder.Err(); err != nil {
		t.Fatal(err)
	}
	return c
}

// Open opens the lab for a test.
func Open(t *testing.T) *lab.Lab {
	t.Helper()
	l, err := lab.Open(context.Background(), lab.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

// Door opens a door of it.
func Door(t *testing.T, l *lab.Lab, o lab.DoorOptions) *lab.Door {
	t.Helper()
	d, err := l.Door(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	return d
}

// Sound holds a run to a sound door: nothing fails, and all that is required is proven.
func Sound(t *testing.T, c *Collected) {
	t.Helper()
	for _, f := range c.Findings {
		switch {
		case f.Outcome == finding.Fail:
			t.Errorf("accused: %s: %s (%s)", f.Probe, f.Message, f.Reason)
		case f.Required && f.Outcome != finding.Pass && f.Outcome != finding.NotApplicable:
			t.Errorf("not proven: %s is %s: %s", f.Probe, f.Outcome, f.Reason)
		case f.Outcome == finding.Unknown:
			t.Errorf("undecided: %s: %s", f.Probe, f.Reason)
		}
	}
}

// StorageOf finds where a door sends the entitled for blobs.
func StorageOf(t *testing.T, l *lab.Lab, d *lab.Door) []credential.Origin {
	t.Helper()
	r, err := http.NewRequest("GET", d.URL()+"/v2/team-a/app/blobs/"+l.Images()[0].Layers[0], nil)
	if err != nil {
		t.Fatal(err)
	}
	r.SetBasicAuth(l.User())
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	o, err := credential.ParseOrigin(resp.Header.Get("Location"))
	if err != nil {
		t.Fatalf("%d, Location %q: %v", resp.StatusCode, resp.Header.Get("Location"), err)
	}
	return []credential.Origin{o}
}
