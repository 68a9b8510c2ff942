// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"github.com/regproof/regproof/credential"
	"github.com/regproof/regproof/login"
	"github.com/regproof/regproof/wire"
)

// TestTokenPlace: forged certificates and sessions go to a token service that is
// the registry's own or is named, and not to one that is only well known.
func TestTokenPlace(t *testing.T) {
	at := []netip.Addr{netip.MustParseAddr("192.0.2.1")}
	u := &url.URL{Scheme: "https", Host: "registry-1.docker.io"}
	for _, c := range []struct {
		realm  string
		realms []credential.Origin
		ok     bool
	}{
		{"https://auth.docker.io/token", nil, false},
		{"https://auth.docker.io/token", []credential.Origin{"https://auth.docker.io:443"}, true},
		{"https://registry-1.docker.io/token", nil, true},
		{"https://elsewhere.example/token", nil, false},
	} {
		d := &door{run: &run{}, target: &Target{Realms: c.realms}, ep: Endpoint{URL: u}}
		d.reg = login.Registry{URL: u, Guard: wire.Guard{Pinned: map[string][]netip.Addr{"auth.docker.io": at, "registry-1.docker.io": at, "elsewhere.example": at}}}
		d.challenges = login.ParseChallenges([]string{`Bearer realm="` + c.realm + `",service="s"`})
		_, why := (&Trial{group: &group{door: d, subject: &subject{}}}).tokenPlace(t.Context())
		if (why == "") != c.ok || (!c.ok && !strings.Contains(why, "--allow-realm")) {
			t.Errorf("%s with %v: %q", c.realm, c.realms, why)
		}
	}
}
