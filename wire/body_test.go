// SPDX-License-Identifier: Apache-2.0

package wire_test

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/regproof/regproof/wire"
)

const letters = "abcdefghijklmnopqrstuvwxyz"

// TestFraming says where a body ends, and whether the connection is kept.
func TestFraming(t *testing.T) {
	for _, tc := range []struct {
		name, method, answer string
		status               int
		body                 string
		kept                 bool
	}{
		{"Content-Length", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", 200, "hello", true},
		{"a Content-Length that is too short", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhelloHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil", 200, "hello", false},
		{"two equal Content-Length", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\ncontent-length: 5\r\n\r\nhello", 200, "hello", true},
		{"Connection: close", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: keep-alive, Close\r\n\r\nhello", 200, "hello", false},
		{"HTTP/1.0", "GET", "HTTP/1.0 200 OK\r\nContent-Length: 5\r\nConnection: keep-alive\r\n\r\nhello", 200, "hello", false},
		{"bare line feeds", "GET", "HTTP/1.1 200 OK\nContent-Length: 5\n\nhello", 200, "hello", true},
		{"no reason", "GET", "HTTP/1.1 200\r\nContent-Length: 5\r\n\r\nhello", 200, "hello", true},
		{"chunks", "GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;a=b\r\nllo\r\n0\r\n\r\n", 200, "hello", true},
		{"chunks and trailers", "GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\nTrailer: A\r\n\r\n5\r\nhello\r\n0\r\nA: b\r\nC: d\r\n\r\n", 200, "hello", true},
		{"chunks and Content-Length", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", 200, "hello", false},
		{"HEAD with Content-Length", "HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", 200, "", true},
		{"HEAD with chunks", "HEAD", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", 200, "", true},
		{"HEAD answered with a body", "HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", 200, "", false},
		{"204", "GET", "HTTP/1.1 204 No Content\r\n\r\n", 204, "", true},
		{"304 with Content-Length", "GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", 304, "", true},
		{"101", "GET", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n", 101, "", false},
		{"1xx before", "GET", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 404 Not Found\r\nContent-Length: 5\r\n\r\nhello", 404, "hello", true},
		{"no body", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 200, "", true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := listen(t, "127.0.0.1:0", nil, answers(tc.answer, ok, ok))
			c := newClient(t)
			r := get(s)
			r.Method = tc.method
			resp := c.Do(t.Context(), r)
			if resp.Failure != "" || resp.Status != tc.status || string(resp.Body) != tc.body || resp.Truncated || resp.Size != int64(len(tc.body)) {
				t.Errorf("status %d, body %q, size %d, truncated %v, failure %q: %v", resp.Status, resp.Body, resp.Size, resp.Truncated, resp.Failure, resp.Err)
			}
			sum := sha256.Sum256([]byte(tc.body))
			if resp.SHA256 != hex.EncodeToString(sum[:]) {
				t.Errorf("hash %s", resp.SHA256)
			}
			next := c.Do(t.Context(), get(s))
			if tc.status == 101 {
				return // what follows on that connection is not HTTP
			}
			if next.Reused != tc.kept || tc.kept && string(next.Body) != "ok" {
				t.Errorf("kept %v, want %v; the next answer is %q", next.Reused, tc.kept, next.Body)
			}
		})
	}
	t.Run("until the end", func(t *testing.T) {
		s := listen(t, "127.0.0.1:0", nil, answers("HTTP/1.1 200 OK\r\n\r\nhello"))
		resp := newClient(t).Do(t.Context(), get(s))
		if resp.Failure != "" || string(resp.Body) != "hello" || !resp.Whole() {
			t.Errorf("body %q, failure %q: %v", resp.Body, resp.Failure, resp.Err)
		}
	})
	t.Run("an answer before the request was read", func(t *testing.T) {
		s := listen(t, "127.0.0.1:0", nil, answers("HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"))
		r := get(s)
		r.Method, r.Body = "PUT", make([]byte, 8<<20)
		resp := newClient(t).Do(t.Context(), r)
		if resp.Status != 413 {
			t.Errorf("status %d, failure %q: %v", resp.Status, resp.Failure, resp.Err)
		}
	})
}

// TestAnswerHeader: fields are kept in order, with their case and duplicates.
func TestAnswerHeader(t *testing.T) {
	s := listen(t, "127.0.0.1:0", nil, answers("HTTP/1.1 200 OK\r\nB:1\r\na:  two \t\r\nb: 3\r\nEmpty:\r\nContent-Length: 0\r\n\r\n"))
	resp := newClient(t).Do(t.Context(), get(s))
	if diff := cmp.Diff(wire.Header{{"B", "1"}, {"a", "two"}, {"b", "3"}, {"Empty", ""}, {"Content-Length", "0"}}, resp.Header); diff != "" {
		t.Errorf("header (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"1", "3"}, resp.Header.Values("B")); diff != "" {
		t.Errorf("values (-want +got):\n%s", diff)
	}
	if resp.Header.Get("EMPTY") != "" || !resp.Header.Has("empty") || resp.Header.Has("none") || resp.Header.Get("B") != "1" {
		t.Error("Get or Has are wrong")
	}
}

// TestWindow: Limit bounds what is read, KeepFrom and Keep what stays; size
// and hash are of what was read.
func TestWindow(t *testing.T) {
	addr := web(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, letters) })
	for _, tc := range []struct {
		name              string
		limit, from, keep int64
		body              string
		size              int64
		truncated         bool
	}{
		{"all", 0, 0, 0, letters, 26, false},
		{"the first bytes", 0, 0, 3, "abc", 26, false},
		{"bytes in between", 0, 10, 3, "klm", 26, false},
		{"bytes soon after the start", 0, 2, 3, "cde", 26, false},
		{"from one on", 0, 23, 0, "xyz", 26, false},
		{"beyond the end", 0, 24, 10, "yz", 26, false},
		{"after the end", 0, 30, 10, "", 26, false},
		{"a limit below", 10, 0, 0, letters[:10], 10, true},
		{"a limit of one less", 25, 0, 0, letters[:25], 25, true},
		{"a limit that fits", 26, 0, 0, letters, 26, false},
		{"a limit above", 27, 0, 0, letters, 26, false},
		{"a window across the limit", 10, 8, 5, "ij", 10, true},
	} {
		for _, proto := range []wire.Proto{wire.HTTP11, wire.HTTP2} {
			t.Run(tc.name+" "+string(proto), func(t *testing.T) {
				c := newClient(t)
				r := webGet(addr, proto)
				r.Limit, r.KeepFrom, r.Keep = tc.limit, tc.from, tc.keep
				for range 2 { // a connection that was cut off must not spoil the next
					resp := c.Do(t.Context(), r)
					sum := sha256.Sum256([]byte(letters[:tc.size]))
					if resp.Failure != "" || string(resp.Body) != tc.body || resp.Size != tc.size || resp.Truncated != tc.truncated || resp.SHA256 != hex.EncodeToString(sum[:]) {
						t.Errorf("body %q, size %d, truncated %v, failure %q: %v", resp.Body, resp.Size, resp.Truncated, resp.Failure, resp.Err)
					}
					x, err := c.Recorder.Get(resp.ID)
					if err != nil || x.BodySize != tc.size || x.BodyTruncated != tc.truncated || (x.BodySHA256 == nil) != tc.truncated {
						t.Errorf("recorded %+v (%v)", x, err)
					}
				}
			})
		}
	}
}

// TestNotDecompressed: the bytes are those of the wire, and no coding is asked
// for that the caller did not name.
func TestNotDecompressed(t *testing.T) {
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	_, _ = io.WriteString(z, letters)
	_ = z.Close()
	for _, proto := range []wire.Proto{wire.HTTP11, wire.HTTP2} {
		t.Run(string(proto), func(t *testing.T) {
			var asked []string
			addr := web(t, func(w http.ResponseWriter, r *http.Request) {
				asked = r.Header["Accept-Encoding"]
				w.Header().Set("Content-Encoding", "gzip")
				_, _ = w.Write(zipped.Bytes())
			})
			resp := newClient(t).Do(t.Context(), webGet(addr, proto))
			if !bytes.Equal(resp.Body, zipped.Bytes()) || resp.Header.Get("Content-Encoding") != "gzip" {
				t.Errorf("body %q, header %v: %v", resp.Body, resp.Header, resp.Err)
			}
			if asked != nil {
				t.Errorf("asked for %q by itself", asked)
			}
		})
	}
}

// TestSensitive: the answer of a token service leaves no trace, whatever it is.
func TestSensitive(t *testing.T) {
	const secret = "s3cr3t-token"
	sum := sha256.Sum256([]byte(secret))
	for _, tc := range []struct {
		name, answer string
		traced       bool // what an answer that is not sensitive leaves
	}{
		{"200", "HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n" + secret, true},
		{"401 with a body", "HTTP/1.1 401 No\r\nContent-Length: 12\r\n\r\n" + secret, true},
		{"no status line", secret + "\r\n", true},
		{"no line", secret, true},
		{"a header without a colon", "HTTP/1.1 200 OK\r\n" + secret + "\r\n\r\n", true},
		{"a header that is not shown", "HTTP/1.1 200 OK\r\nX-Token: " + secret + "\r\nContent-Length: 0\r\n\r\n", false},
		{"a cookie", "HTTP/1.1 200 OK\r\nSet-Cookie: " + secret + "\r\nContent-Length: 0\r\n\r\n", false},
	} {
		for _, sensitive := range []bool{true, false} {
			t.Run(fmt.Sprint(tc.name, " ", sensitive), func(t *testing.T) {
				s := listen(t, "127.0.0.1:0", nil, answers(tc.answer))
				c := newClient(t)
				r := get(s)
				r.Sensitive = sensitive
				resp := c.Do(t.Context(), r)
				if resp.Status == 200 && resp.Size > 0 && string(resp.Body) != secret {
					t.Errorf("the caller has to get the body: %q", resp.Body)
				}
				c.Shared(resp)
				var all []byte
				for x, err := range c.Recorder.All() {
					b, _ := json.Marshal(x)
					if all = append(all, b...); err != nil {
						t.Fatal(err)
					}
				}
				traced := strings.Contains(string(all), secret) || strings.Contains(string(all), hex.EncodeToString(sum[:]))
				if traced != (tc.traced && !sensitive) {
					t.Errorf("traced: %v in %s", traced, all)
				}
			})
		}
	}
}

// TestRecorded: what is recorded is what was asked and answered.
func TestRecorded(t *testing.T) {
	addr := web(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["X-Secret"] = []string{"hidden"}
		w.WriteHeader(403)
		_, _ = io.WriteString(w, strings.Repeat("\x1b[31m", 200))
	})
	c := newClient(t)
	sent := 0
	c.Sent = func(wire.Request) { sent++ }
	r := webGet(addr, "")
	r.Identity, r.Target = "alice", "/v2/a?n=1&token=hidden"
	r.Header = [][2]string{{"Authorization", "Bearer hidden"}, {"Accept", "a/b"}}
	resp := c.Do(t.Context(), r)
	x, err := c.Recorder.Get(resp.ID)
	if err != nil {
		t.Fatal(err)
	}
	b, _ := json.Marshal(x)
	if strings.Contains(string(b), "hidden\"") || strings.Contains(string(b), "=hidden") || strings.Contains(x.ErrorBody, "\x1b") || len(x.ErrorBody) > 2000 || x.ErrorBody == "" {
		t.Errorf("recorded %s", b)
	}
	if x.Identity != "alice" || x.Method != "GET" || x.Host != certName || x.SNI != certName || x.Address != addr.String() || x.Protocol != "HTTP/1.1" || x.Status != 403 || x.TLS == nil || !x.TLS.Verified || x.TookMs <= 0 || x.BodySize != 1000 {
		t.Errorf("recorded %s", b)
	}
	id := c.Shared(resp)
	if y, err := c.Recorder.Get(id); err != nil || y.Of != resp.ID || y.Status != 403 || c.Recorder.Sent() != 1 || sent != 1 {
		t.Errorf("shared: %+v, %d sent (%v)", y, c.Recorder.Sent(), err)
	}
}
