// SPDX-License-Identifier: Apache-2.0

package wire_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/regproof/regproof/wire"
)

var h2only = &tls.Config{NextProtos: []string{"h2"}}

// counted is a web server that counts its open connections.
func counted(t *testing.T, open *atomic.Int32, handle http.HandlerFunc) netip.AddrPort {
	t.Helper()
	s := httptest.NewUnstartedServer(handle)
	s.EnableHTTP2 = true
	s.Config.ErrorLog = quiet
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		switch state {
		case http.StateNew:
			open.Add(1)
		case http.StateClosed, http.StateHijacked:
			open.Add(-1)
		}
	}
	s.StartTLS()
	t.Cleanup(s.Close)
	return s.Listener.Addr().(*net.TCPAddr).AddrPort()
}

// drip sends text, and then one byte of more every few milliseconds for ever.
func drip(text, more string) handler {
	return func(_ *raw, c net.Conn, br *bufio.Reader) {
		if _, err := readHead(br); err != nil {
			return
		}
		_, err := io.WriteString(c, text)
		for err == nil {
			time.Sleep(5 * time.Millisecond)
			_, err = io.WriteString(c, more)
		}
	}
}

// flood sends text, and then more as fast as it can, up to 64 MiB.
func flood(text, more string) handler {
	return func(_ *raw, c net.Conn, br *bufio.Reader) {
		if _, err := readHead(br); err != nil {
			return
		}
		_, err := io.WriteString(c, text)
		for n := 0; err == nil && n < 64<<20; n += len(more) {
			_, err = io.WriteString(c, more)
		}
	}
}

// TestFailures has one hostile or broken peer a row. Each is an observation
// with its own word, bounded in time and size.
func TestFailures(t *testing.T) {
	short := func(r *wire.Request) { r.Timeout = 150 * time.Millisecond }
	k64 := strings.Repeat("x", 64<<10)
	for _, tc := range []struct {
		name      string
		serve     handler
		change    func(*wire.Request)
		want      wire.Failure
		status    int
		truncated bool
		size      int64
	}{
		{"endless body", flood("HTTP/1.1 200 OK\r\n\r\n", k64), func(r *wire.Request) { r.Limit = 1 << 20 }, "", 200, true, 1 << 20},
		{"endless chunks", flood("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "4\r\nabcd\r\n"), func(r *wire.Request) { r.Limit = 1 << 10 }, "", 200, true, 1 << 10},
		{"endless body within DefaultLimit", flood("HTTP/1.1 200 OK\r\n\r\n", k64), nil, "", 200, true, wire.DefaultLimit},
		{"dripping body", drip("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n", ""), short, wire.Timeout, 200, true, 0},
		{"dripping head", drip("HTTP/1.1 200 OK\r\nX-A: ", "a"), short, wire.Timeout, 0, false, 0},
		{"dripping headers", drip("HTTP/1.1 200 OK\r\n", "A: b\r\n"), short, wire.Timeout, 0, false, 0},
		{"dripping trailers", drip("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", "A: b\r\n"), short, wire.Timeout, 200, true, 0},
		{"no answer", func(_ *raw, c net.Conn, br *bufio.Reader) { _, _ = io.Copy(io.Discard, br) }, short, wire.Timeout, 0, false, 0},
		{"closed at once", func(*raw, net.Conn, *bufio.Reader) {}, nil, wire.Closed, 0, false, 0},
		{"closed instead of an answer", answers(""), nil, wire.Closed, 0, false, 0},
		{"closed in the status line", answers("HTTP/1.1 2"), nil, wire.Closed, 0, false, 0},
		{"closed in the head", answers("HTTP/1.1 200 OK\r\nA: b\r\n"), nil, wire.Closed, 0, false, 0},
		{"closed in the body", answers("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"), nil, wire.Closed, 200, true, 4},
		{"closed in a chunk", answers("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhalf"), nil, wire.Closed, 200, true, 4},
		{"closed between chunks", answers("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n"), nil, wire.Closed, 200, true, 4},
		{"closed in the trailers", answers("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n0\r\n"), nil, wire.Closed, 200, true, 4},
		{"reset in the body", func(_ *raw, c net.Conn, br *bufio.Reader) {
			_, _ = readHead(br)
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n")
			time.Sleep(20 * time.Millisecond)
			_ = c.(*net.TCPConn).SetLinger(0)
		}, nil, wire.Closed, 200, true, 0},
		{"two Content-Length that differ", answers("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc"), nil, wire.Malformed, 0, false, 0},
		{"a negative Content-Length", answers("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n"), nil, wire.Malformed, 0, false, 0},
		{"a signed Content-Length", answers("HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\nok"), nil, wire.Malformed, 0, false, 0},
		{"a Content-Length of words", answers("HTTP/1.1 200 OK\r\nContent-Length: all\r\n\r\n"), nil, wire.Malformed, 0, false, 0},
		{"an overflowing Content-Length", answers("HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n"), nil, wire.Malformed, 0, false, 0},
		{"a chunk size of words", answers("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"), nil, wire.Malformed, 200, true, 0},
		{"an overflowing chunk size", answers("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n"), nil, wire.Malformed, 200, true, 0},
		{"12 MB in one header", flood("HTTP/1.1 200 OK\r\nX-A: ", k64), nil, wire.TooLarge, 0, false, 0},
		{"12 MB in many headers", flood("HTTP/1.1 200 OK\r\n", strings.Repeat("X-A: b\r\n", 1000)), nil, wire.TooLarge, 0, false, 0},
		{"12 MB of a status line", flood("HTTP/1.1 200 ", k64), nil, wire.TooLarge, 0, false, 0},
		{"12 MB of trailers", flood("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", strings.Repeat("X-A: b\r\n", 1000)), nil, wire.TooLarge, 200, true, 0},
		{"more 1xx than are read", answers(strings.Repeat("HTTP/1.1 103 Early Hints\r\n\r\n", 16) + ok), nil, wire.TooLarge, 0, false, 0},
		{"as many 1xx as are read", answers(strings.Repeat("HTTP/1.1 103 Early Hints\r\n\r\n", 15) + ok), nil, "", 200, false, 2},
		{"an endless flood of 1xx", flood("", "HTTP/1.1 103 Early Hints\r\n\r\n"), nil, wire.TooLarge, 0, false, 0},
		{"a banner", answers("SSH-2.0-OpenSSH_9.2\r\n"), nil, wire.Malformed, 0, false, 0},
		{"a banner without a line break", answers("hello"), nil, wire.Malformed, 0, false, 0},
		{"HTML without a head", answers("<html>\n</html>\n"), nil, wire.Malformed, 0, false, 0},
		{"HTTP/3.0", answers("HTTP/3.0 200 OK\r\n\r\n"), nil, wire.Malformed, 0, false, 0},
		{"a status of two digits", answers("HTTP/1.1 20 OK\r\n\r\n"), nil, wire.Malformed, 0, false, 0},
		{"a status of words", answers("HTTP/1.1 abc OK\r\n\r\n"), nil, wire.Malformed, 0, false, 0},
		{"a header without a colon", answers("HTTP/1.1 200 OK\r\nhello\r\n\r\n"), nil, wire.Malformed, 0, false, 0},
		{"TLS on the port of http", answers("\x15\x03\x01\x00\x02\x02\x46"), nil, wire.Malformed, 0, false, 0},
		{"http on the port of TLS", func(_ *raw, c net.Conn, br *bufio.Reader) {
			_, _ = br.ReadByte()
			_, _ = io.WriteString(c, "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")
		}, func(r *wire.Request) { r.Scheme, r.SNI = "https", certName }, wire.Handshake, 0, false, 0},
		{"a handshake that hangs", func(_ *raw, c net.Conn, br *bufio.Reader) { _, _ = io.Copy(io.Discard, br) }, func(r *wire.Request) {
			r.Scheme, r.SNI, r.Timeout = "https", certName, 150*time.Millisecond
		}, wire.Timeout, 0, false, 0},
		{"http2 without TLS", answers(ok), func(r *wire.Request) { r.Proto = wire.HTTP2 }, wire.NoHTTP2, 0, false, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s := listen(t, "127.0.0.1:0", nil, tc.serve)
			c := newClient(t)
			r := get(s)
			if tc.change != nil {
				tc.change(&r)
			}
			begin := time.Now()
			resp := c.Do(t.Context(), r)
			if took := time.Since(begin); took > 5*time.Second {
				t.Errorf("it took %v", took)
			}
			if resp.Failure != tc.want || (resp.Err == nil) != (tc.want == "") {
				t.Errorf("failure %q (%v), want %q", resp.Failure, resp.Err, tc.want)
			}
			if resp.Status != tc.status || resp.Truncated != tc.truncated || resp.Size != tc.size {
				t.Errorf("status %d, truncated %v, size %d; want %d, %v, %d", resp.Status, resp.Truncated, resp.Size, tc.status, tc.truncated, tc.size)
			}
			if resp.Whole() == (tc.want != "" || tc.truncated) {
				t.Errorf("Whole is %v", resp.Whole())
			}
			x, err := c.Recorder.Get(resp.ID)
			if err != nil || (x.Error == "") != (tc.want == "") || x.Status != tc.status || x.BodyTruncated != tc.truncated {
				t.Errorf("recorded %+v (%v)", x, err)
			}
			if tc.truncated && x.BodySHA256 != nil {
				t.Error("a truncated body has a hash")
			}
		})
	}
}

// TestNotReached is for peers that are not there, and for our own end.
func TestNotReached(t *testing.T) {
	t.Run("refused", func(t *testing.T) {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		addr := ln.Addr().(*net.TCPAddr).AddrPort()
		_ = ln.Close()
		for _, proto := range []wire.Proto{wire.HTTP11, wire.HTTP2} {
			if resp := newClient(t).Do(t.Context(), webGet(addr, proto)); resp.Failure != wire.Refused {
				t.Errorf("%s: failure %q (%v), want %q", proto, resp.Failure, resp.Err, wire.Refused)
			}
		}
	})
	t.Run("canceled before", func(t *testing.T) {
		addr := web(t, func(http.ResponseWriter, *http.Request) { t.Error("asked all the same") })
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		for _, proto := range []wire.Proto{wire.HTTP11, wire.HTTP2} {
			if resp := newClient(t).Do(ctx, webGet(addr, proto)); resp.Failure != wire.Canceled {
				t.Errorf("%s: failure %q (%v), want %q", proto, resp.Failure, resp.Err, wire.Canceled)
			}
		}
	})
	for _, body := range []string{"", "half a body"} {
		for _, proto := range []wire.Proto{wire.HTTP11, wire.HTTP2} {
			t.Run("canceled under way "+string(proto)+" "+body, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				addr := web(t, func(w http.ResponseWriter, r *http.Request) {
					if body != "" {
						_, _ = io.WriteString(w, body)
						_ = http.NewResponseController(w).Flush()
					}
					time.AfterFunc(30*time.Millisecond, cancel)
					<-r.Context().Done()
				})
				if resp := newClient(t).Do(ctx, webGet(addr, proto)); resp.Failure != wire.Canceled {
					t.Errorf("failure %q (%v), want %q", resp.Failure, resp.Err, wire.Canceled)
				}
			})
		}
	}
	t.Run("HTTP/2 not offered", func(t *testing.T) {
		for name, protos := range map[string][]string{"another": {"http/1.1"}, "none": nil} {
			s := listen(t, "127.0.0.1:0", &tls.Config{NextProtos: protos}, answers(ok))
			c := newClient(t)
			r := webGet(s.addr, wire.HTTP2)
			for range 2 {
				if resp := c.Do(t.Context(), r); resp.Failure != wire.NoHTTP2 {
					t.Errorf("%s: failure %q (%v), want %q", name, resp.Failure, resp.Err, wire.NoHTTP2)
				}
			}
			if c.Offers2(t.Context(), r) {
				t.Errorf("%s: HTTP/2 is said to be offered", name)
			}
			if conns, _ := s.count(); conns != 1 {
				t.Errorf("%s: asked %d times, want once", name, conns)
			}
		}
	})
}

// TestTransient: only what may well go away is worth asking again.
func TestTransient(t *testing.T) {
	for f, want := range map[wire.Failure]bool{
		"": false, wire.Refused: false, wire.NoRoute: false, wire.Timeout: true, wire.Handshake: false, wire.ClientCert: false, wire.Stale: true,
		wire.Closed: true, wire.Malformed: false, wire.TooLarge: false, wire.NoHTTP2: false, wire.Unsendable: false, wire.Canceled: false, wire.Other: true,
	} {
		if f.Transient() != want {
			t.Errorf("%q: transient is %v, want %v", f, !want, want)
		}
	}
}
