// SPDX-License-Identifier: Apache-2.0

package transport_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/internal/labtest"
	"github.com/regproof/regproof/lab"
	"github.com/regproof/regproof/probe"
	"github.com/regproof/regproof/probes/transport"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// also are probes that fail beside the one that an entry is for.
var also = map[string][]string{
	"plain-http-beside":      {"transport/plain-challenge"},
	"cert-sha1":              {"transport/certificate"},
	"token-host-plain-login": {"transport/plain-http"},
}

// server are the probes that look at the registry's side of the connection.
var server = []probe.Probe{
	transport.PlainHTTP, transport.PlainChallenge, transport.RealmScheme, transport.RealmOrigin, transport.ProtocolVersion,
	transport.CipherSuite, transport.Certificate, transport.CertificateStrength, transport.OCSPStaple, transport.HSTS,
}

// concerns says whether one of them is what decides an entry of the lab.
func concerns(w lab.Weakness) bool {
	return slices.ContainsFunc(server, func(p probe.Probe) bool { return p.ID == w.Probe })
}

// TestLab holds the family to the lab: what is weak fails where it should and
// nowhere else, its twin holds everything.
func TestLab(t *testing.T) {
	l := labtest.Open(t)
	twins := map[string]bool{}
	for _, w := range lab.Weaknesses() {
		if concerns(w) && w.Twin != "" {
			twins[w.Twin] = true
		}
	}
	for _, w := range lab.Weaknesses() {
		ours := concerns(w)
		if !ours && !twins[w.Name] && w.Kind != lab.Hostile {
			continue
		}
		t.Run(w.Name, func(t *testing.T) {
			t.Parallel()
			d := labtest.Door(t, l, lab.DoorOptions{Weaknesses: []string{w.Name}})
			c := labtest.Prove(t, l, d, labtest.Setting{Probes: server, Change: func(o *probe.Options) {
				quiet(t)(o)
				if w.Kind == lab.Hostile {
					o.RequestTimeout = 500 * time.Millisecond
				}
			}})
			var want, got []string
			if ours && w.Kind == lab.Weak {
				want = append(also[w.Name], w.Probe)
			}
			got = c.Of(finding.Fail)
			slices.Sort(want)
			if w.Kind != lab.Hostile && !slices.Equal(got, want) {
				t.Errorf("fail: %v, want %v", got, want)
			}
			for _, f := range c.Findings {
				switch {
				case f.Outcome == finding.Error, f.Outcome == finding.Unknown && w.Kind == lab.Sound:
					t.Errorf("%s is %s: %s", f.Probe, f.Outcome, f.Reason)
				case f.Outcome == finding.Fail && (len(f.Evidence) == 0 || f.Expected == "deny" || f.Observed == "allow"):
					t.Errorf("%s: expected %q, observed %q, evidence %v", f.Probe, f.Expected, f.Observed, f.Evidence)
				}
			}
			if _, secret := l.User(); strings.Contains(dump(t, c), secret) {
				t.Error("the password is in what the run leaves behind")
			}
		})
	}
}

// dump is all that a run leaves behind.
func dump(t *testing.T, c *labtest.Collected) string {
	t.Helper()
	b, err := json.Marshal(c.Findings)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range c.Recorder.Lines() {
		b = append(b, line...)
	}
	return string(b)
}
