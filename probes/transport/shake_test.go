// SPDX-License-Identifier: Apache-2.0

package transport_test

import (
	"crypto/tls"
	"io"
	"net"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/internal/labtest"
	"github.com/regproof/regproof/lab"
	"github.com/regproof/regproof/probe"
	"github.com/regproof/regproof/probes/transport"
)

// raw is a server that a test writes, byte by byte.
func raw(t *testing.T, handle func(net.Conn)) *url.URL {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	var open sync.Map
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			open.Store(c, true)
			wg.Go(func() {
				defer c.Close()
				handle(c)
			})
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		open.Range(func(c, _ any) bool { _ = c.(net.Conn).Close(); return true })
		wg.Wait()
	})
	return &url.URL{Scheme: "https", Host: l.Addr().String()}
}

// offered reads a ClientHello and returns its version and suites, by number.
func offered(c net.Conn) (version uint16, suites []uint16) {
	head := make([]byte, 5)
	if _, err := io.ReadFull(c, head); err != nil || head[0] != 22 {
		return 0, nil
	}
	body := make([]byte, int(head[3])<<8|int(head[4]))
	if _, err := io.ReadFull(c, body); err != nil {
		return 0, nil
	}
	version = uint16(body[4])<<8 | uint16(body[5])
	at := 38 + 1 + int(body[38])
	n := int(body[at])<<8 | int(body[at+1])
	for i := 0; i < n; i += 2 {
		suites = append(suites, uint16(body[at+2+i])<<8|uint16(body[at+3+i]))
	}
	return version, suites
}

// chooses answers a hello with a version and a suite.
func chooses(c net.Conn, version, suite uint16, more ...byte) {
	hello := append([]byte{2, 0, 0, 38, byte(version >> 8), byte(version)}, make([]byte, 32)...)
	hello = append(hello, 0, byte(suite>>8), byte(suite), 0)
	hello = append(hello, more...)
	_, _ = c.Write(append([]byte{22, byte(version >> 8), byte(version), byte(len(hello) >> 8), byte(len(hello))}, hello...))
	_, _ = io.Copy(io.Discard, c)
}

var alert = []byte{21, 3, 1, 0, 2, 2, 40}

// TestOldServers are such as crypto/tls cannot be: what they offer is seen, and
// silence is not taken for a refusal.
func TestOldServers(t *testing.T) {
	l := labtest.Open(t)
	d := labtest.Door(t, l, lab.DoorOptions{Weaknesses: []string{"sound-tls"}})
	cert, err := tls.X509KeyPair(keyPair(t))
	if err != nil {
		t.Fatal(err)
	}
	modern := func(c net.Conn) { _ = tls.Server(c, &tls.Config{Certificates: []tls.Certificate{cert}}).Handshake() }
	// peek lets a server of today have what a handler does not want.
	peek := func(want func(version uint16, suites []uint16) bool, then func(net.Conn, []uint16)) func(net.Conn) {
		return func(c net.Conn) {
			p := &again{Conn: c}
			version, suites := offered(p)
			if version != 0 && want(version, suites) {
				then(c, suites)
				return
			}
			p.rewind()
			modern(p)
		}
	}
	has := func(id uint16) func(uint16, []uint16) bool {
		return func(_ uint16, s []uint16) bool { return slices.Contains(s, id) && !slices.Contains(s, 0xc02f) }
	}
	upTo := func(most uint16) func(uint16, []uint16) bool {
		return func(v uint16, _ []uint16) bool { return v == 0x0301 || v == most }
	}
	ssl3 := func(v uint16, _ []uint16) bool { return v == 0x0300 }
	prime := append([]byte{12, 0, 0, 136, 0, 128}, append([]byte{0xff}, make([]byte, 133)...)...)
	for _, c := range []struct {
		name     string
		handler  func(net.Conn)
		probe    probe.Probe
		want     finding.Outcome
		severity finding.Severity
		says     string
	}{
		{"a server of today", modern, transport.ProtocolVersion, finding.Pass, "", "TLS 1.2 and TLS 1.3 offered"},
		{"SSL 3.0", peek(ssl3, func(c net.Conn, s []uint16) { chooses(c, 0x0300, s[0]) }), transport.ProtocolVersion, finding.Fail, finding.High, "SSL 3.0"},
		{"silence about SSL 3.0", peek(ssl3, func(c net.Conn, _ []uint16) { _, _ = io.Copy(io.Discard, c) }), transport.ProtocolVersion, finding.Unknown, "", "SSL 3.0 got no answer"},
		{"a closed door for SSL 3.0", peek(ssl3, func(c net.Conn, _ []uint16) {}), transport.ProtocolVersion, finding.Pass, "", "TLS 1.2 and TLS 1.3 offered"},
		{"SSL 2.0", func(c net.Conn) {
			p := &again{Conn: c}
			b := make([]byte, 3)
			if _, err := io.ReadFull(p, b); err == nil && b[0]&0x80 != 0 && b[2] == 1 {
				_, _ = c.Write([]byte{0x80, 11, 4, 0, 1, 0, 2, 0, 0, 0, 3})
				return
			}
			p.rewind()
			modern(p)
		}, transport.ProtocolVersion, finding.Fail, finding.High, "SSL 2.0"},
		{"EXPORT", peek(has(0x0003), func(c net.Conn, _ []uint16) { chooses(c, 0x0301, 0x0003) }), transport.CipherSuite, finding.Fail, finding.High, "EXPORT (TLS_RSA_EXPORT_WITH_RC4_40_MD5)"},
		{"anonymous", peek(has(0x0034), func(c net.Conn, _ []uint16) { chooses(c, 0x0303, 0x0034) }), transport.CipherSuite, finding.Fail, finding.High, "anonymous (TLS_DH_anon_WITH_AES_128_CBC_SHA)"},
		{"DHE with a group of 1024 bits", peek(has(0x0033), func(c net.Conn, _ []uint16) { chooses(c, 0x0303, 0x0033, append(slices.Clone(prime), 0)...) }), transport.CipherSuite, finding.Fail, finding.Medium, "1024 bits"},
		{"DHE with a group that is not told", peek(has(0x0033), func(c net.Conn, _ []uint16) { chooses(c, 0x0303, 0x0033, 14, 0, 0, 0) }), transport.CipherSuite, finding.Pass, "", "none of the weak kinds"},
		{"DHE, and then silence about its group", peek(has(0x0033), func(c net.Conn, _ []uint16) { chooses(c, 0x0303, 0x0033) }), transport.CipherSuite, finding.Unknown, "", "the group of DHE"},
		{"a suite that was not offered", peek(has(0x0003), func(c net.Conn, _ []uint16) { chooses(c, 0x0303, 0xc02f) }), transport.CipherSuite, finding.Pass, "", "none of the weak kinds"},
		{"silence about RC4", peek(has(0xc011), func(c net.Conn, _ []uint16) { _, _ = io.Copy(io.Discard, c) }), transport.CipherSuite, finding.Unknown, "", "RC4 got no answer"},
		{"TLS 1.0 with DHE alone", peek(upTo(0x0301), func(c net.Conn, s []uint16) {
			if !slices.Contains(s, 0x0039) {
				_, _ = c.Write(alert)
				return
			}
			chooses(c, 0x0301, 0x0039, 14, 0, 0, 0)
		}), transport.ProtocolVersion, finding.Fail, finding.Medium, "TLS 1.0 is accepted"},
		{"TLS 1.0 for who offers 1.1, with DHE alone", peek(upTo(0x0302), func(c net.Conn, s []uint16) {
			if !slices.Contains(s, 0x0039) {
				_, _ = c.Write(alert)
				return
			}
			chooses(c, 0x0301, 0x0039, 14, 0, 0, 0)
		}), transport.ProtocolVersion, finding.Fail, finding.Medium, "TLS 1.0, TLS 1.2 and TLS 1.3 offered"},
		{"alerts to TLS 1.0", peek(upTo(0x0302), func(c net.Conn, _ []uint16) { _, _ = c.Write(alert) }), transport.ProtocolVersion, finding.Pass, "", "TLS 1.2 and TLS 1.3 offered"},
		{"alerts alone", func(c net.Conn) { _, _ = c.Write(alert) }, transport.ProtocolVersion, finding.Unknown, "", "no handshake"},
		{"alerts alone, and its certificate", func(c net.Conn) { _, _ = c.Write(alert) }, transport.Certificate, finding.Unknown, "", "no handshake"},
		{"HTTP", func(c net.Conn) { _, _ = io.WriteString(c, "HTTP/1.1 400 Bad Request\r\n\r\n") }, transport.Certificate, finding.Unknown, "", "no handshake"},
		{"nothing", func(c net.Conn) { _, _ = io.Copy(io.Discard, c) }, transport.CipherSuite, finding.Unknown, "", "timeout"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			at := raw(t, c.handler)
			start := time.Now()
			got := labtest.Prove(t, l, d, labtest.Setting{Probes: []probe.Probe{c.probe}, NoLogin: true, Change: func(o *probe.Options) {
				o.Targets[0].Endpoints = []probe.Endpoint{{URL: at}}
				o.RequestTimeout = time.Second
			}})
			f, _ := got.Probe(c.probe.ID)
			if f.Outcome != c.want || c.severity != "" && f.Severity != c.severity || !strings.Contains(f.Reason+f.Message, c.says) {
				t.Errorf("%s %s: %s | %s (after %s)", f.Outcome, f.Severity, f.Reason, f.Message, time.Since(start))
			}
		})
	}
}

// again is a connection of which the first bytes can be read twice.
type again struct {
	net.Conn
	seen   []byte
	replay []byte
	keep   bool
}

func (a *again) Read(p []byte) (int, error) {
	if len(a.replay) > 0 {
		n := copy(p, a.replay)
		a.replay = a.replay[n:]
		return n, nil
	}
	n, err := a.Conn.Read(p)
	if !a.keep {
		a.seen = append(a.seen, p[:n]...)
	}
	return n, err
}

func (a *again) rewind() { a.replay, a.keep = a.seen, true }

// TestBudget: what the budget does not allow is not checked, and not passed.
func TestBudget(t *testing.T) {
	l := labtest.Open(t)
	d := labtest.Door(t, l, lab.DoorOptions{Weaknesses: []string{"sound-tls"}})
	got := labtest.Prove(t, l, d, labtest.Setting{Probes: server, Change: func(o *probe.Options) { quiet(t)(o); o.MaxRequests = 6 }})
	spent := 0
	for _, f := range got.Findings {
		if f.Outcome == finding.NotChecked && strings.Contains(f.Reason, "budget of 6 requests") {
			spent++
		}
		if f.Probe == "transport/protocol-version" && f.Outcome == finding.Pass {
			t.Errorf("%s: %s", f.Outcome, f.Reason)
		}
	}
	if spent == 0 || got.Recorder.Sent() > 6 {
		t.Errorf("%d not checked, %d sent", spent, got.Recorder.Sent())
	}
}

// TestLeastVersion: where the file asks for TLS 1.3, the fix is for that.
func TestLeastVersion(t *testing.T) {
	l := labtest.Open(t)
	d := labtest.Door(t, l, lab.DoorOptions{Weaknesses: []string{"sound-tls"}})
	for _, tc := range []struct {
		least   uint16
		outcome finding.Outcome
		fix     string
	}{
		{tls.VersionTLS12, finding.Pass, ""},
		{tls.VersionTLS13, finding.Fail, "nginx: ssl_protocols TLSv1.3;"},
	} {
		got := labtest.Prove(t, l, d, labtest.Setting{Probes: []probe.Probe{transport.ProtocolVersion}, Change: func(o *probe.Options) { quiet(t)(o); o.Targets[0].MinVersion = tc.least }})
		f, _ := got.Probe("transport/protocol-version")
		if f.Outcome != tc.outcome || !strings.Contains(f.Fix, tc.fix) || strings.Contains(f.Fix, "TLSv1.2") || strings.Contains(f.Fix, "tls1.2") {
			t.Errorf("at least %x: %s, fix %q", tc.least, f.Outcome, f.Fix)
		}
	}
}
