// SPDX-License-Identifier: Apache-2.0

package wire_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/regproof/regproof/wire"
)

// TestFailures2 has hostile peers that speak HTTP/2.
func TestFailures2(t *testing.T) {
	flush := func(w http.ResponseWriter) { _ = http.NewResponseController(w).Flush() }
	for _, tc := range []struct {
		name      string
		serve     http.HandlerFunc
		change    func(*wire.Request)
		want      wire.Failure
		status    int
		truncated bool
		size      int64
	}{
		{"endless body", func(w http.ResponseWriter, _ *http.Request) {
			for err := error(nil); err == nil; {
				_, err = w.Write(make([]byte, 64<<10))
			}
		}, func(r *wire.Request) { r.Limit = 1 << 20 }, "", 200, true, 1 << 20},
		{"dripping body", func(w http.ResponseWriter, r *http.Request) {
			flush(w)
			<-r.Context().Done()
		}, func(r *wire.Request) { r.Timeout = 150 * time.Millisecond }, wire.Timeout, 200, true, 0},
		{"no answer", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, func(r *wire.Request) { r.Timeout = 150 * time.Millisecond }, wire.Timeout, 0, false, 0},
		{"12 MB of headers, which net/http calls a protocol error", func(w http.ResponseWriter, _ *http.Request) {
			for i := range 192 {
				w.Header().Set(fmt.Sprint("X-", i), strings.Repeat("a", 64<<10))
			}
		}, nil, wire.Malformed, 0, false, 0},
		{"an endless flood of 1xx", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-A", strings.Repeat("a", 64<<10))
			for range 100 {
				w.WriteHeader(103)
			}
		}, nil, wire.TooLarge, 0, false, 0},
		{"a reset stream", func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "half")
			flush(w)
			panic(http.ErrAbortHandler)
		}, nil, wire.Closed, 200, true, 4},
		{"HEAD with Content-Length", func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Length", "99") }, func(r *wire.Request) { r.Method = "HEAD" }, "", 200, false, 0},
		{"304 with Content-Length", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(304) }, nil, "", 304, false, 0},
		{"more headers than the server takes", func(http.ResponseWriter, *http.Request) { t.Error("asked all the same") }, func(r *wire.Request) {
			r.Header = [][2]string{{"X-A", strings.Repeat("a", 2<<20)}}
		}, wire.Unsendable, 0, false, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			addr := web(t, tc.serve)
			c := newClient(t)
			if tc.want == wire.Unsendable { // the limit comes with the settings
				c.Do(t.Context(), webGet(web(t, func(http.ResponseWriter, *http.Request) {}), wire.HTTP2))
				c.Offers2(t.Context(), webGet(addr, wire.HTTP2))
				time.Sleep(50 * time.Millisecond)
			}
			r := webGet(addr, wire.HTTP2)
			if tc.change != nil {
				tc.change(&r)
			}
			resp := c.Do(t.Context(), r)
			if resp.Failure != tc.want || resp.Status != tc.status || resp.Truncated != tc.truncated || resp.Size != tc.size {
				t.Errorf("failure %q, status %d, truncated %v, size %d (%v); want %q, %d, %v, %d", resp.Failure, resp.Status, resp.Truncated, resp.Size, resp.Err, tc.want, tc.status, tc.truncated, tc.size)
			}
		})
	}
}

// TestConcurrent has many ask over one client at once: each gets the answer to
// what it asked.
func TestConcurrent(t *testing.T) {
	for _, proto := range []wire.Proto{wire.HTTP11, wire.HTTP2} {
		for _, streams := range []int{0, 3} {
			t.Run(fmt.Sprint(proto, " ", streams), func(t *testing.T) {
				var open atomic.Int32
				s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					body, _ := io.ReadAll(r.Body)
					_, _ = io.WriteString(w, r.RequestURI+" "+string(body)+r.Header.Get("X-N"))
				}))
				s.EnableHTTP2 = true
				s.Config.HTTP2 = &http.HTTP2Config{MaxConcurrentStreams: streams}
				s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
					if state == http.StateNew {
						open.Add(1)
					}
				}
				s.StartTLS()
				t.Cleanup(s.Close)
				addr := s.Listener.Addr().(*net.TCPAddr).AddrPort()

				c := newClient(t)
				if proto == wire.HTTP2 { // what the server takes at once is known with its settings
					c.Do(t.Context(), webGet(addr, proto))
				}
				before := c.Recorder.Sent()
				var wg sync.WaitGroup
				for i := range 50 {
					wg.Go(func() {
						for j := range 4 {
							r := webGet(addr, proto)
							n := fmt.Sprint(i, "-", j)
							r.Target, r.Header = "/v2/"+n, [][2]string{{"X-N", n}}
							if j%2 == 1 {
								r.Method, r.Body = "PUT", []byte(n)
							}
							want := r.Target + " " + string(r.Body) + n
							resp := c.Do(t.Context(), r)
							if diff := cmp.Diff(want, string(resp.Body)); diff != "" || resp.Failure != "" {
								t.Errorf("%s: failure %q (%v): %s", n, resp.Failure, resp.Err, diff)
							}
							x, err := c.Recorder.Get(resp.ID)
							if err != nil || x.Target != r.Target || x.Status != 200 {
								t.Errorf("%s: recorded %+v (%v)", n, x, err)
							}
						}
					})
				}
				wg.Wait()
				if got := c.Recorder.Sent() - before; got != 200 {
					t.Errorf("%d exchanges, want 200", got)
				}
				if n := open.Load(); n > 50 || proto == wire.HTTP2 && n != 1 {
					t.Errorf("%d connections", n)
				}
			})
		}
	}
}
