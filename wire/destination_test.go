// SPDX-License-Identifier: Apache-2.0

package wire_test

import (
	"errors"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"github.com/regproof/regproof/credential"
	"github.com/regproof/regproof/wire"
)

func mustURL(t *testing.T, s string) *url.URL {
	t.Helper()
	u, err := url.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func mustOrigin(t testing.TB, s string) credential.Origin {
	t.Helper()
	o, err := credential.ParseOrigin(s)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// pinned stands for DNS, with names that lead where they should not.
var pinned = map[string][]netip.Addr{
	"registry.example": {netip.MustParseAddr("203.0.113.5")},
	"public.example":   {netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("203.0.113.7"), netip.MustParseAddr("203.0.113.7")},
	"loop.example":     {netip.MustParseAddr("127.0.0.1")},
	"private.example":  {netip.MustParseAddr("10.0.0.1")},
	"mixed.example":    {netip.MustParseAddr("9.9.9.9"), netip.MustParseAddr("10.0.0.1")},
	"linked.example":   {netip.MustParseAddr("169.254.169.254")},
}

// TestGuard: what a server names is contacted only where it does no harm. Each
// row is a URL that a registry at https://registry.example might send.
func TestGuard(t *testing.T) {
	const yes = ""
	for _, tc := range []struct {
		name, url string
		why       string // part of the refusal; yes is none
		address   string
		same      bool
	}{
		{"a path", "/token?a=b", yes, "203.0.113.5:443", true},
		{"nothing", "", yes, "203.0.113.5:443", true},
		{"the same origin in full", "https://registry.example:443/x", yes, "203.0.113.5:443", true},
		{"the same origin in upper case", "HTTPS://Registry.EXAMPLE/x", yes, "203.0.113.5:443", true},
		{"another port", "https://registry.example:8443/x", yes, "203.0.113.5:8443", false},
		{"a trailing dot is another host", "https://203.0.113.5./x", "resolve", "", false},
		{"another host, IPv4 first", "https://public.example/x", yes, "203.0.113.7:443", false},
		{"another host without scheme", "//public.example/x", yes, "203.0.113.7:443", false},
		{"an address", "https://203.0.113.9:5000/x", yes, "203.0.113.9:5000", false},
		{"an IPv6 address", "https://[2001:db8::9]/x", yes, "[2001:db8::9]:443", false},

		{"plain http", "http://public.example/x", "leaves https", "", false},
		{"plain http of the same host", "http://registry.example/x", "leaves https", "", false},
		{"plain http of the same host and port", "http://registry.example:443/x", "leaves https", "", false},
		{"file", "file:///etc/passwd", "not a URL of http", "", false},
		{"gopher", "gopher://public.example/x", "not a URL of http", "", false},
		{"javascript", "javascript:alert(1)", "not a URL of http", "", false},
		{"opaque", "https:public.example", "not a URL of http", "", false},
		{"no host", "https:///x", "not a URL of http", "", false},
		{"a line break", "https://public.example/\r\nX: y", "not a URL of http", "", false},
		{"a user", "https://user@public.example/", "user name", "", false},
		{"a user and a password", "https://user:hidden@public.example/", "user name", "", false},
		{"the host in the user", "https://registry.example@public.example/", "user name", "", false},
		{"port 0", "https://public.example:0/", "port", "", false},
		{"port 65536", "https://public.example:65536/", "port", "", false},
		{"a zone", "https://[fe80::1%25eth0]/", "refused", "", false},
		{"a percent sign", "https://public%2eexample/", "refused", "", false},
		{"a full-width dot", "https://public．example/", "refused", "", false},

		{"loopback", "https://127.0.0.1/x", "loopback", "", false},
		{"the rest of loopback", "https://127.9.9.9/x", "loopback", "", false},
		{"loopback in IPv6", "https://[::1]/x", "loopback", "", false},
		{"loopback mapped", "https://[::ffff:127.0.0.1]/x", "loopback", "", false},
		{"loopback mapped in hex", "https://[::ffff:7f00:1]/x", "loopback", "", false},
		{"localhost", "https://localhost/x", "loopback", "", false},
		{"a name that leads to loopback", "https://loop.example/x", "loopback", "", false},
		{"10/8", "https://10.1.2.3/x", "private", "", false},
		{"172.16/12", "https://172.31.0.1/x", "private", "", false},
		{"192.168/16", "https://192.168.0.1/x", "private", "", false},
		{"10/8 mapped", "https://[::ffff:10.1.2.3]/x", "private", "", false},
		{"a name that leads to a private address", "https://private.example/x", "private", "", false},
		{"a name one of whose addresses is private", "https://mixed.example/x", "private", "", false},
		{"ULA", "https://[fd12:3456::1]/x", "private", "", false},
		{"CGNAT", "https://100.64.0.1/x", "private", "", false},
		{"the end of CGNAT", "https://100.127.255.255/x", "private", "", false},
		{"after CGNAT", "https://100.128.0.1/x", yes, "100.128.0.1:443", false},
		{"link-local", "https://169.254.1.1/x", "link-local", "", false},
		{"metadata", "https://169.254.169.254/x", "link-local", "", false},
		{"metadata mapped", "https://[::ffff:169.254.169.254]/x", "link-local", "", false},
		{"a name that leads to metadata", "https://linked.example/x", "link-local", "", false},
		{"link-local in IPv6", "https://[fe80::1]/x", "link-local", "", false},
		{"metadata of AWS in IPv6", "https://[fd00:ec2::254]/x", "link-local", "", false},
		{"NAT64", "https://[64:ff9b::7f00:1]/x", "NAT64", "", false},
		{"NAT64 of a public address", "https://[64:ff9b::203.0.113.7]/x", "NAT64", "", false},
		{"unspecified", "https://0.0.0.0/x", "unspecified", "", false},
		{"this network", "https://0.1.2.3/x", "unspecified", "", false},
		{"unspecified in IPv6", "https://[::]/x", "unspecified", "", false},
		{"multicast", "https://224.0.0.1/x", "not a host", "", false},
		{"multicast in IPv6", "https://[ff02::1]/x", "not a host", "", false},
		{"broadcast", "https://255.255.255.255/x", "not a host", "", false},
		{"metadata by name", "https://metadata.google.internal/x", "metadata service", "", false},
		{"metadata by name, in full", "https://Metadata.Google.Internal./x", "metadata service", "", false},
		{"metadata by its short name", "https://metadata/x", "metadata service", "", false},
		{"instance-data", "https://instance-data/latest", "metadata service", "", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			g := wire.Guard{Pinned: pinned, Home: []netip.Addr{netip.MustParseAddr("203.0.113.5")}}
			d, err := g.Check(t.Context(), mustURL(t, "https://registry.example/v2/"), tc.url, wire.Redirect)
			if tc.why != yes {
				if err == nil || !strings.Contains(err.Error(), tc.why) {
					t.Fatalf("got %+v, %v; want a refusal with %q", d, err, tc.why)
				}
				if tc.why != "resolve" && !errors.Is(err, wire.ErrRefused) {
					t.Errorf("%v does not wrap ErrRefused", err)
				}
				if d.Address.IsValid() || d.URL != nil || d.SameOrigin {
					t.Errorf("a refusal with a destination: %+v", d)
				}
				if strings.Contains(err.Error(), "hidden") {
					t.Errorf("the refusal tells a password: %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if d.Address.String() != tc.address || d.SameOrigin != tc.same {
				t.Errorf("address %s, same origin %v; want %s, %v", d.Address, d.SameOrigin, tc.address, tc.same)
			}
		})
	}
}

// TestGuardNamed: what the configuration names may be contacted, but for
// link-local; and private addresses when the registry lives on one.
func TestGuardNamed(t *testing.T) {
	home := func(s ...string) (out []netip.Addr) {
		for _, a := range s {
			out = append(out, netip.MustParseAddr(a))
		}
		return out
	}
	for _, tc := range []struct {
		name, base, url string
		allowed         []string
		home            []netip.Addr
		ok              bool
	}{
		{"private, not named", "https://registry.example/", "https://10.0.0.1/", nil, nil, false},
		{"private, named", "https://registry.example/", "https://10.0.0.1/", []string{"https://10.0.0.1"}, nil, true},
		{"private, another port named", "https://registry.example/", "https://10.0.0.1:444/", []string{"https://10.0.0.1"}, nil, false},
		{"loopback, named", "https://registry.example/", "https://127.0.0.1:5000/", []string{"https://127.0.0.1:5000"}, nil, true},
		{"loopback by name, named", "https://registry.example/", "https://loop.example/", []string{"https://loop.example"}, nil, true},
		{"NAT64, named", "https://registry.example/", "https://[64:ff9b::1]/", []string{"https://[64:ff9b::1]"}, nil, true},
		{"http, named", "https://registry.example/", "http://public.example/", []string{"http://public.example"}, nil, true},
		{"http, named as https", "https://registry.example/", "http://public.example/", []string{"https://public.example"}, nil, false},
		{"http from http", "http://registry.example/", "http://public.example/", nil, nil, true},
		{"https from http", "http://registry.example/", "https://public.example/", nil, nil, true},
		{"link-local, named", "https://registry.example/", "https://169.254.1.1/", []string{"https://169.254.1.1"}, nil, false},
		{"link-local, named, from a private home", "https://registry.example/", "https://169.254.169.254/", []string{"https://169.254.169.254"}, home("10.0.0.5"), false},
		{"metadata of AWS, named", "https://registry.example/", "https://[fd00:ec2::254]/", []string{"https://[fd00:ec2::254]"}, nil, false},
		{"a name to link-local, named", "https://registry.example/", "https://linked.example/", []string{"https://linked.example"}, nil, false},
		{"metadata by name, named", "https://registry.example/", "https://metadata/", []string{"https://metadata"}, nil, false},
		{"link-local, the registry itself", "https://169.254.169.254/", "/x", nil, nil, false},
		{"loopback, the registry itself", "http://127.0.0.1:5000/", "/x", nil, nil, true},
		{"loopback, another port of the registry", "http://127.0.0.1:5000/", "http://127.0.0.1:6000/", nil, home("127.0.0.1"), false},
		{"private from a private home", "https://registry.example/", "https://192.168.1.1/", nil, home("203.0.113.5", "10.0.0.5"), true},
		{"private from a mapped private home", "https://registry.example/", "https://192.168.1.1/", nil, home("::ffff:10.0.0.5"), true},
		{"private from a home in CGNAT", "https://registry.example/", "https://192.168.1.1/", nil, home("100.64.0.5"), true},
		{"ULA from a private home", "https://registry.example/", "https://[fd12::1]/", nil, home("10.0.0.5"), true},
		{"CGNAT from a private home", "https://registry.example/", "https://100.64.0.1/", nil, home("fd12::5"), true},
		{"private from a loopback home", "https://registry.example/", "https://192.168.1.1/", nil, home("127.0.0.1"), false},
		{"loopback from a private home", "https://registry.example/", "https://127.0.0.1/", nil, home("10.0.0.5"), false},
		{"link-local from a private home", "https://registry.example/", "https://169.254.1.1/", nil, home("10.0.0.5"), false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			g := wire.Guard{Pinned: pinned, Home: tc.home}
			for _, a := range tc.allowed {
				g.Allowed = append(g.Allowed, mustOrigin(t, a))
			}
			d, err := g.Check(t.Context(), mustURL(t, tc.base), tc.url, wire.Realm)
			if tc.ok != (err == nil) || err != nil && !errors.Is(err, wire.ErrRefused) {
				t.Errorf("got %v, %v; want ok %v", d.Address, err, tc.ok)
			}
		})
	}
}

// TestGuardTellsNoSecret: query values of what a server sent may be signatures.
func TestGuardTellsNoSecret(t *testing.T) {
	_, err := wire.Guard{}.Check(t.Context(), mustURL(t, "https://registry.example/"), "http://h/?sig=hidden", wire.Redirect)
	if err == nil || strings.Contains(err.Error(), "hidden") || !strings.Contains(err.Error(), string(wire.Redirect)) {
		t.Errorf("got %v", err)
	}
}

// TestLookup: an unresolvable name is not a refusal, and a port has to be one.
func TestLookup(t *testing.T) {
	g := wire.Guard{Pinned: pinned}
	for in, want := range map[string]string{
		"https://public.example":      "203.0.113.7:443 [2001:db8::1]:443",
		"http://PUBLIC.example":       "203.0.113.7:80 [2001:db8::1]:80",
		"https://public.example:5000": "203.0.113.7:5000 [2001:db8::1]:5000",
		"https://[::ffff:127.0.0.1]":  "127.0.0.1:443",
	} {
		addrs, err := g.Lookup(t.Context(), mustURL(t, in))
		var got []string
		for _, a := range addrs {
			got = append(got, a.String())
		}
		if s := strings.Join(got, " "); s != want || err != nil {
			t.Errorf("%s: got %s, %v; want %s", in, s, err, want)
		}
	}
	if _, err := g.Lookup(t.Context(), mustURL(t, "https://public.example:99999")); err == nil {
		t.Error("99999 is not a port")
	}
}
