// SPDX-License-Identifier: Apache-2.0

package wire_test

import (
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/regproof/regproof/wire"
)

var quiet = log.New(io.Discard, "", 0)

type exact struct {
	name    string
	request wire.Request
	want    string
}

// exacts lists requests with every byte that has to arrive for them.
func exacts() []exact {
	const host = "registry.example"
	h := func(fields ...string) (out [][2]string) {
		for _, f := range fields {
			k, v, _ := strings.Cut(f, "=")
			out = append(out, [2]string{k, v})
		}
		return out
	}
	list := []exact{
		{"HTTP/1.0 without Host", wire.Request{Method: "GET", Target: "/v2/", Proto: wire.HTTP10}, "GET /v2/ HTTP/1.0\r\n\r\n"},
		{"HTTP/1.0 with Host", wire.Request{Method: "GET", Target: "/v2/", Host: host, Proto: wire.HTTP10}, "GET /v2/ HTTP/1.0\r\nHost: registry.example\r\n\r\n"},
		{"HTTP/1.1 without Host", wire.Request{Method: "GET", Target: "/v2/"}, "GET /v2/ HTTP/1.1\r\n\r\n"},
		{"empty Host", wire.Request{Method: "GET", Target: "/v2/", Header: h("Host=")}, "GET /v2/ HTTP/1.1\r\nHost: \r\n\r\n"},
		{"two Hosts", wire.Request{Method: "GET", Target: "/v2/", Host: host, Header: h("Host=other.example")}, "GET /v2/ HTTP/1.1\r\nHost: registry.example\r\nHost: other.example\r\n\r\n"},
		{
			"headers: order, case, duplicates, empty values",
			wire.Request{Method: "GET", Target: "/v2/", Host: host, Header: h("x-ZZ=1", "Authorization=", "accept=a/b", "X-zz=2", "ACCEPT=*/*", "x_under=3")},
			"GET /v2/ HTTP/1.1\r\nHost: registry.example\r\nx-ZZ: 1\r\nAuthorization: \r\naccept: a/b\r\nX-zz: 2\r\nACCEPT: */*\r\nx_under: 3\r\n\r\n",
		},
		{
			"connection headers",
			wire.Request{Method: "GET", Target: "/v2/", Host: host, Header: h("Connection=Upgrade", "Upgrade=websocket", "TE=trailers", "Keep-Alive=5")},
			"GET /v2/ HTTP/1.1\r\nHost: registry.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nTE: trailers\r\nKeep-Alive: 5\r\n\r\n",
		},
		{"body", wire.Request{Method: "POST", Target: "/v2/", Host: host, Body: []byte("a\x00\r\n\r\nb")}, "POST /v2/ HTTP/1.1\r\nHost: registry.example\r\nContent-Length: 7\r\n\r\na\x00\r\n\r\nb"},
		{"body with GET", wire.Request{Method: "GET", Target: "/v2/", Host: host, Body: []byte("x")}, "GET /v2/ HTTP/1.1\r\nHost: registry.example\r\nContent-Length: 1\r\n\r\nx"},
		{"POST without body", wire.Request{Method: "POST", Target: "/v2/a/blobs/uploads/", Host: host}, "POST /v2/a/blobs/uploads/ HTTP/1.1\r\nHost: registry.example\r\nContent-Length: 0\r\n\r\n"},
		{"PUT without body", wire.Request{Method: "PUT", Target: "/v2/", Host: host}, "PUT /v2/ HTTP/1.1\r\nHost: registry.example\r\nContent-Length: 0\r\n\r\n"},
		{"DELETE without body", wire.Request{Method: "DELETE", Target: "/v2/", Host: host}, "DELETE /v2/ HTTP/1.1\r\nHost: registry.example\r\n\r\n"},
		{"its own Content-Length", wire.Request{Method: "POST", Target: "/v2/", Host: host, Header: h("content-length=3"), Body: []byte("abcdef")}, "POST /v2/ HTTP/1.1\r\nHost: registry.example\r\ncontent-length: 3\r\n\r\nabcdef"},
		{"its own chunks", wire.Request{Method: "PUT", Target: "/v2/", Host: host, Header: h("Transfer-Encoding=chunked"), Body: []byte("1\r\na\r\n0\r\n\r\n")}, "PUT /v2/ HTTP/1.1\r\nHost: registry.example\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n"},
	}
	for _, m := range []string{"GET", "HEAD", "OPTIONS", "TRACE", "PROPFIND", "get", "GeT", "X", "CONNECT"} {
		list = append(list, exact{"method " + m, wire.Request{Method: m, Target: "/v2/", Host: host}, m + " /v2/ HTTP/1.1\r\nHost: registry.example\r\n\r\n"})
	}
	for _, target := range targets {
		list = append(list, exact{fmt.Sprintf("target %q", target), wire.Request{Method: "GET", Target: target, Host: host}, "GET " + target + " HTTP/1.1\r\nHost: registry.example\r\n\r\n"})
	}
	for _, host := range []string{"registry.example:5000", "registry.example.", "other.example", "REGISTRY.Example", "[::1]:5000", "127.0.0.1", "a b", "bücher.example", "a/b", "user@registry.example", "\x01"} {
		list = append(list, exact{fmt.Sprintf("Host %q", host), wire.Request{Method: "GET", Target: "/v2/", Host: host}, "GET /v2/ HTTP/1.1\r\nHost: " + host + "\r\n\r\n"})
	}
	return list
}

// targets that clients of the standard library would clean, refuse or escape.
var targets = []string{
	"/v2/", "/", "//v2/x", "///v2//x/", "/v2/%2e%2e/", "/v2/%2E%2e/%2f", "/v2/../v2/./a", "/v2/a;b", "/v2/a;b=c/manifests/x",
	"/v2/a?x=%zz", "/v2/%zz", "/v2/a%", "/v2/a?", "/v2/a??b", "/v2/a?b#c", "/v2/#frag", "//v2/a#b", "//v2/%zz", "//v2/a\"b|c", "//v2/a?x=%zz", "//v2/a?",
	"/v2/a\\b", "/v2/\x00", "/v2/%00", "/v2/a\tb", "/v2/a b", "/v2/\x01\x7f", "/v2/\xff\xfe", "/v2/é", "/v2/[a]{b}|^`\"<>",
	"http://other/v2/", "https://other.example:1/v2/?a=b", "*", "v2/", "?", "other:443", "/v2/" + strings.Repeat("a", 16<<10),
}

// TestReceivedBytesAreRequestedBytes compares every byte that a server reads
// with those that were asked for.
func TestReceivedBytesAreRequestedBytes(t *testing.T) {
	for _, tc := range exacts() {
		for _, secure := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s tls=%v", clip(tc.name), secure), func(t *testing.T) {
				var cfg *tls.Config
				if secure {
					cfg = &tls.Config{}
				}
				s := listen(t, "127.0.0.1:0", cfg, capture)
				r := tc.request
				r.Address, r.Scheme = s.addr, "http"
				if secure {
					r.Scheme, r.SNI = "https", certName
				}
				c := newClient(t)
				resp := c.Do(t.Context(), r)
				if resp.Failure != "" || resp.Status != 200 {
					t.Fatalf("status %d, failure %q: %v", resp.Status, resp.Failure, resp.Err)
				}
				c.Close()
				eventually(t, func() bool { _, n := s.count(); return n == 1 })
				if diff := cmp.Diff(tc.want, s.seen[0]); diff != "" {
					t.Errorf("received bytes differ (-requested +received):\n%s", diff)
				}
			})
		}
	}
}

// TestServerName: the handshake names what was asked for, whatever the Host.
func TestServerName(t *testing.T) {
	for _, tc := range []struct{ name, sni, want string }{
		{"a name", "a.example", "a.example"},
		{"the name of another site", "other.example", "other.example"},
		{"upper case", "A.Example", "A.Example"},
		{"a trailing dot, which RFC 6066 does not allow", "a.example.", "a.example"},
		{"an address, which RFC 6066 does not allow", "127.0.0.1", ""},
		{"an address in brackets", "[::1]", ""},
		{"none", "", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := listen(t, "127.0.0.1:0", &tls.Config{}, answers("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"))
			c := newClient(t)
			c.Trust = wire.Trust{Insecure: true}
			r := tlsGet(s)
			r.SNI = tc.sni
			if resp := c.Do(t.Context(), r); resp.Status != 200 {
				t.Fatalf("failure %q: %v", resp.Failure, resp.Err)
			}
			if diff := cmp.Diff([]string{tc.want}, s.names); diff != "" {
				t.Errorf("server names (-want +got):\n%s", diff)
			}
			if _, n := s.count(); n != 1 || !strings.Contains(s.seen[0], "Host: registry.example\r\n") {
				t.Errorf("the Host followed the server name: %q", s.seen)
			}
		})
	}
}

// TestAddressIsDialled: the same Host goes to whichever address was chosen.
func TestAddressIsDialled(t *testing.T) {
	one := listen(t, "127.0.0.1:0", nil, answers("HTTP/1.1 201 one\r\nContent-Length: 0\r\n\r\n"))
	two := listen(t, netip.AddrPortFrom(netip.MustParseAddr("127.0.0.2"), one.addr.Port()).String(), nil, answers("HTTP/1.1 202 two\r\nContent-Length: 0\r\n\r\n"))
	c := newClient(t)
	for _, tc := range []struct {
		s    *raw
		want int
	}{{one, 201}, {two, 202}} {
		resp := c.Do(t.Context(), get(tc.s))
		if resp.Status != tc.want {
			t.Errorf("%s: got status %d, want %d", tc.s.addr, resp.Status, tc.want)
		}
		x, err := c.Recorder.Get(resp.ID)
		if err != nil || x.Address != tc.s.addr.String() {
			t.Errorf("recorded address %q, want %s (%v)", x.Address, tc.s.addr, err)
		}
	}
	if got := c.Local(); got != "127.0.0.1" {
		t.Errorf("local address %q, want 127.0.0.1", got)
	}
}

func clip(s string) string {
	if len(s) > 60 {
		return s[:60]
	}
	return s
}
