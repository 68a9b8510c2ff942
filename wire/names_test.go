// SPDX-License-Identifier: Apache-2.0

package wire_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/netip"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/regproof/regproof/wire"
)

// issue makes a certificate of nobody with these names.
func issue(t *testing.T, dns []string, ips []net.IP) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), DNSNames: dns, IPAddresses: ips}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// TestNames: the names in the certificate are handed on and recorded, bounded
// and printable, also when the certificate does not verify.
func TestNames(t *testing.T) {
	var many []string
	for i := range 150 {
		many = append(many, fmt.Sprintf("n%d.example", i))
	}
	for _, tc := range []struct {
		name string
		dns  []string
		ips  []net.IP
		want []string
	}{
		{"names and addresses", []string{"b.example", "*.a.example"}, []net.IP{net.ParseIP("10.0.0.1"), net.ParseIP("::1")}, []string{"b.example", "*.a.example", "10.0.0.1", "::1"}},
		{"none", nil, nil, nil},
		{"a terminal escape", []string{"a\x1b[31m.example"}, nil, []string{`a\u{1B}[31m.example`}},
		{"too many", many, []net.IP{net.ParseIP("10.0.0.1")}, many[:100]},
	} {
		for _, insecure := range []bool{true, false} {
			t.Run(fmt.Sprint(tc.name, ", insecure ", insecure), func(t *testing.T) {
				cfg := &tls.Config{Certificates: []tls.Certificate{issue(t, tc.dns, tc.ips)}}
				s := listen(t, "127.0.0.1:0", cfg, answers(ok))
				c := newClient(t)
				c.Trust.Insecure = insecure
				resp := c.Do(t.Context(), webGet(s.addr, wire.HTTP11))
				if resp.TLS == nil || !slices.Equal(resp.TLS.Names, tc.want) {
					t.Errorf("got %+v (%v), want %q", resp.TLS, resp.Err, tc.want)
				}
				if x, err := c.Recorder.Get(resp.ID); err != nil || !slices.Equal(x.TLS.Names, tc.want) {
					t.Errorf("recorded %+v (%v)", x.TLS, err)
				}
			})
		}
	}
}

// TestConnect: a connection that is not made ends an exchange by its own time,
// long before the exchange's.
func TestConnect(t *testing.T) {
	for _, proto := range []wire.Proto{wire.HTTP11, wire.HTTP2} {
		t.Run(string(proto), func(t *testing.T) {
			r := webGet(full(t), proto)
			r.Timeout, r.Connect = time.Hour, 50*time.Millisecond
			resp := newClient(t).Do(t.Context(), r)
			op := &net.OpError{}
			if resp.Failure != wire.Timeout || !errors.As(resp.Err, &op) || op.Op != "dial" {
				t.Errorf("failure %q: %v", resp.Failure, resp.Err)
			}
		})
	}
}

// full is where a listener does not get to accept, so that the kernel drops
// what asks for a connection.
func full(t *testing.T) netip.AddrPort {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Close(fd) })
	if err := errors.Join(syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}), syscall.Listen(fd, 0)); err != nil {
		t.Fatal(err)
	}
	sa, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	at := netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), uint16(sa.(*syscall.SockaddrInet4).Port))
	for { // until one is no longer answered
		c, err := net.DialTimeout("tcp", at.String(), 100*time.Millisecond)
		if err != nil {
			return at
		}
		t.Cleanup(func() { c.Close() })
	}
}

// TestTLSRecord: plain HTTP that is answered by TLS is told from other noise.
func TestTLSRecord(t *testing.T) {
	for text, want := range map[string]bool{
		"\x15\x03\x01\x00\x02\x02\x0a":                 true,  // alert, unexpected message
		"\x15\x03\x03\x00\x02\x02\x46":                 true,  // alert, protocol version
		"\x16\x03\x03\x00\x7a\x02\x00\x00\x76\x03\x03": true,  // a ServerHello
		"\x15\x04\r\n\r\n":                             false, // no version of TLS
		"SSH-2.0-OpenSSH_9.2p1 Debian\r\n":             false,
	} {
		s := listen(t, "127.0.0.1:0", nil, answers(text))
		r := webGet(s.addr, wire.HTTP11)
		r.Scheme = "http"
		resp := newClient(t).Do(t.Context(), r)
		if got := errors.Is(resp.Err, wire.ErrTLSRecord); got != want || resp.Failure != wire.Malformed {
			t.Errorf("%q: failure %q, %v; want %v", text, resp.Failure, resp.Err, want)
		}
	}
}

// TestRefuses: what a server named may not be where nobody should be sent, and
// what the configuration names may not be where metadata services live.
func TestRefuses(t *testing.T) {
	for _, tc := range []struct {
		host, address      string
		foreign, ownNaming bool // may it be dialled
	}{
		{"a.example", "203.0.113.5", true, true},
		{"a.example", "127.0.0.1", false, true},
		{"a.example", "10.0.0.1", false, true},
		{"a.example", "::ffff:10.0.0.1", false, true},
		{"a.example", "169.254.169.254", false, false},
		{"a.example", "fd00:ec2::254", false, false},
		{"Metadata.Google.Internal.", "203.0.113.5", false, false},
	} {
		g := wire.Guard{}
		a := netip.MustParseAddr(tc.address)
		if why := g.Refuses(tc.host, a, false); (why == "") != tc.foreign {
			t.Errorf("%s at %s: %q", tc.host, a, why)
		}
		if why := g.Refuses(tc.host, a, true); (why == "") != tc.ownNaming {
			t.Errorf("%s at %s, named: %q", tc.host, a, why)
		}
	}
}
