// SPDX-License-Identifier: Apache-2.0

package discover_test

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/regproof/regproof/credential"
	"github.com/regproof/regproof/discover"
	"github.com/regproof/regproof/evidence"
	"github.com/regproof/regproof/oci"
	"github.com/regproof/regproof/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	host       = "example.com" // which httptest's certificate is for
	repository = "team-a/app"
	manifest   = `{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","size":2},"layers":[]}`
	service    = `Bearer realm="https://auth.example.com/token",service="registry.example.com"`
)

var digest = oci.SHA256([]byte(manifest))

// server keeps what it was asked.
type server struct {
	at netip.AddrPort

	mu   sync.Mutex
	seen []*http.Request
}

func (s *server) requests() []*http.Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.seen)
}

// lines are the method and target of each request.
func (s *server) lines() (out []string) {
	for _, r := range s.requests() {
		out = append(out, r.Method+" "+r.RequestURI)
	}
	return out
}

// serve starts a web server on an address, "127.0.0.1:0" and the like.
func serve(t *testing.T, address string, secure *tls.Config, handle http.HandlerFunc) *server {
	t.Helper()
	ln, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	s := &server{at: ln.Addr().(*net.TCPAddr).AddrPort()}
	h := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.seen = append(s.seen, r)
		s.mu.Unlock()
		handle(w, r)
	}))
	_ = h.Listener.Close()
	h.Listener = ln
	h.Config.ErrorLog = log.New(io.Discard, "", 0)
	if secure != nil {
		h.TLS = secure
		h.StartTLS()
	} else {
		h.Start()
	}
	t.Cleanup(h.Close)
	return s
}

// raw starts a server of bytes, which has each connection to itself.
func raw(t *testing.T, address string, handle func(net.Conn)) *server {
	t.Helper()
	ln, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	var open sync.Map
	wg.Go(func() {
		for {
			c, err := ln.Accept()
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
		_ = ln.Close()
		open.Range(func(c, _ any) bool { _ = c.(net.Conn).Close(); return true })
		wg.Wait()
	})
	return &server{at: ln.Addr().(*net.TCPAddr).AddrPort()}
}

// full is where the kernel drops what asks for a connection.
func full(t *testing.T) *server {
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
	s := &server{at: netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), uint16(sa.(*syscall.SockaddrInet4).Port))}
	for { // until one is no longer answered
		c, err := net.DialTimeout("tcp", s.at.String(), 100*time.Millisecond)
		if err != nil {
			return s
		}
		t.Cleanup(func() { c.Close() })
	}
}

// closed is where nobody listens.
func closed(t *testing.T) *server {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return &server{at: ln.Addr().(*net.TCPAddr).AddrPort()}
}

// open serves everything to anybody.
func open(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Docker-Distribution-Api-Version", "registry/2.0")
	switch r.URL.Path {
	case "/v2/":
		fmt.Fprint(w, "{}")
	case "/v2/" + repository + "/manifests/" + string(digest):
		fmt.Fprint(w, manifest)
	default:
		http.Error(w, `{"errors":[{"code":"MANIFEST_UNKNOWN"}]}`, 404)
	}
}

// guarded wants a token for everything.
func guarded(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Www-Authenticate", service)
	http.Error(w, `{"errors":[{"code":"UNAUTHORIZED"}]}`, 401)
}

// empty is a registry that holds nothing.
func empty(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/v2/" {
		open(w, r)
		return
	}
	http.Error(w, `{"errors":[{"code":"NAME_UNKNOWN"}]}`, 404)
}

// says answers all requests alike.
func says(status int, body string, headers ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i < len(headers); i += 2 {
			w.Header().Add(headers[i], headers[i+1])
		}
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	}
}

func client(t *testing.T) *wire.Client {
	t.Helper()
	rec, err := evidence.NewRecorder()
	if err != nil {
		t.Fatal(err)
	}
	c := &wire.Client{Recorder: rec, Trust: wire.Trust{Insecure: true}}
	t.Cleanup(func() {
		c.Close()
		if err := rec.Err(); err != nil {
			t.Error(err)
		}
		_ = rec.Close()
	})
	return c
}

func addr(s string) netip.AddrPort {
	return netip.AddrPortFrom(netip.MustParseAddr(s), 0)
}

// wanted is a registry at https://example.com on loopback, of which no ports
// are tried but those that are added.
func wanted(t *testing.T, addresses ...string) discover.Want {
	t.Helper()
	w := discover.Want{
		URL:        &url.URL{Scheme: "https", Host: host},
		Ports:      &discover.Ports{},
		Challenges: []string{service},
		Known:      []discover.Known{{Origin: origin(t, "https://"+host)}},
		Repository: repository,
		Digest:     digest,
		Headers:    [][2]string{{"User-Agent", "regproof/test"}, {"X-Regproof-Run", "r1"}, {"Authorization", "Basic c2VjcmV0"}, {"Cookie", "secret"}},
	}
	if len(addresses) == 0 {
		addresses = []string{"127.0.0.1"}
	}
	for _, a := range addresses {
		w.Addresses = append(w.Addresses, addr(a))
	}
	return w
}

func origin(t *testing.T, s string) credential.Origin {
	t.Helper()
	o, err := credential.ParseOrigin(s)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// modest holds a server to what a candidate may be sent.
func modest(t *testing.T, s *server) {
	t.Helper()
	for _, r := range s.requests() {
		target := r.Method + " " + r.RequestURI
		if target != "GET /v2/" && target != "GET /v2/"+repository+"/manifests/"+string(digest) {
			t.Errorf("%s was sent", target)
		}
		for _, name := range []string{"Authorization", "Cookie", "Proxy-Authorization"} {
			if _, ok := r.Header[name]; ok {
				t.Errorf("%s was sent with %s", name, target)
			}
		}
		if r.Header.Get("X-Regproof-Run") != "r1" || !strings.HasPrefix(r.UserAgent(), "regproof/") {
			t.Errorf("%s does not say who asks: %v", target, r.Header)
		}
		if r.TLS != nil && len(r.TLS.PeerCertificates) > 0 {
			t.Error("a client certificate was shown")
		}
	}
	if n := len(s.requests()); n > 2 {
		t.Errorf("%d requests were sent", n)
	}
}
