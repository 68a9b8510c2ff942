// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"context"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"github.com/regproof/regproof/credential"
	"github.com/regproof/regproof/login"
	"github.com/regproof/regproof/wire"
)

// listener keeps what it was asked, and answers nothing.
type listener struct{ asked []string }

func (n *listener) Do(_ context.Context, r wire.Request) wire.Response {
	n.asked = append(n.asked, r.Host)
	return wire.Response{Status: 401}
}

// TestTry: a made-up password goes to a token service of the registry's own or one
// that is named, and not to one that is only well known.
func TestTry(t *testing.T) {
	at := netip.MustParseAddrPort("192.0.2.1:443")
	u := &url.URL{Scheme: "https", Host: "registry-1.docker.io"}
	for _, c := range []struct {
		realms []credential.Origin
		asked  int
	}{{nil, 0}, {[]credential.Origin{"https://auth.docker.io:443"}, 1}} {
		asked := &listener{}
		target := &Target{Realms: c.realms}
		d := &door{run: &run{opts: Options{ID: "test", MaxDenied: 600}}, target: target, ep: Endpoint{URL: u}, addresses: []netip.AddrPort{at}, logins: &login.Client{Wire: asked}}
		pin := []netip.Addr{at.Addr()}
		d.reg = login.Registry{URL: u, Guard: wire.Guard{Allowed: c.realms, Pinned: map[string][]netip.Addr{"auth.docker.io": pin, "registry-1.docker.io": pin}}}
		d.sentinels = newSentinels(d)
		challenge := wire.Header{{"Www-Authenticate", `Bearer realm="https://auth.docker.io/token",service="registry.docker.io"`}}
		d.pings = map[netip.AddrPort]Answer{at: {First: wire.Response{Status: 401, Header: challenge}}}
		a := (&Trial{group: &group{door: d, subject: &subject{}}}).Try(t.Context(), "a made-up user", "regproof-test", "x")
		if len(asked.asked) != c.asked || (c.asked == 0 && !strings.Contains(a.Problem, "--allow-realm")) {
			t.Errorf("with %v: asked %v: %s", c.realms, asked.asked, a.Problem)
		}
	}
}
