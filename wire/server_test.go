// SPDX-License-Identifier: Apache-2.0

package wire_test

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/regproof/regproof/evidence"
	"github.com/regproof/regproof/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// certName is a name that the certificate of the test servers holds.
const certName = "example.com"

// certificate is the one that httptest uses, and the pool that trusts it.
var certificate = sync.OnceValues(func() (tls.Certificate, *x509.CertPool) {
	s := httptest.NewTLSServer(nil)
	defer s.Close()
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	return s.TLS.Certificates[0], roots
})

func newClient(t *testing.T) *wire.Client {
	t.Helper()
	rec, err := evidence.NewRecorder()
	if err != nil {
		t.Fatal(err)
	}
	_, roots := certificate()
	c := &wire.Client{Recorder: rec, Trust: wire.Trust{Roots: roots}, Timeout: 10 * time.Second}
	t.Cleanup(func() {
		c.Close()
		if err := rec.Err(); err != nil {
			t.Error(err)
		}
		_ = rec.Close()
	})
	return c
}

// raw is a server of bytes: handle has each connection to itself.
type raw struct {
	addr netip.AddrPort

	mu    sync.Mutex
	conns int
	seen  []string // the requests that a handler noted
	names []string // the server names of handshakes
}

func (s *raw) note(request string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen = append(s.seen, request)
}

func (s *raw) count() (conns, requests int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.conns, len(s.seen)
}

type handler func(s *raw, c net.Conn, br *bufio.Reader)

// listen starts a raw server on address, over TLS if cfg is set.
func listen(t *testing.T, address string, cfg *tls.Config, handle handler) *raw {
	t.Helper()
	ln, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	s := &raw{addr: ln.Addr().(*net.TCPAddr).AddrPort()}
	if cfg != nil {
		cfg = cfg.Clone()
		if cfg.Certificates == nil {
			cert, _ := certificate()
			cfg.Certificates = []tls.Certificate{cert}
		}
		cfg.GetConfigForClient = func(h *tls.ClientHelloInfo) (*tls.Config, error) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.names = append(s.names, h.ServerName)
			return nil, nil
		}
	}
	var wg sync.WaitGroup
	var open sync.Map
	wg.Go(func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			s.mu.Lock()
			s.conns++
			s.mu.Unlock()
			open.Store(c, true)
			if cfg != nil {
				c = tls.Server(c, cfg)
			}
			wg.Go(func() {
				defer c.Close()
				handle(s, c, bufio.NewReader(c))
			})
		}
	})
	t.Cleanup(func() {
		_ = ln.Close()
		open.Range(func(c, _ any) bool { _ = c.(net.Conn).Close(); return true })
		wg.Wait()
	})
	return s
}

// readHead reads a request up to the empty line.
func readHead(br *bufio.Reader) (string, error) {
	var b strings.Builder
	for {
		line, err := br.ReadString('\n')
		b.WriteString(line)
		if err != nil || line == "\r\n" {
			return b.String(), err
		}
	}
}

// capture notes every byte of one request, whatever it is.
func capture(s *raw, c net.Conn, br *bufio.Reader) {
	head, err := readHead(br)
	if err != nil {
		return
	}
	_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
	rest, _ := io.ReadAll(br) // until the client closes
	s.note(head + string(rest))
}

// answers serves one text for each request in turn, on every connection.
func answers(texts ...string) handler {
	return func(s *raw, c net.Conn, br *bufio.Reader) {
		for _, text := range texts {
			head, err := readHead(br)
			if err != nil {
				return
			}
			s.note(head)
			if _, err := io.WriteString(c, text); err != nil {
				return
			}
		}
	}
}

// get is a plain request to a raw server.
func get(s *raw) wire.Request {
	return wire.Request{Method: "GET", Scheme: "http", Target: "/v2/", Host: "registry.example", Address: s.addr}
}

// tlsGet is the same over TLS.
func tlsGet(s *raw) wire.Request {
	r := get(s)
	r.Scheme, r.SNI = "https", certName
	return r
}

// web is a server of net/http, over TLS with HTTP/2.
func web(t *testing.T, handle http.HandlerFunc) netip.AddrPort {
	t.Helper()
	s := httptest.NewUnstartedServer(handle)
	s.EnableHTTP2 = true
	s.Config.ErrorLog = quiet
	s.StartTLS()
	t.Cleanup(s.Close)
	return s.Listener.Addr().(*net.TCPAddr).AddrPort()
}

// webGet is a request to a web server with a protocol.
func webGet(addr netip.AddrPort, proto wire.Proto) wire.Request {
	return wire.Request{Method: "GET", Scheme: "https", Target: "/v2/", Host: certName, SNI: certName, Address: addr, Proto: proto}
}
