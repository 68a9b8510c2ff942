// SPDX-License-Identifier: Apache-2.0

package wire_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/regproof/regproof/wire"
)

// TestOneExchange: whatever the answer, one request is on the wire. Nothing
// is retried, followed, authenticated or remembered.
func TestOneExchange(t *testing.T) {
	for _, tc := range []struct {
		status int
		header http.Header
	}{
		{200, http.Header{"Set-Cookie": {"a=b"}}},
		{301, http.Header{"Location": {"/v2/other"}}},
		{302, http.Header{"Location": {"//127.0.0.2/v2/"}}},
		{307, http.Header{"Location": {"/v2/"}}},
		{308, http.Header{"Location": {"/v2/"}}},
		{401, http.Header{"Www-Authenticate": {`Basic realm="x"`, `Bearer realm="https://127.0.0.1/token"`}}},
		{407, http.Header{"Proxy-Authenticate": {`Basic realm="x"`}}},
		{408, nil},
		{421, nil},
		{425, nil},
		{429, http.Header{"Retry-After": {"0"}}},
		{500, nil},
		{503, http.Header{"Retry-After": {"0"}}},
	} {
		for _, proto := range []wire.Proto{wire.HTTP11, wire.HTTP2} {
			t.Run(fmt.Sprint(tc.status, " ", proto), func(t *testing.T) {
				var n, cookies atomic.Int32
				addr := web(t, func(w http.ResponseWriter, r *http.Request) {
					n.Add(1)
					if r.Header.Get("Cookie") != "" {
						cookies.Add(1)
					}
					for k, v := range tc.header {
						w.Header()[k] = v
					}
					w.WriteHeader(tc.status)
				})
				c := newClient(t)
				for i := range 2 { // the second also on a kept connection
					r := webGet(addr, proto)
					r.Fresh = i == 0
					resp := c.Do(t.Context(), r)
					if resp.Failure != "" || resp.Status != tc.status {
						t.Errorf("status %d, failure %q: %v", resp.Status, resp.Failure, resp.Err)
					}
					if got := n.Swap(0); got != 1 {
						t.Errorf("the server saw %d requests, want 1", got)
					}
				}
				if cookies.Load() > 0 {
					t.Error("a cookie was kept")
				}
				if got := c.Recorder.Sent(); got != 2 {
					t.Errorf("%d exchanges recorded, want 2", got)
				}
			})
		}
	}
}

const ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

// TestKeptConnection: a kept connection that fails is an observation. Nothing
// is asked a second time.
func TestKeptConnection(t *testing.T) {
	for _, tc := range []struct {
		name   string
		then   func(c net.Conn, br *bufio.Reader, note func(string)) // after the first answer
		want   wire.Failure
		status int
		seen   int // requests that the server read
	}{
		{"closed while idle", func(net.Conn, *bufio.Reader, func(string)) {}, wire.Stale, 0, 1},
		{"reset while idle", func(c net.Conn, _ *bufio.Reader, _ func(string)) { _ = c.(*net.TCPConn).SetLinger(0) }, wire.Stale, 0, 1},
		{"closed on the second request", func(_ net.Conn, br *bufio.Reader, note func(string)) {
			head, _ := readHead(br)
			note(head)
		}, wire.Stale, 0, 2},
		{"408 while idle", func(c net.Conn, _ *bufio.Reader, _ func(string)) {
			time.Sleep(20 * time.Millisecond) // not with the first answer
			_, _ = io.WriteString(c, "HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
		}, wire.Stale, 0, 1},
		{"closed within the second head", func(c net.Conn, br *bufio.Reader, note func(string)) {
			head, _ := readHead(br)
			note(head)
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-")
		}, wire.Closed, 0, 2},
		{"closed within the second status line", func(c net.Conn, br *bufio.Reader, note func(string)) {
			head, _ := readHead(br)
			note(head)
			_, _ = io.WriteString(c, "HTTP/1.1 20")
		}, wire.Closed, 0, 2},
		{"closed within the second body", func(c net.Conn, br *bufio.Reader, note func(string)) {
			head, _ := readHead(br)
			note(head)
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf")
		}, wire.Closed, 200, 2},
		{"something else than HTTP", func(c net.Conn, br *bufio.Reader, note func(string)) {
			head, _ := readHead(br)
			note(head)
			_, _ = io.WriteString(c, "hello\r\n")
		}, wire.Malformed, 0, 2},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := listen(t, "127.0.0.1:0", nil, func(s *raw, c net.Conn, br *bufio.Reader) {
				head, err := readHead(br)
				if err != nil {
					return
				}
				s.note(head)
				_, _ = io.WriteString(c, ok)
				tc.then(c, br, s.note)
			})
			c := newClient(t)
			if first := c.Do(t.Context(), get(s)); first.Status != 200 || first.Reused {
				t.Fatalf("first: status %d, reused %v, failure %q: %v", first.Status, first.Reused, first.Failure, first.Err)
			}
			time.Sleep(40 * time.Millisecond)
			second := c.Do(t.Context(), get(s))
			if second.Failure != tc.want || second.Status != tc.status || !second.Reused {
				t.Errorf("second: failure %q, status %d, reused %v (%v), want %q and %d", second.Failure, second.Status, second.Reused, second.Err, tc.want, tc.status)
			}
			conns, seen := s.count()
			if conns != 1 || seen != tc.seen {
				t.Errorf("the server saw %d connections and %d requests, want 1 and %d", conns, seen, tc.seen)
			}
		})
	}
}

// TestKeptConnection2 is the same for HTTP/2, where one stream can fail and the
// connection be kept, or the connection be closed.
func TestKeptConnection2(t *testing.T) {
	t.Run("a reset stream", func(t *testing.T) {
		var n, open atomic.Int32
		addr := counted(t, &open, func(w http.ResponseWriter, _ *http.Request) {
			if n.Add(1) == 2 {
				panic(http.ErrAbortHandler)
			}
		})
		c := newClient(t)
		r := webGet(addr, wire.HTTP2)
		for i, want := range []wire.Response{{Status: 200}, {Failure: wire.Closed, Reused: true}, {Status: 200, Reused: true}} {
			resp := c.Do(t.Context(), r)
			if resp.Status != want.Status || resp.Failure != want.Failure || resp.Reused != want.Reused {
				t.Errorf("%d: status %d, failure %q, reused %v (%v)", i, resp.Status, resp.Failure, resp.Reused, resp.Err)
			}
		}
		if n.Load() != 3 {
			t.Errorf("%d requests, want 3", n.Load())
		}
	})
	t.Run("closed while idle", func(t *testing.T) {
		var conn sync.Map
		f := &frames{}
		s := listen(t, "127.0.0.1:0", h2only, func(s *raw, c net.Conn, br *bufio.Reader) {
			conn.Store(c, true)
			f.handle(s, c, br)
		})
		c := newClient(t)
		r := webGet(s.addr, wire.HTTP2)
		if resp := c.Do(t.Context(), r); resp.Status != 200 {
			t.Fatalf("failure %q: %v", resp.Failure, resp.Err)
		}
		conn.Range(func(c, _ any) bool { _ = c.(net.Conn).Close(); return true })
		time.Sleep(30 * time.Millisecond)
		if resp := c.Do(t.Context(), r); resp.Failure != wire.Stale || !resp.Reused {
			t.Errorf("failure %q, reused %v: %v", resp.Failure, resp.Reused, resp.Err)
		}
		if n := len(f.all()); n != 1 {
			t.Errorf("%d requests on the wire, want 1", n)
		}
		if resp := c.Do(t.Context(), r); resp.Status != 200 || resp.Reused {
			t.Errorf("asked again: failure %q, reused %v: %v", resp.Failure, resp.Reused, resp.Err)
		}
	})
}

// TestConnections says when a connection is used again.
func TestConnections(t *testing.T) {
	t.Run("kept by place", func(t *testing.T) {
		s := listen(t, "127.0.0.1:0", nil, answers(ok, ok, ok))
		c := newClient(t)
		a, b := get(s), get(s)
		b.Host = "other.example" // another Host is the same place
		for i, r := range []wire.Request{a, b, a} {
			if resp := c.Do(t.Context(), r); resp.Status != 200 || resp.Reused != (i > 0) {
				t.Errorf("%d: status %d, reused %v: %v", i, resp.Status, resp.Reused, resp.Err)
			}
		}
	})
	t.Run("fresh", func(t *testing.T) {
		s := listen(t, "127.0.0.1:0", nil, answers(ok, ok))
		c := newClient(t)
		for i := range 3 {
			r := get(s)
			r.Fresh = true
			if resp := c.Do(t.Context(), r); resp.Status != 200 || resp.Reused {
				t.Errorf("%d: status %d, reused %v: %v", i, resp.Status, resp.Reused, resp.Err)
			}
		}
		if conns, _ := s.count(); conns != 3 {
			t.Errorf("%d connections, want 3", conns)
		}
	})
	t.Run("not across server names or certificates", func(t *testing.T) {
		addr := web(t, func(http.ResponseWriter, *http.Request) {})
		c := newClient(t)
		c.Trust.Insecure = true
		cert, _ := certificate()
		a := webGet(addr, wire.HTTP11)
		b, d := a, a
		b.SNI = "other.example"
		d.Cert = &cert
		for _, r := range []wire.Request{a, b, d} {
			if resp := c.Do(t.Context(), r); resp.Status != 200 || resp.Reused {
				t.Errorf("status %d, reused %v: %v", resp.Status, resp.Reused, resp.Err)
			}
		}
	})
	t.Run("warmed", func(t *testing.T) {
		s := listen(t, "127.0.0.1:0", nil, answers(ok))
		c := newClient(t)
		c.Warm(t.Context(), get(s), 3)
		if resp := c.Do(t.Context(), get(s)); resp.Status != 200 {
			t.Errorf("status %d: %v", resp.Status, resp.Err)
		}
		if conns, seen := s.count(); conns != 3 || seen != 1 {
			t.Errorf("%d connections and %d requests, want 3 and 1", conns, seen)
		}
	})
	t.Run("HTTP/2 is one connection", func(t *testing.T) {
		f := &frames{}
		s := listen(t, "127.0.0.1:0", h2only, f.handle)
		c := newClient(t)
		r := webGet(s.addr, wire.HTTP2)
		if !c.Offers2(t.Context(), r) {
			t.Fatal("HTTP/2 is offered")
		}
		for range 3 {
			if resp := c.Do(t.Context(), r); resp.Status != 200 {
				t.Errorf("failure %q: %v", resp.Failure, resp.Err)
			}
		}
		if conns, _ := s.count(); conns != 1 {
			t.Errorf("%d connections, want 1", conns)
		}
		r.Fresh = true
		if resp := c.Do(t.Context(), r); resp.Status != 200 || resp.Reused {
			t.Errorf("fresh: status %d, reused %v: %v", resp.Status, resp.Reused, resp.Err)
		}
		if conns, _ := s.count(); conns != 2 {
			t.Errorf("%d connections, want 2", conns)
		}
	})
}

// TestNoConnectionIsLeft: connections of HTTP/2 that are fresh, or that failed,
// are closed by us, before the client is.
func TestNoConnectionIsLeft(t *testing.T) {
	for _, tc := range []struct {
		name   string
		change func(*wire.Request)
		path   string
	}{
		{"fresh", func(r *wire.Request) { r.Fresh = true }, "/v2/"},
		{"timed out", func(r *wire.Request) { r.Timeout = 50e6 }, "/slow"},
		{"fresh and timed out", func(r *wire.Request) { r.Fresh, r.Timeout = true, 50e6 }, "/slow"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var open atomic.Int32
			addr := counted(t, &open, func(_ http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/slow" {
					<-r.Context().Done()
				}
			})
			c := newClient(t)
			for range 3 {
				r := webGet(addr, wire.HTTP2)
				r.Target = tc.path
				tc.change(&r)
				c.Do(t.Context(), r)
			}
			eventually(t, func() bool { return open.Load() == 0 })
		})
	}
}
