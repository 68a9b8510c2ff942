// SPDX-License-Identifier: Apache-2.0

package anonymous_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/internal/labtest"
	"github.com/regproof/regproof/lab"
	"github.com/regproof/regproof/probe"
	"github.com/regproof/regproof/probes/anonymous"
)

// The lab, under the names that these tests use.
type (
	collected = labtest.Collected
	setting   = labtest.Setting
)

var (
	open  = labtest.Open
	door  = labtest.Door
	sound = labtest.Sound
)

func prove(t *testing.T, l *lab.Lab, d *lab.Door, s setting) *collected {
	t.Helper()
	if s.Probes == nil {
		s.Probes = anonymous.All()
	}
	return labtest.Prove(t, l, d, s)
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
		if w.Kind == lab.Hostile || !strings.HasPrefix(w.Probe, a) {
			continue
		}
		t.Run(w.Name, func(t *testing.T) {
			t.Parallel()
			d := door(t, l, lab.DoorOptions{Weaknesses: []string{w.Name}})
			c := prove(t, l, d, setting{Change: func(o *probe.Options) {
				if strings.HasPrefix(w.Name, "presigned-") {
					o.Targets[0].Redirects = labtest.StorageOf(t, l, d)
				}
			}})
			f, ok := c.Probe(w.Probe)
			if !ok {
				t.Fatalf("no finding of %s", w.Probe)
			}
			for _, f := range c.Findings {
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
				if got := c.Of(finding.Fail); want != nil && !slices.Equal(got, want) {
					t.Errorf("fail: %v\nwant  %v", got, want)
				}
			case lab.Sound:
				sound(t, c)
			case lab.Unprovable:
				if f.Outcome != finding.Unknown {
					t.Errorf("%s is %s (%s), want unknown", f.Probe, f.Outcome, f.Reason)
				}
				if got := c.Of(finding.Fail); len(got) > 0 {
					t.Errorf("accused: %v", got)
				}
				for _, f := range c.Findings {
					if f.Required && f.Outcome == finding.Pass {
						t.Errorf("%s passed: %s", f.Probe, f.Reason)
					}
				}
			}
		})
	}
}
