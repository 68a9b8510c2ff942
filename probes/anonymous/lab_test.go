// SPDX-License-Identifier: Apache-2.0

package anonymous_test

import (
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
	"github.com/regproof/regproof/probes/anonymous"
	"github.com/regproof/regproof/wire"
)

// collected is a probe.Sink that keeps everything.
type collected struct {
	findings []finding.Finding
	rows     []access.Row
	recorder *evidence.Recorder
	summary  probe.Summary
}

func (c *collected) Finding(f finding.Finding) error { c.findings = append(c.findings, f); return nil }
func (c *collected) Row(r access.Row) error          { c.rows = append(c.rows, r); return nil }

// of lists the probes that came to an outcome.
func (c *collected) of(o finding.Outcome) []string {
	var out []string
	for _, f := range c.findings {
		if f.Outcome == o && !slices.Contains(out, f.Probe) {
			out = append(out, f.Probe)
		}
	}
	slices.Sort(out)
	return out
}

func (c *collected) probe(id string) (finding.Finding, bool) {
	i := slices.IndexFunc(c.findings, func(f finding.Finding) bool { return f.Probe == id })
	if i < 0 {
		return finding.Finding{}, false
	}
	return c.findings[i], true
}

// setting is what varies between runs against the lab.
type setting struct {
	image   string // team-a/app:1.4 when empty
	noLogin bool
	secret  string // instead of the right password
	policy  policy.Policy
	timeout time.Duration
	change  func(*probe.Options)
}

// prove runs the family against a door of the lab.
func prove(t *testing.T, l *lab.Lab, d *lab.Door, s setting) *collected {
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
	if s.secret != "" {
		password = s.secret
	}
	origin, err := credential.ParseOrigin(ep.String())
	if err != nil {
		t.Fatal(err)
	}
	image, tag, _ := strings.Cut(cmpOr(s.image, "team-a/app:1.4"), ":")
	recorder, err := evidence.NewRecorder()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = recorder.Close() })
	c := &collected{recorder: recorder}
	o := probe.Options{
		ID: "test", Version: "test", Targets: []probe.Target{target}, Policy: s.policy, Probes: anonymous.All(), Effects: []probe.Effect{probe.CancelledWrite},
		Images: []probe.ImageRef{{Registry: "lab", Repository: image, Reference: tag}}, MaxRequests: 20000, MaxDenied: 600, Resolve: resolve,
		RequestTimeout: 3 * time.Second, Recorder: recorder,
	}
	if !s.noLogin {
		o.Identities = []probe.Identity{{Identity: login.Identity{Name: name, Secret: credential.Bound{
			Credential: credential.Credential{Username: name, Password: credential.NewSecret(password)},
			Origins:    []credential.Origin{origin}, PlainHTTP: true,
		}}}}
	}
	if s.change != nil {
		s.change(&o)
	}
	timeout := s.timeout
	if timeout == 0 {
		timeout = 60 * time.Second
	}
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	c.summary, err = probe.Run(ctx, o, c)
	if err != nil {
		t.Fatal(err)
	}
	if err := recorder.Err(); err != nil {
		t.Fatal(err)
	}
	return c
}

func cmpOr(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

func open(t *testing.T) *lab.Lab {
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

func door(t *testing.T, l *lab.Lab, o lab.DoorOptions) *lab.Door {
	t.Helper()
	d, err := l.Door(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	return d
}

const a = "anonymous/"

// fails says which probes fail on each weakness: those, and no others. One
// weakness is one finding for each control that it breaks.
var fails = map[string][]string{
	"no-auth":                 {a + "catalog", a + "config", a + "index-child", a + "layer", a + "manifest-by-digest", a + "manifest-by-tag", a + "referrers-tag", a + "tags", a + "upload"},
	"reads-open":              {a + "catalog", a + "config", a + "index-child", a + "layer", a + "manifest-by-digest", a + "manifest-by-tag", a + "referrers-tag", a + "tags"},
	"ping-only":               {a + "catalog", a + "config", a + "index-child", a + "layer", a + "manifest-by-digest", a + "manifest-by-tag", a + "referrers-tag", a + "tags", a + "upload"},
	"bot-filter":              {a + "catalog", a + "config", a + "index-child", a + "layer", a + "manifest-by-digest", a + "manifest-by-tag", a + "referrers-tag", a + "tags"},
	"anon-token":              {a + "config", a + "index-child", a + "layer", a + "manifest-by-digest", a + "manifest-by-tag", a + "referrers-tag", a + "tags"},
	"blobs-open":              {a + "config", a + "layer"},
	"config-open":             {a + "config"},
	"manifests-open":          {a + "index-child", a + "manifest-by-digest", a + "manifest-by-tag", a + "referrers-tag"},
	"digest-open":             {a + "index-child", a + "manifest-by-digest"},
	"child-open":              {a + "index-child"},
	"layer-open":              {a + "layer"},
	"head-open":               {a + "head"},
	"range-open":              {a + "config", a + "layer"},
	"conditional-open":        {a + "config", a + "layer", a + "manifest-by-digest", a + "manifest-by-tag"},
	"accept-open":             {a + "manifest-by-digest", a + "manifest-by-tag"},
	"tags-open":               {a + "tags"},
	"catalog-open":            {a + "catalog"},
	"referrers-open":          {a + "referrers"},
	"referrers-tag-open":      {a + "referrers-tag"},
	"upload-open":             {a + "upload"},
	"open-to-empty-agent":     {a + "layer", a + "manifest-by-digest", a + "manifest-by-tag"},
	"second-address-open":     {a + "catalog", a + "config", a + "index-child", a + "layer", a + "manifest-by-digest", a + "manifest-by-tag", a + "referrers-tag", a + "tags"},
	"open-on-http2":           {a + "catalog", a + "config", a + "index-child", a + "layer", a + "manifest-by-digest", a + "manifest-by-tag", a + "referrers-tag", a + "tags"},
	"existence-oracle":        {a + "existence"},
	"presigned-open":          {a + "config", a + "layer"},
	"presigned-loopback-open": {a + "config", a + "layer"},
	"limit-req-open":          nil, // by content of whatever passes the limit
	"ban-open":                nil,
	"no-challenge":            {a + "challenge"},
}

// TestLab holds the family to every entry of the lab: weak ones fail where
// they should and nowhere else, their twins pass, what proves nothing is
// unknown, and what is hostile is never a pass, a crash, a hang or a leak.
func TestLab(t *testing.T) {
	l := open(t)
	for _, w := range lab.Weaknesses() {
		if w.Kind == lab.Hostile {
			continue
		}
		t.Run(w.Name, func(t *testing.T) {
			t.Parallel()
			d := door(t, l, lab.DoorOptions{Weaknesses: []string{w.Name}})
			c := prove(t, l, d, setting{change: func(o *probe.Options) {
				if strings.HasPrefix(w.Name, "presigned-") {
					o.Targets[0].Redirects = storageOf(t, l, d)
				}
			}})
			f, ok := c.probe(w.Probe)
			if !ok {
				t.Fatalf("no finding of %s", w.Probe)
			}
			for _, f := range c.findings {
				if f.Outcome == finding.Error {
					t.Errorf("%s broke: %s\n%s", f.Probe, f.Reason, f.Message)
				}
			}
			switch w.Kind {
			case lab.Weak:
				if f.Outcome != finding.Fail {
					t.Errorf("%s is %s (%s), want fail", f.Probe, f.Outcome, f.Reason)
				}
				want, known := fails[w.Name]
				if !known {
					t.Fatalf("no row in the table")
				}
				if got := c.of(finding.Fail); want != nil && !slices.Equal(got, want) {
					t.Errorf("fail: %v\nwant  %v", got, want)
				}
			case lab.Sound:
				sound(t, c)
			case lab.Unprovable:
				if f.Outcome != finding.Unknown {
					t.Errorf("%s is %s (%s), want unknown", f.Probe, f.Outcome, f.Reason)
				}
				if got := c.of(finding.Fail); len(got) > 0 {
					t.Errorf("accused: %v", got)
				}
				for _, f := range c.findings {
					if f.Required && f.Outcome == finding.Pass {
						t.Errorf("%s passed: %s", f.Probe, f.Reason)
					}
				}
			}
		})
	}
}

// sound: nothing fails, and all that is required is proven.
func sound(t *testing.T, c *collected) {
	t.Helper()
	for _, f := range c.findings {
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

// storageOf finds where a door sends the entitled for blobs.
func storageOf(t *testing.T, l *lab.Lab, d *lab.Door) []credential.Origin {
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
