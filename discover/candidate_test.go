// SPDX-License-Identifier: Apache-2.0

package discover_test

import (
	"fmt"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"github.com/regproof/regproof/discover"
	"github.com/regproof/regproof/oci"
)

// show is one candidate a line.
func show(w discover.Want) (lines []string, notes string) {
	cs, n := discover.Candidates(w)
	for _, c := range cs {
		line := fmt.Sprintf("%s %s", c.URL, c.Address)
		if c.Host != "" {
			line += " for " + c.Host
		}
		if c.Kind == discover.Debug {
			line += " debug"
		}
		lines = append(lines, line)
	}
	return lines, strings.Join(n, "\n")
}

// TestCandidates: what a registry shows of itself becomes doors, each once, and
// no configured one is among them.
func TestCandidates(t *testing.T) {
	pinned := []netip.Addr{netip.MustParseAddr("10.0.0.1")}
	for _, tc := range []struct {
		name   string
		change func(*discover.Want)
		want   string
		notes  string
	}{
		{"nothing", func(*discover.Want) {}, "", ""},
		{"a pinned door", func(w *discover.Want) { w.Known[0].Addresses = pinned }, "https://example.com 10.0.0.2:443", ""},
		{"pinned to a mapped address", func(w *discover.Want) {
			w.Known[0].Addresses = []netip.Addr{netip.MustParseAddr("::ffff:10.0.0.1")}
		}, "https://example.com 10.0.0.2:443", ""},
		{"ports", func(w *discover.Want) {
			*w.Ports = discover.Ports{HTTPS: []uint16{443, 8443, 8443}, HTTP: []uint16{80}, Debug: []uint16{80}}
			w.Addresses = w.Addresses[:1]
		}, "https://example.com:8443 10.0.0.1:8443|http://example.com 10.0.0.1:80|http://example.com 10.0.0.1:80 debug", ""},
		{"a configured port", func(w *discover.Want) {
			w.Ports.HTTP = []uint16{5000}
			w.Known = append(w.Known, discover.Known{Origin: origin(t, "http://example.com:5000"), Addresses: pinned})
		}, "http://example.com:5000 10.0.0.2:5000", ""},
		{"names", func(w *discover.Want) {
			w.Names = []string{"Mirror.example", "mirror.example", "example.com", "EXAMPLE.com", "10.0.0.1", "10.9.9.9", "*.example.com", "a b", "x/y", "%41.example", "a:1", ""}
		}, "https://mirror.example invalid AddrPort", "10.9.9.9, which\n*.example.com\n\"a b\"\n\"x/y\"\n\"%41.example\"\n\"a:1\"\n\"\""},
		{"names on another port", func(w *discover.Want) {
			w.URL, w.Names = &url.URL{Scheme: "https", Host: "example.com:5000"}, []string{"mirror.example"}
			w.Addresses = nil
		}, "https://mirror.example invalid AddrPort|https://mirror.example:5000 invalid AddrPort", ""},
		{"too many names", func(w *discover.Want) {
			for i := range 20 {
				w.Names = append(w.Names, fmt.Sprintf("n%d.example", i))
			}
		}, strings.Join(func() (out []string) {
			for i := range 10 {
				out = append(out, fmt.Sprintf("https://n%d.example invalid AddrPort", i))
			}
			return out
		}(), "|"), "more than 10"},
		{"a configured name", func(w *discover.Want) {
			w.Names = []string{"mirror.example"}
			w.Known = append(w.Known, discover.Known{Origin: origin(t, "https://mirror.example")})
		}, "", ""},
		{"hosts", func(w *discover.Want) {
			w.Hosts = []string{"https://auth.example/token?service=x", "http://auth.example:8080/", "auth.example", "storage.example:9000", "[2001:db8::1]:5000", "https://user:hidden@x/", "javascript:x"}
		}, "https://auth.example invalid AddrPort|http://auth.example:8080 invalid AddrPort|https://storage.example:9000 invalid AddrPort|https://[2001:db8::1]:5000 invalid AddrPort", "no host\nno host"},
		{"too many hosts", func(w *discover.Want) {
			for i := range 12 {
				w.Hosts = append(w.Hosts, fmt.Sprintf("n%d.example:5000", i))
			}
			w.Known = append(w.Known, discover.Known{Origin: origin(t, "https://n9.example:5000")})
		}, strings.Join(func() (out []string) {
			for i := range 9 {
				out = append(out, fmt.Sprintf("https://n%d.example:5000 invalid AddrPort", i))
			}
			return out
		}(), "|"), "more than 10"},
		{"too many alternatives", func(w *discover.Want) {
			for i := range 12 {
				w.AltSvc = append(w.AltSvc, fmt.Sprintf(`h2=":%d"`, 5000+i))
			}
			w.Addresses = w.Addresses[:1]
		}, strings.Join(func() (out []string) {
			for i := range 10 {
				out = append(out, fmt.Sprintf("https://example.com:%d 10.0.0.1:%d", 5000+i, 5000+i))
			}
			return out
		}(), "|"), "more than 10"},
		{"Alt-Svc", func(w *discover.Want) {
			w.AltSvc = []string{`h2=":8443", h2=":443", h2="alt.example:443", h3=":443", h2c=":80"`}
			w.Addresses = w.Addresses[:1]
		}, "https://example.com:8443 10.0.0.1:8443|https://alt.example invalid AddrPort for example.com|http://example.com 10.0.0.1:80", "h3 on port 443"},
		{"Alt-Svc of plain HTTP", func(w *discover.Want) {
			w.URL, w.AltSvc, w.Addresses = &url.URL{Scheme: "http", Host: "example.com:5000"}, []string{`h2c="alt.example:80", h2="alt.example:443"`}, nil
		}, "http://alt.example invalid AddrPort for example.com:5000|https://alt.example invalid AddrPort for example.com:5000", ""},
		{"IPv6", func(w *discover.Want) {
			w.URL, w.Ports.HTTP, w.Addresses = &url.URL{Scheme: "https", Host: "[2001:db8::1]"}, []uint16{80, 5000}, w.Addresses[:0]
			w.Addresses = append(w.Addresses, addr("2001:db8::1"))
			w.Known[0].Origin = origin(t, "https://[2001:db8::1]")
		}, "http://[2001:db8::1] [2001:db8::1]:80|http://[2001:db8::1]:5000 [2001:db8::1]:5000", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := wanted(t, "10.0.0.1", "10.0.0.2")
			tc.change(&w)
			got, notes := show(w)
			if s := strings.Join(got, "|"); s != tc.want {
				t.Errorf("got  %s\nwant %s", s, tc.want)
			}
			lines := strings.Split(notes, "\n")
			parts := strings.Split(tc.notes, "\n")
			if len(lines) != len(parts) || (tc.notes == "") != (notes == "") || strings.Contains(notes, "hidden") {
				t.Fatalf("notes %q, want %q", lines, parts)
			}
			for i := range parts {
				if !strings.Contains(lines[i], parts[i]) {
					t.Errorf("note %q, want %q", lines[i], parts[i])
				}
			}
		})
	}
}

// TestUsualPorts: the usual list is what stands when none is given, and holds
// the ports of failures.yaml alt-plain-http-port and debug-port.
func TestUsualPorts(t *testing.T) {
	w := wanted(t)
	w.Ports = nil
	got, _ := show(w)
	all := strings.Join(got, "|") + "|"
	for _, p := range []int{80, 5000, 5001, 8080, 8081, 8082, 8083, 18080} {
		u := fmt.Sprintf("http://example.com:%d 127.0.0.1:%d|", p, p)
		if u = strings.Replace(u, ":80 ", " ", 1); !strings.Contains(all, u) {
			t.Errorf("%s is not among %s", u, all)
		}
	}
	for _, p := range []int{5001, 6060, 9090} {
		if u := fmt.Sprintf("http://example.com:%d 127.0.0.1:%d debug|", p, p); !strings.Contains(all, u) {
			t.Errorf("%s is not among %s", u, all)
		}
	}
	if strings.Contains(all, "https://example.com 127") || len(got) != 5+8+3 {
		t.Errorf("%d candidates: %s", len(got), all)
	}
	if cs, notes := discover.Candidates(discover.Want{}); len(cs)+len(notes) != 0 {
		t.Errorf("of nothing: %v, %v", cs, notes)
	}
}

// TestTargets: what a plan prints is what may be sent.
func TestTargets(t *testing.T) {
	w := wanted(t)
	for name, tc := range map[string]struct {
		kind   discover.Kind
		digest oci.Digest
		want   string
	}{
		"a known image":                    {discover.Registry, digest, "/v2/ /v2/team-a/app/manifests/" + string(digest)},
		"no image":                         {discover.Registry, "", "/v2/"},
		"a digest that cannot be computed": {discover.Registry, "md5:abc", "/v2/"},
		"debug pages":                      {discover.Debug, digest, "/metrics /debug/vars /debug/pprof/"},
	} {
		w.Digest = tc.digest
		if got := strings.Join(w.Targets(discover.Candidate{Kind: tc.kind}), " "); got != tc.want {
			t.Errorf("%s: got %s, want %s", name, got, tc.want)
		}
	}
}
