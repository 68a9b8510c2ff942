// SPDX-License-Identifier: Apache-2.0

package exposure_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/regproof/regproof/credential"
	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/lab"
	"github.com/regproof/regproof/probe"
)

// also are probes that fail beside the one that an entry is for: whoever shows
// a version shows it to all who look, and a debug server has metrics too.
var also = map[string][]string{
	"registration-open": {"exposure/version", "exposure/known-vulnerability"},
	"version-open":      {"exposure/known-vulnerability"},
	"old-version":       {"exposure/version"},
	"debug-open":        {"exposure/metrics"},
}

// TestLab holds the family to the lab: what is weak fails where it should and
// nowhere else, its twin holds everything, and what is hostile breaks nothing.
func TestLab(t *testing.T) {
	l, err := lab.Open(context.Background(), lab.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	twins := map[string]bool{}
	for _, w := range lab.Weaknesses() {
		if strings.HasPrefix(w.Probe, "exposure/") && w.Twin != "" {
			twins[w.Twin] = true
		}
	}
	for _, w := range lab.Weaknesses() {
		ours := strings.HasPrefix(w.Probe, "exposure/")
		if !ours && !twins[w.Name] && w.Kind != lab.Hostile {
			continue
		}
		t.Run(w.Name, func(t *testing.T) {
			t.Parallel()
			d, err := l.Door(context.Background(), lab.DoorOptions{Weaknesses: []string{w.Name}})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = d.Close() })
			c := proveDoor(t, l, d)
			var want, got []string
			if ours && w.Kind == lab.Weak {
				want = append(also[w.Name], w.Probe)
			}
			for _, f := range c.findings {
				if f.Outcome == finding.Fail {
					got = append(got, f.Probe)
				}
			}
			slices.Sort(want)
			slices.Sort(got)
			if !slices.Equal(got, want) {
				t.Errorf("fail: %v, want %v", got, want)
			}
			if _, secret := l.User(); strings.Contains(c.dump(t), secret) {
				t.Error("the password is in what the run leaves behind")
			}
		})
	}
}

// proveDoor runs the family against a door of the lab, with every effect.
func proveDoor(t *testing.T, l *lab.Lab, d *lab.Door) *collected {
	t.Helper()
	name, word := l.User()
	return prove(t, &world{server: &httptest.Server{URL: d.URL()}}, func(o *probe.Options) {
		o.RequestTimeout = time.Second
		o.Effects = []probe.Effect{probe.DefaultCredentials}
		c := &o.Identities[0].Secret.Credential
		c.Username, c.Password = name, credential.NewSecret(word)
		o.Targets[0].Redirects = storageOf(l, d)
	})
}

// storageOf finds where a door sends the entitled for blobs, if it does.
func storageOf(l *lab.Lab, d *lab.Door) []credential.Origin {
	r, err := http.NewRequest("GET", d.URL()+"/v2/team-a/app/blobs/"+l.Images()[0].Layers[0], nil)
	if err != nil {
		return nil
	}
	r.SetBasicAuth(l.User())
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return nil
	}
	defer resp.Body.Close()
	o, err := credential.ParseOrigin(resp.Header.Get("Location"))
	if err != nil {
		return nil
	}
	return []credential.Origin{o}
}
