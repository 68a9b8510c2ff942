// SPDX-License-Identifier: Apache-2.0

package wire_test

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/regproof/regproof/wire"
)

// frames notes the header fields and the body of every stream, as they came in
// frames, and answers 200 to each.
type frames struct {
	mu     sync.Mutex
	fields [][]string
	bodies []string
}

func (f *frames) all() [][]string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.fields)
}

func (f *frames) handle(_ *raw, c net.Conn, br *bufio.Reader) {
	if _, err := io.CopyN(io.Discard, br, int64(len(http2.ClientPreface))); err != nil {
		return
	}
	fr := http2.NewFramer(c, br)
	fr.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	_ = fr.WriteSettings()
	var block bytes.Buffer
	enc := hpack.NewEncoder(&block)
	answer := func(id uint32) {
		block.Reset()
		_ = enc.WriteField(hpack.HeaderField{Name: ":status", Value: "200"})
		_ = fr.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: block.Bytes(), EndHeaders: true, EndStream: true})
	}
	body := ""
	for {
		frame, err := fr.ReadFrame()
		if err != nil {
			return
		}
		switch fm := frame.(type) {
		case *http2.SettingsFrame:
			if !fm.IsAck() {
				_ = fr.WriteSettingsAck()
			}
		case *http2.MetaHeadersFrame:
			var fields []string
			for _, h := range fm.Fields {
				fields = append(fields, h.Name+"="+h.Value)
			}
			f.mu.Lock()
			f.fields = append(f.fields, fields)
			f.mu.Unlock()
			if fm.StreamEnded() {
				answer(fm.StreamID)
			}
		case *http2.DataFrame:
			body += string(fm.Data())
			if fm.StreamEnded() {
				f.mu.Lock()
				f.bodies = append(f.bodies, body)
				f.mu.Unlock()
				body = ""
				answer(fm.StreamID)
			}
		}
	}
}

// TestReceivedFieldsAreRequestedFields does for HTTP/2 what
// TestReceivedBytesAreRequestedBytes does for HTTP/1: pseudo-headers and
// headers arrive as requested, and nothing else does. What cannot be sent so
// is not sent at all.
func TestReceivedFieldsAreRequestedFields(t *testing.T) {
	base := []string{":authority=" + certName, ":method=GET", ":path=/v2/", ":scheme=https"}
	with := func(change func(*wire.Request)) wire.Request {
		r := wire.Request{Method: "GET", Scheme: "https", Target: "/v2/", Host: certName, SNI: certName, Proto: wire.HTTP2}
		change(&r)
		return r
	}
	header := func(fields ...string) wire.Request {
		return with(func(r *wire.Request) {
			for _, f := range fields {
				k, v, _ := strings.Cut(f, "=")
				r.Header = append(r.Header, [2]string{k, v})
			}
		})
	}
	replace := func(key, value string) []string {
		out := slices.Clone(base)
		i := slices.IndexFunc(out, func(s string) bool { return strings.HasPrefix(s, key+"=") })
		out[i] = key + "=" + value
		return out
	}
	type test struct {
		name    string
		request wire.Request
		want    []string // nil: it cannot be sent
		body    string
	}
	list := []test{
		{"plain", header(), base, ""},
		{"names in lower case, values as they are", header("X-ZZ= a ", "Authorization=Basic Zm9v"), append(slices.Clone(base), "authorization=Basic Zm9v", "x-zz= a "), ""},
		{"duplicates in order", header("Accept=b", "x-a=1", "accept=a", "ACCEPT=c"), append(slices.Clone(base), "accept=b", "accept=a", "accept=c", "x-a=1"), ""},
		{"empty values", header("Authorization=", "X-Empty="), append(slices.Clone(base), "authorization=", "x-empty="), ""},
		{"underscore", header("x_under=1"), append(slices.Clone(base), "x_under=1"), ""},
		{"User-Agent", header("User-Agent=docker/28"), append(slices.Clone(base), "user-agent=docker/28"), ""},
		{"Accept-Encoding", header("Accept-Encoding=identity"), append(slices.Clone(base), "accept-encoding=identity"), ""},
		{"Range", header("Range=bytes=5-9"), append(slices.Clone(base), "range=bytes=5-9"), ""},
		{"body", with(func(r *wire.Request) { r.Method, r.Body = "PUT", []byte("a\x00b") }), append(replace(":method", "PUT"), "content-length=3"), "a\x00b"},
		{"POST without body", with(func(r *wire.Request) { r.Method = "POST" }), append(replace(":method", "POST"), "content-length=0"), ""},
		{"its own right Content-Length", with(func(r *wire.Request) {
			r.Method, r.Body, r.Header = "PUT", []byte("abc"), [][2]string{{"Content-Length", "3"}}
		}), append(replace(":method", "PUT"), "content-length=3"), "abc"},

		// what net/http would drop, change, or add to
		{"a wrong Content-Length", with(func(r *wire.Request) {
			r.Method, r.Body, r.Header = "PUT", []byte("abc"), [][2]string{{"Content-Length", "2"}}
		}), nil, ""},
		{"a Host field", header("Host=other.example"), nil, ""},
		{"Connection", header("Connection=close"), nil, ""},
		{"Connection: X-Forwarded-For", header("Connection=X-Forwarded-For"), nil, ""},
		{"Keep-Alive", header("Keep-Alive=5"), nil, ""},
		{"Proxy-Connection", header("Proxy-Connection=close"), nil, ""},
		{"Transfer-Encoding", header("Transfer-Encoding=chunked"), nil, ""},
		{"Upgrade", header("Connection=Upgrade", "Upgrade=websocket"), nil, ""},
		{"two User-Agents", header("User-Agent=a", "user-agent=b"), nil, ""},
		{"an empty User-Agent", header("User-Agent="), nil, ""},
		{"a header name with a space", header("X A=1"), nil, ""},
		{"a header name of nothing", header("=1"), nil, ""},
		{"a pseudo-header", header(":protocol=websocket"), nil, ""},
		{"a header value with a line break", header("X-A=1\r\nX-B: 2"), nil, ""},
		{"a method with a space", with(func(r *wire.Request) { r.Method = "GE T" }), nil, ""},
		{"no method", with(func(r *wire.Request) { r.Method = "" }), nil, ""},
		{"CONNECT, which has no path", with(func(r *wire.Request) { r.Method = "CONNECT" }), nil, ""},
	}
	for _, m := range []string{"HEAD", "OPTIONS", "TRACE", "PROPFIND", "get", "X"} {
		list = append(list, test{"method " + m, with(func(r *wire.Request) { r.Method = m }), replace(":method", m), ""})
	}
	for _, host := range []string{certName + ":5000", certName + ".", "other.example", "EXAMPLE.com", "[::1]:5000", "127.0.0.1"} {
		list = append(list, test{":authority " + host, with(func(r *wire.Request) { r.Host = host }), replace(":authority", host), ""})
	}
	for _, host := range []string{"", "a b", "bücher.example", "a/b", "user@registry.example", "a\x00", "a\"b"} {
		list = append(list, test{fmt.Sprintf(":authority %q", host), with(func(r *wire.Request) { r.Host = host }), nil, ""})
	}
	for _, target := range targets {
		if target == "/v2/\x01\x7f" {
			continue // sent, but the Framer here refuses to read it
		}
		tc := test{fmt.Sprintf("target %q", target), with(func(r *wire.Request) { r.Target = target }), replace(":path", target), ""}
		if unsendable2[target] {
			tc.want = nil
		}
		list = append(list, tc)
	}

	for _, tc := range list {
		t.Run(clip(tc.name), func(t *testing.T) {
			f := &frames{}
			s := listen(t, "127.0.0.1:0", &tls.Config{NextProtos: []string{"h2"}}, f.handle)
			c := newClient(t)
			tc.request.Address = s.addr
			resp := c.Do(t.Context(), tc.request)
			if tc.want == nil {
				if resp.Failure != wire.Unsendable || resp.Err == nil {
					t.Errorf("failure %q (%v), want %q", resp.Failure, resp.Err, wire.Unsendable)
				}
				if got := f.all(); len(got) > 0 {
					t.Errorf("sent all the same: %q", got)
				}
				if conns, _ := s.count(); conns > 0 {
					t.Error("dialled for what cannot be sent")
				}
				return
			}
			if resp.Failure != "" || resp.Status != 200 {
				t.Fatalf("status %d, failure %q: %v", resp.Status, resp.Failure, resp.Err)
			}
			got := f.all()
			if len(got) != 1 {
				t.Fatalf("%d requests on the wire, want 1", len(got))
			}
			byName := func(a, b string) int {
				ka, _, _ := strings.Cut(a[1:], "=")
				kb, _, _ := strings.Cut(b[1:], "=")
				return strings.Compare(a[:1]+ka, b[:1]+kb)
			}
			slices.SortStableFunc(got[0], byName) // fields of one name keep their order
			slices.SortStableFunc(tc.want, byName)
			if diff := cmp.Diff(tc.want, got[0]); diff != "" {
				t.Errorf("received fields differ (-requested +received):\n%s", diff)
			}
			if tc.body != "" {
				if diff := cmp.Diff([]string{tc.body}, f.bodies); diff != "" {
					t.Errorf("body (-want +got):\n%s", diff)
				}
			}
		})
	}
}

// unsendable2 are the targets that net/http cannot put in :path unchanged.
var unsendable2 = map[string]bool{
	"//v2/a#b": true, "//v2/%zz": true, "//v2/a\"b|c": true, "/v2/\x00": true, "/v2/a b": true,
	"http://other/v2/": true, "https://other.example:1/v2/?a=b": true, "*": true, "v2/": true, "?": true, "other:443": true,
}

// eventually waits for what another goroutine is about to do.
func eventually(t *testing.T, ok func() bool) {
	t.Helper()
	for range 400 {
		if ok() {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatal("waited in vain")
}
