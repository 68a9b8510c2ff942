// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/regproof/regproof/evidence"
)

// Client makes exchanges and records them. Trust and Timeout must not change
// once it is in use. It is safe for concurrent use.
type Client struct {
	Recorder *evidence.Recorder
	Trust    Trust
	Timeout  time.Duration // for one exchange; 0 is 30 s
	Sent     func(Request) // called before each request is sent; may be nil

	pool  pool
	local atomic.Pointer[string]
}

// Local is the local address of the first connection that was answered, ""
// before: where the registry saw us come from, as far as we know.
func (c *Client) Local() string {
	if a := c.local.Load(); a != nil {
		host, _, _ := net.SplitHostPort(*a)
		return host
	}
	return ""
}

func ptr[T any](v T) *T { return &v }

// Warm opens n connections of HTTP/1.1 to where r would go and keeps them, so
// that a batch need not wait for handshakes. Failures show when r is sent.
func (c *Client) Warm(ctx context.Context, r Request, n int) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	r.Proto = HTTP11
	at := r.place()
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() {
			if cn, _, err := c.dial(ctx, at, 0); err == nil {
				c.pool.give(at, cn)
			}
		})
	}
	wg.Wait()
}

// Offers2 says whether the server speaks HTTP/2 where r would go. The
// connection is kept for requests to come.
func (c *Client) Offers2(ctx context.Context, r Request) bool {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	r.Proto = HTTP2
	_, _, err := c.conn2(ctx, r)
	return err == nil
}

// Close closes every kept connection.
func (c *Client) Close() { c.pool.close() }

// Do puts r on the wire once and records what came of it. It never returns an
// error: what fails is an observation (Response.Failure).
func (c *Client) Do(ctx context.Context, r Request) Response {
	if r.Proto == "" {
		r.Proto = HTTP11
	}
	if r.Proto == HTTP2 {
		return c.record(ctx, r, c.roundTrip2)
	}
	return c.record(ctx, r, c.roundTrip1)
}

// record makes an exchange within its time, and records it.
func (c *Client) record(ctx context.Context, r Request, exchange func(context.Context, Request, *Response) error) Response {
	if r.Limit == 0 {
		r.Limit = DefaultLimit
	}
	r.Fresh = r.Fresh || r.Session != nil
	timeout := r.Timeout
	if timeout == 0 {
		timeout = c.Timeout
	}
	if timeout == 0 {
		timeout = 30 * time.Second
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	if c.Sent != nil {
		c.Sent(r)
	}
	out := Response{Request: r, Proto: r.Proto}
	begin := time.Now()
	out.Err = exchange(ctx, r, &out)
	out.Took = time.Since(begin)
	if out.Failure == "" {
		out.Failure = classify(ctx, out.Err, out.Reused, out.Status != 0)
	}
	out.ID = c.Recorder.Record(out.exchange(begin))
	return out
}

// roundTrip1 makes one exchange over HTTP/1.
func (c *Client) roundTrip1(ctx context.Context, r Request, out *Response) error {
	at := r.place()
	var cn *conn
	if !r.Fresh {
		cn = c.pool.take(at)
	}
	if cn == nil {
		var err error
		if cn, out.TLS, err = c.dial(ctx, at, r.Connect); err != nil {
			return err
		}
	}
	keep, err := c.exchange1(ctx, cn, r, out)
	if keep {
		_ = cn.net.SetDeadline(time.Time{})
		c.pool.give(at, cn)
	} else {
		cn.close()
	}
	return err
}

// exchange1 makes one exchange on a connection, and says whether that is good
// for another.
func (c *Client) exchange1(ctx context.Context, cn *conn, r Request, out *Response) (keep bool, err error) {
	out.TLS, out.Reused = cn.tls, cn.used.Load()
	if d, ok := ctx.Deadline(); ok {
		_ = cn.net.SetDeadline(d)
	}
	stop := context.AfterFunc(ctx, func() { _ = cn.net.SetDeadline(time.Unix(1, 0)) })
	defer stop()

	if _, err := cn.net.Write(encode(r)); err != nil {
		// A server may answer, or say that it wants a certificate, and close
		// before it has read the request.
		if _, peek := cn.br.Peek(1); peek != nil {
			return false, fmt.Errorf("%w, then %w", err, peek)
		}
		if cn.used.Load() {
			return false, err
		}
	}
	a, err := decode(cn.br, r.Method)
	if err != nil {
		return false, err
	}
	if a.status == 408 && cn.used.Load() {
		return false, fmt.Errorf("408 for a connection that was idle: %w", io.EOF)
	}
	c.local.CompareAndSwap(nil, ptr(cn.net.LocalAddr().String()))
	out.Status, out.Proto, out.Header = a.status, a.proto, a.header
	if err := out.readBody(a.body); err != nil {
		return false, err
	}
	return !r.Fresh && !out.Truncated && a.keep() && stop(), nil
}

// over makes the exchange that a handshake was made for.
func (c *Client) over(ctx context.Context, nc net.Conn, s *Shaken) *Response {
	r := *s.Hello.Then
	r.Scheme, r.SNI, r.Address, r.Proto, r.Fresh = "https", s.Hello.SNI, s.Hello.Address, HTTP11, true
	return ptr(c.record(ctx, r, func(ctx context.Context, r Request, out *Response) error {
		_, err := c.exchange1(ctx, &conn{net: nc, tls: s.tls(), br: bufio.NewReader(nc)}, r, out)
		return err
	}))
}

// readBody hashes the body and keeps the part that was asked for.
func (out *Response) readBody(body io.Reader) error {
	r := out.Request
	keep := r.Keep
	if keep == 0 {
		keep = r.Limit
	}
	h := sha256.New()
	kept := &window{from: r.KeepFrom, left: keep}
	buf := buffers.Get().(*[]byte)
	n, err := io.CopyBuffer(io.MultiWriter(h, kept), io.LimitReader(body, r.Limit), *buf)
	buffers.Put(buf)
	out.Body, out.Size = kept.b, n
	out.SHA256 = hex.EncodeToString(h.Sum(nil))
	if err != nil {
		out.Truncated = true
		return err
	}
	if n == r.Limit {
		var one [1]byte
		if m, err := io.ReadFull(body, one[:]); m > 0 || !errors.Is(err, io.EOF) {
			out.Truncated = true
		}
	}
	return nil
}

// buffers are what bodies are read through.
var buffers = sync.Pool{New: func() any { b := make([]byte, 32<<10); return &b }}

// window keeps the bytes from one offset on, and drops the rest.
type window struct {
	from, left int64
	b          []byte
}

func (w *window) Write(p []byte) (int, error) {
	n := len(p)
	if skip := min(w.from, int64(len(p))); skip > 0 {
		p = p[skip:]
		w.from -= skip
	}
	if k := min(w.left, int64(len(p))); k > 0 {
		w.b = append(w.b, p[:k]...)
		w.left -= k
	}
	return n, nil
}

func (out *Response) exchange(at time.Time) evidence.Exchange {
	r := out.Request
	x := evidence.Exchange{
		At: at.UTC(), TookMs: float64(out.Took.Microseconds()) / 1000,
		Identity: r.Identity, Method: r.Method, Target: r.Target, Host: r.Host, Address: r.Address.String(),
		Protocol: string(out.Proto), TLS: out.TLS, RequestHeaders: r.Header,
		Status: out.Status, ResponseHeaders: out.Header,
		BodySize: out.Size, BodyTruncated: out.Truncated, Made: r.Made,
	}
	if out.Proto != r.Proto {
		x.Sent = string(r.Proto)
	}
	if r.Scheme == "https" {
		x.SNI = r.SNI
	}
	if out.Status != 0 && !out.Truncated && !r.Sensitive {
		x.BodySHA256 = &out.SHA256
	}
	if out.Status >= 400 && !r.Sensitive && r.KeepFrom == 0 {
		x.ErrorBody = string(out.Body[:min(len(out.Body), 512)])
	}
	switch {
	case out.Err != nil && r.Sensitive: // an error may quote the answer
		x.Error = string(out.Failure)
	case out.Err != nil:
		x.Error = string(out.Failure) + ": " + out.Err.Error()
	}
	return x
}

// Shared records that the answer of one exchange was used again for the same
// bytes instead of asking twice, and returns the id of that record.
func (c *Client) Shared(r Response) string {
	x := r.exchange(time.Now())
	x.TookMs, x.Of = 0, r.ID
	return c.Recorder.Record(x)
}
