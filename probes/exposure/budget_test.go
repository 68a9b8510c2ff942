// SPDX-License-Identifier: Apache-2.0

package exposure_test

import (
	"net"
	"net/netip"
	"net/url"
	"testing"

	"github.com/regproof/regproof/discover"
	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/internal/labtest"
	"github.com/regproof/regproof/lab"
	"github.com/regproof/regproof/probe"
	"github.com/regproof/regproof/probes/exposure"
)

// TestDoorsNotAsked: doors for which the budget did not suffice are not said to
// lead nowhere.
func TestDoorsNotAsked(t *testing.T) {
	l := labtest.Open(t)
	front, back := labtest.Door(t, l, lab.DoorOptions{}), labtest.Door(t, l, lab.DoorOptions{Auth: lab.None})
	u, err := url.Parse(back.URL())
	if err != nil {
		t.Fatal(err)
	}
	port := netip.MustParseAddrPort(net.JoinHostPort(u.Hostname(), u.Port())).Port()
	for _, c := range []struct {
		name string
		most int
		want finding.Outcome
	}{
		{"enough", 20000, finding.Fail},
		{"spent", 1, finding.NotChecked},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := labtest.Prove(t, l, front, labtest.Setting{Probes: []probe.Probe{exposure.Doors, exposure.DebugPort}, Change: func(o *probe.Options) {
				o.Discover, o.MaxRequests = true, c.most
				o.Ports = &discover.Ports{HTTP: []uint16{port}, Debug: []uint16{port}}
			}})
			for _, id := range []string{"exposure/doors", "exposure/debug-port"} {
				f, _ := got.Probe(id)
				if c.want == finding.NotChecked && f.Outcome != finding.NotChecked {
					t.Errorf("%s is %s: %s, want notchecked", id, f.Outcome, f.Reason)
				}
			}
			if f, _ := got.Probe("exposure/doors"); f.Outcome != c.want {
				t.Errorf("%s: %s, want %s", f.Outcome, f.Reason, c.want)
			}
		})
	}
}
