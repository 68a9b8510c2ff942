// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/regproof/regproof/credential"
	"github.com/regproof/regproof/evidence"
)

// Purpose says what a URL that came from a server would be used for.
type Purpose string

// The purposes.
const (
	Realm    Purpose = "token realm"
	Redirect Purpose = "redirect"
	Upload   Purpose = "upload location"
	NextPage Purpose = "next page"
)

// MaxHops is how many redirects are followed from one request.
const MaxHops = 3

// ErrRefused is wrapped by every refusal of Guard.Check.
var ErrRefused = errors.New("refused")

// Guard decides whether a URL that a server named may be contacted.
type Guard struct {
	// Allowed are origins that the configuration names.
	Allowed []credential.Origin
	// Home is where the registry itself lives: private addresses are allowed
	// when it lives on one.
	Home []netip.Addr
	// Pinned are addresses to use for a host, in lower case, instead of asking DNS.
	Pinned map[string][]netip.Addr
}

// Destination is a URL that may be contacted, and the address to dial for it.
type Destination struct {
	URL     *url.URL
	Origin  credential.Origin
	Address netip.AddrPort
	// SameOrigin says whether scheme, host and port are those of the base:
	// only then may a credential of the base go there.
	SameOrigin bool
}

// metadata are names of cloud metadata services, which are never contacted.
var metadata = []string{"metadata", "metadata.google.internal", "metadata.goog", "instance-data", "instance-data.ec2.internal"}

// Check resolves a URL that a server sent, against base, and decides whether
// it may be contacted for that purpose. The check is made on the address after
// resolution, and that address is the one to dial. Errors wrap ErrRefused,
// unless the name does not resolve.
func (g Guard) Check(ctx context.Context, base *url.URL, raw string, purpose Purpose) (Destination, error) {
	refuse := func(why string, args ...any) (Destination, error) {
		return Destination{}, fmt.Errorf("%s %q is %w: %s", purpose, clip(evidence.Target(raw)), ErrRefused, fmt.Sprintf(why, args...))
	}
	u, err := base.Parse(raw)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.Opaque != "" {
		return refuse("not a URL of http or https")
	}
	if u.User != nil {
		return refuse("it holds a user name")
	}
	origin, err := credential.ParseOrigin(u.Scheme + "://" + u.Host)
	if err != nil {
		return refuse("%v", err)
	}
	baseOrigin, _ := credential.ParseOrigin(base.Scheme + "://" + base.Host)
	d := Destination{URL: u, Origin: origin, SameOrigin: origin == baseOrigin}
	named := d.SameOrigin || slices.Contains(g.Allowed, origin)
	if base.Scheme == "https" && u.Scheme == "http" && !named {
		if purpose == Realm {
			return refuse("it leaves https, and neither --allow-realm nor realms in the file names it")
		}
		return refuse("it leaves https")
	}
	if metadataName(u.Hostname()) {
		return refuse("a metadata service")
	}
	addrs, err := g.Lookup(ctx, u)
	if err != nil {
		return Destination{}, err
	}
	for _, a := range addrs {
		if why := g.forbidden(a.Addr(), named); why != "" {
			return refuse("%s is %s", a.Addr(), why)
		}
	}
	d.Address = addrs[0]
	return d, nil
}

// Refuses says why a host at an address must not be dialled because a server
// named it; "" if it may. What is named by the configuration may be anywhere
// but where metadata services live.
func (g Guard) Refuses(host string, a netip.Addr, named bool) string {
	if metadataName(host) {
		return "a metadata service"
	}
	return g.forbidden(a, named)
}

func metadataName(host string) bool {
	return slices.Contains(metadata, strings.ToLower(strings.TrimSuffix(host, ".")))
}

// Lookup resolves the host of u to addresses with ports, IPv4 first. A pinned
// host is not asked for.
func (g Guard) Lookup(ctx context.Context, u *url.URL) ([]netip.AddrPort, error) {
	port := uint16(80)
	if u.Scheme == "https" {
		port = 443
	}
	if p := u.Port(); p != "" {
		n, err := net.LookupPort("tcp", p)
		if err != nil || n < 1 || n > 65535 {
			return nil, fmt.Errorf("%q is not a port", p)
		}
		port = uint16(n)
	}
	host := u.Hostname()
	ips := g.Pinned[strings.ToLower(host)]
	if len(ips) == 0 {
		var err error
		if ips, err = net.DefaultResolver.LookupNetIP(ctx, "ip", host); err != nil {
			return nil, fmt.Errorf("resolve %s: %w", host, err)
		}
	}
	var out []netip.AddrPort
	for _, ip := range ips {
		if a := netip.AddrPortFrom(ip.Unmap(), port); !slices.Contains(out, a) {
			out = append(out, a)
		}
	}
	slices.SortStableFunc(out, func(a, b netip.AddrPort) int {
		if a.Addr().Is4() != b.Addr().Is4() {
			if a.Addr().Is4() {
				return -1
			}
			return 1
		}
		return a.Addr().Compare(b.Addr())
	})
	return out, nil
}

var (
	cgnat   = netip.MustParsePrefix("100.64.0.0/10")
	nat64   = netip.MustParsePrefix("64:ff9b::/96")
	thisNet = netip.MustParsePrefix("0.0.0.0/8")
	awsV6   = netip.MustParseAddr("fd00:ec2::254")
)

// forbidden says why an address may not be dialled because a server said so.
func (g Guard) forbidden(a netip.Addr, named bool) string {
	a = a.Unmap().WithZone("")
	switch {
	case a.IsLinkLocalUnicast() || a == awsV6:
		return "link-local, where metadata services live" // also when it is named
	case named:
		return ""
	case a.IsLoopback():
		return "a loopback address"
	case a.IsUnspecified() || thisNet.Contains(a):
		return "an unspecified address"
	case a.IsMulticast() || a == netip.AddrFrom4([4]byte{255, 255, 255, 255}):
		return "not a host's address"
	case nat64.Contains(a):
		return "a NAT64 address"
	case (a.IsPrivate() || cgnat.Contains(a)) && !slices.ContainsFunc(g.Home, func(h netip.Addr) bool { h = h.Unmap(); return h.IsPrivate() || cgnat.Contains(h) }):
		return "a private address"
	}
	return ""
}
