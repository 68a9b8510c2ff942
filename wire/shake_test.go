// SPDX-License-Identifier: Apache-2.0

package wire_test

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/regproof/regproof/wire"
)

// talk finishes the handshake and answers requests.
func talk(s *raw, c net.Conn, br *bufio.Reader) {
	if tc, ok := c.(*tls.Conn); ok && tc.Handshake() != nil {
		return
	}
	answers("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")(s, c, br)
}

func certOf(t *testing.T, key any, public any) tls.Certificate {
	t.Helper()
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, DNSNames: []string{certName},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, public, key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

func hello(s *raw) wire.Hello {
	return wire.Hello{Host: certName, SNI: certName, Address: s.addr, Timeout: 5 * time.Second}
}

// TestShakeVersions offers one version alone to servers that speak some.
func TestShakeVersions(t *testing.T) {
	for _, tc := range []struct {
		name           string
		low, high      uint16
		offer          uint16
		chose, byAlert bool
	}{
		{"1.0 to one of old", tls.VersionTLS10, tls.VersionTLS13, tls.VersionTLS10, true, false},
		{"1.1 to one of old", tls.VersionTLS10, tls.VersionTLS13, tls.VersionTLS11, true, false},
		{"1.2", tls.VersionTLS12, tls.VersionTLS13, tls.VersionTLS12, true, false},
		{"1.3", tls.VersionTLS12, tls.VersionTLS13, tls.VersionTLS13, true, false},
		{"0 is one of both", tls.VersionTLS12, tls.VersionTLS13, 0, true, false},
		{"0 to one of old", tls.VersionTLS10, tls.VersionTLS11, 0, false, true},
		{"1.0 to one of today", tls.VersionTLS12, tls.VersionTLS13, tls.VersionTLS10, false, true},
		{"1.1 to one of 1.0", tls.VersionTLS10, tls.VersionTLS10, tls.VersionTLS11, false, true},
		{"1.3 to one of 1.2", tls.VersionTLS12, tls.VersionTLS12, tls.VersionTLS13, false, true},
		{"SSL 3.0", tls.VersionTLS10, tls.VersionTLS13, wire.VersionSSL30, false, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := listen(t, "127.0.0.1:0", &tls.Config{MinVersion: tc.low, MaxVersion: tc.high}, talk)
			c := newClient(t)
			h := hello(s)
			h.Version = tc.offer
			got := c.Shake(t.Context(), h)
			if got.Chose() != tc.chose || got.Done != tc.chose || got.Alerted != tc.byAlert || (got.Failure == "") != tc.chose {
				t.Fatalf("chose %v, done %v, alerted %v (%v), failure %q: %v", got.Chose(), got.Done, got.Alerted, got.Alert, got.Failure, got.Err)
			}
			if tc.chose && (got.Suite == 0 || len(got.Chain) != 1 || got.Unverified != nil || tc.offer != 0 && got.Version != tc.offer) {
				t.Errorf("version %x, suite %x, chain of %d, unverified: %v", got.Version, got.Suite, len(got.Chain), got.Unverified)
			}
			x, err := c.Recorder.Get(got.ID)
			if err != nil || x.Offer == nil || x.Method != "ClientHello" || (x.Error == "") != tc.chose || (x.TLS != nil) != (got.Version != 0) {
				t.Errorf("recorded %+v: %v", x, err)
			}
		})
	}
}

// TestShakeAnswers: what is no handshake is told apart, and none takes longer
// than its own time.
func TestShakeAnswers(t *testing.T) {
	drips := func(_ *raw, c net.Conn, _ *bufio.Reader) {
		for _, err := io.WriteString(c, "\x16\x03\x03\x40\x00\x02\x00\x3f\xfc\x03\x03"); err == nil; _, err = c.Write([]byte{0}) {
			time.Sleep(5 * time.Millisecond)
		}
	}
	silent := func(_ *raw, c net.Conn, _ *bufio.Reader) { _, _ = io.Copy(io.Discard, c) }
	says := func(text string) handler {
		return func(_ *raw, c net.Conn, br *bufio.Reader) {
			_, _ = br.Peek(1)
			_, _ = io.WriteString(c, text)
		}
	}
	alert := func(s wire.Shaken) bool { return s.Failure == wire.Handshake && s.Alerted && s.Alert == 70 }
	malformed := func(s wire.Shaken) bool { return s.Failure == wire.Malformed && !s.Alerted }
	for _, tc := range []struct {
		name   string
		server handler
		want   func(wire.Shaken) bool
	}{
		{"silence", silent, func(s wire.Shaken) bool { return s.Failure == wire.Timeout }},
		{"drips", drips, func(s wire.Shaken) bool { return s.Failure == wire.Timeout }},
		{"a closed connection", says(""), func(s wire.Shaken) bool { return s.Failure == wire.Closed }},
		{"an alert", says("\x15\x03\x01\x00\x02\x02\x46"), alert},
		{"a warning, then an alert", says("\x15\x03\x01\x00\x02\x01\x70\x15\x03\x01\x00\x02\x02\x46"), alert},
		{"HTTP", says("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"), malformed},
		{"a version that was not offered", says("\x16\x03\x01\x00\x2a\x02\x00\x00\x26\x03\x01" + strings.Repeat("r", 32) + "\x00\x00\x0a\x00"), func(s wire.Shaken) bool {
			return s.Failure != "" && (s.Version == tls.VersionTLS10 || s.Hello.Version == wire.VersionSSL20)
		}},
		{"a record of nothing", says("\x16\x03\x01\x00\x00"), func(s wire.Shaken) bool { return s.Failure != "" && s.Version == 0 }},
	} {
		for _, version := range []uint16{tls.VersionTLS12, wire.VersionSSL30, wire.VersionSSL20} {
			if version == wire.VersionSSL20 && tc.name == "drips" {
				continue // a record of TLS is no answer to SSL 2.0
			}
			t.Run(tc.name+" "+wire.VersionName(version), func(t *testing.T) {
				t.Parallel()
				c := newClient(t)
				h := hello(listen(t, "127.0.0.1:0", nil, tc.server))
				h.Version, h.Timeout = version, 300*time.Millisecond
				got := c.Shake(t.Context(), h)
				if !tc.want(got) || got.Chose() {
					t.Errorf("failure %q, alert %v %v, version %x: %v", got.Failure, got.Alerted, got.Alert, got.Version, got.Err)
				}
			})
		}
	}
}

// TestShakeByHand: a server's choice is read from a hello that crypto/tls did
// not write, and goes no further.
func TestShakeByHand(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	cert := certOf(t, key, key.Public())
	for _, tc := range []struct {
		name    string
		offer   wire.SuiteGroup
		highest uint16
		server  []uint16
		low     uint16
		chose   uint16
		version uint16
	}{
		{"RC4", wire.SuitesRC4, tls.VersionTLS12, []uint16{tls.TLS_ECDHE_RSA_WITH_RC4_128_SHA}, tls.VersionTLS12, tls.TLS_ECDHE_RSA_WITH_RC4_128_SHA, tls.VersionTLS12},
		{"3DES of 1.0", wire.Suites64Bit, tls.VersionTLS12, []uint16{tls.TLS_RSA_WITH_3DES_EDE_CBC_SHA}, tls.VersionTLS10, tls.TLS_RSA_WITH_3DES_EDE_CBC_SHA, tls.VersionTLS12},
		{"up to 1.1", wire.Suites64Bit, tls.VersionTLS11, []uint16{tls.TLS_RSA_WITH_3DES_EDE_CBC_SHA}, tls.VersionTLS10, tls.TLS_RSA_WITH_3DES_EDE_CBC_SHA, tls.VersionTLS11},
		{"static RSA", wire.SuitesStaticRSA, tls.VersionTLS12, []uint16{tls.TLS_RSA_WITH_AES_128_GCM_SHA256}, tls.VersionTLS12, tls.TLS_RSA_WITH_AES_128_GCM_SHA256, tls.VersionTLS12},
		{"RC4 that is not there", wire.SuitesRC4, tls.VersionTLS12, []uint16{tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256}, tls.VersionTLS12, 0, 0},
		{"EXPORT", wire.SuitesExport, tls.VersionTLS12, nil, tls.VersionTLS10, 0, 0},
		{"NULL", wire.SuitesNull, tls.VersionTLS12, nil, tls.VersionTLS10, 0, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := listen(t, "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tc.low, CipherSuites: tc.server}, talk)
			c := newClient(t)
			h := hello(s)
			h.Version, h.Suites, h.ByHand = tc.highest, tc.offer, true
			got := c.Shake(t.Context(), h)
			if got.Suite != tc.chose || got.Version != tc.version || got.Chose() != (tc.chose != 0) || got.Done || (got.Failure == "") != (tc.chose != 0) {
				t.Errorf("version %x, suite %x, failure %q: %v", got.Version, got.Suite, got.Failure, got.Err)
			}
			if tc.chose == 0 && got.Alert != 40 {
				t.Errorf("alert %v: %v", got.Alert, got.Err)
			}
			if names := s.names; len(names) != 1 || names[0] != certName {
				t.Errorf("server names %q", names)
			}
		})
	}
}

// TestShakeClientCertificate: that a server wants one, and whether it takes it.
func TestShakeClientCertificate(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	mine := certOf(t, key, key.Public())
	leaf, err := x509.ParseCertificate(mine.Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		for _, with := range []bool{false, true} {
			t.Run(tls.VersionName(version)+" "+map[bool]string{true: "with", false: "without"}[with], func(t *testing.T) {
				s := listen(t, "127.0.0.1:0", &tls.Config{ClientAuth: tls.RequireAnyClientCert, MinVersion: version, MaxVersion: version}, talk)
				c := newClient(t)
				h := hello(s)
				h.Version, h.Then = version, &wire.Request{Method: "GET", Target: "/v2/", Host: certName}
				if with {
					h.Cert = &mine
				}
				got := c.Shake(t.Context(), h)
				if !got.WantsCert || !got.Chose() || got.Version != version {
					t.Errorf("wants %v, version %x: %v", got.WantsCert, got.Version, got.Err)
				}
				switch {
				case with && (got.Answer == nil || got.Answer.Status != 200 || string(got.Answer.Body) != "ok" || got.Answer.ID == got.ID):
					t.Errorf("with it: failure %q (%v), answer %+v", got.Failure, got.Err, got.Answer)
				case !with && version == tls.VersionTLS12 && (got.Failure != wire.ClientCert || got.Answer != nil):
					t.Errorf("without it: failure %q (%v)", got.Failure, got.Err)
				case !with && version == tls.VersionTLS13 && (got.Answer == nil || got.Answer.Failure != wire.ClientCert):
					t.Errorf("without it: failure %q (%v), answer %+v", got.Failure, got.Err, got.Answer)
				}
			})
		}
	}
}

// TestShakeResumes: a session of one handshake is taken up by the next.
func TestShakeResumes(t *testing.T) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		t.Run(tls.VersionName(version), func(t *testing.T) {
			s := listen(t, "127.0.0.1:0", &tls.Config{MinVersion: version, MaxVersion: version}, talk)
			c := newClient(t)
			h := hello(s)
			h.Session, h.Then = tls.NewLRUClientSessionCache(1), &wire.Request{Method: "GET", Target: "/v2/", Host: certName}
			first, second := c.Shake(t.Context(), h), c.Shake(t.Context(), h)
			if first.Resumed || !second.Resumed || second.Answer == nil || second.Answer.Status != 200 || len(second.Chain) != 1 {
				t.Errorf("resumed %v, then %v: %v", first.Resumed, second.Resumed, second.Err)
			}
		})
	}
}

// TestShakeUnverified: the handshake goes on with a certificate that does not
// verify, and nothing is asked over it.
func TestShakeUnverified(t *testing.T) {
	cert, _ := certificate()
	cert.OCSPStaple = []byte("staple")
	s := listen(t, "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{cert}}, talk)
	for _, tc := range []struct {
		name     string
		change   func(*wire.Client, *wire.Hello)
		verified bool
		asked    bool
	}{
		{"it verifies", func(*wire.Client, *wire.Hello) {}, true, true},
		{"another name", func(_ *wire.Client, h *wire.Hello) { h.Name = "other.test" }, false, false},
		{"another name, for a request of any", func(_ *wire.Client, h *wire.Hello) { h.Name, h.Then.AnyName = "other.test", true }, false, true},
		{"other roots", func(c *wire.Client, _ *wire.Hello) { c.Trust.Roots = x509.NewCertPool() }, false, false},
		{"other roots, insecure", func(c *wire.Client, _ *wire.Hello) { c.Trust = wire.Trust{Roots: x509.NewCertPool(), Insecure: true} }, false, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := newClient(t)
			h := hello(s)
			h.Then = &wire.Request{Method: "GET", Target: "/v2/", Host: certName}
			tc.change(c, &h)
			got := c.Shake(t.Context(), h)
			if !got.Done || (got.Unverified == nil) != tc.verified || (got.Answer != nil) != tc.asked || string(got.Staple) != "staple" {
				t.Errorf("done %v, unverified %v, answer %v, staple %q: %v", got.Done, got.Unverified, got.Answer, got.Staple, got.Err)
			}
			x, err := c.Recorder.Get(got.ID)
			if err != nil || x.TLS == nil || x.TLS.Verified != tc.verified || (x.TLS.Problem == "") != tc.verified || !strings.Contains(strings.Join(x.TLS.Names, " "), certName) {
				t.Errorf("recorded %+v: %v", x.TLS, err)
			}
		})
	}
}
