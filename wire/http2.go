// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/regproof/regproof/evidence"
)

// roundTrip2 makes one exchange over HTTP/2.
func (c *Client) roundTrip2(ctx context.Context, r Request, out *Response) error {
	req, err := request2(ctx, r)
	if err != nil {
		out.Failure = Unsendable
		return err
	}
	cn, seen, err := c.conn2(ctx, r)
	out.TLS = seen
	if err != nil {
		return err
	}
	out.Reused = cn.used.Swap(true)
	resp, err := cn.h2.RoundTrip(req)
	if err != nil {
		if strings.Contains(err.Error(), "response headers exceeded") || strings.Contains(err.Error(), "header list too large") {
			err = fmt.Errorf("%w: %w", errTooLarge, err)
		}
		c.drop2(r.place(), cn)
		return err
	}
	defer resp.Body.Close()
	out.Status, out.Proto = resp.StatusCode, HTTP2
	for name, values := range resp.Header {
		for _, v := range values {
			out.Header = append(out.Header, [2]string{name, v})
		}
	}
	slices.SortStableFunc(out.Header, func(a, b [2]string) int { return strings.Compare(a[0], b[0]) })
	return out.readBody(resp.Body)
}

// request2 makes an http.Request that puts r.Target in :path as it is.
// net/http takes an opaque target as it stands, but would read one that begins
// with two slashes as an authority: that one goes as a path.
func request2(ctx context.Context, r Request) (*http.Request, error) {
	if !strings.HasPrefix(r.Target, "/") || strings.ContainsAny(r.Target, " \x00\r\n") {
		return nil, fmt.Errorf("target %q cannot be a :path", clip(r.Target))
	}
	u := &url.URL{Scheme: r.Scheme, Host: r.Host, Opaque: r.Target}
	if strings.HasPrefix(r.Target, "//") {
		path, query, ok := strings.Cut(r.Target, "?")
		plain, err := url.PathUnescape(path)
		if err != nil {
			return nil, err
		}
		u = &url.URL{Scheme: r.Scheme, Host: r.Host, Path: plain, RawPath: path, RawQuery: query, ForceQuery: ok && query == ""}
	}
	req := &http.Request{Method: r.Method, URL: u, Host: r.Host, Header: http.Header{"User-Agent": {""}}, Proto: "HTTP/2.0", ProtoMajor: 2}
	for _, h := range r.Header {
		name := http.CanonicalHeaderKey(h[0])
		if name == "User-Agent" && len(req.Header[name]) == 1 && req.Header[name][0] == "" {
			req.Header[name] = nil // the empty one only keeps net/http from adding its own
		}
		req.Header[name] = append(req.Header[name], h[1])
	}
	if len(r.Body) > 0 {
		req.Body, req.ContentLength = http.NoBody, 0
		body := strings.NewReader(string(r.Body))
		req.Body, req.ContentLength = nopCloser{body}, int64(len(r.Body))
	}
	return req.WithContext(ctx), nil
}

type nopCloser struct{ *strings.Reader }

func (nopCloser) Close() error { return nil }

// conn2 returns the HTTP/2 connection of a place, a new one if r is Fresh.
func (c *Client) conn2(ctx context.Context, r Request) (*conn, *evidence.TLS, error) {
	if r.Fresh {
		return c.dial2(ctx, r)
	}
	at := r.place()
	c.pool.mu.Lock()
	s, ok := c.pool.shared[at]
	if !ok {
		s = &sharedConn{ready: make(chan struct{})}
		if c.pool.shared == nil {
			c.pool.shared = map[place]*sharedConn{}
		}
		c.pool.shared[at] = s
	}
	c.pool.mu.Unlock()
	if !ok {
		s.conn, s.seen, s.err = c.dial2(ctx, r)
		close(s.ready)
		if s.err != nil && !errors.Is(s.err, errNoHTTP2) {
			c.drop2(at, nil)
		}
	}
	select {
	case <-s.ready:
		return s.conn, s.seen, s.err
	case <-ctx.Done():
		return nil, nil, ctx.Err()
	}
}

// drop2 forgets the connection of a place after it failed.
func (c *Client) drop2(at place, failed *conn) {
	c.pool.mu.Lock()
	defer c.pool.mu.Unlock()
	s, ok := c.pool.shared[at]
	if !ok {
		return
	}
	select {
	case <-s.ready:
		if s.conn == failed {
			delete(c.pool.shared, at)
		}
	default:
	}
}

func (c *Client) dial2(ctx context.Context, r Request) (*conn, *evidence.TLS, error) {
	if r.Scheme != "https" {
		return nil, nil, errNoHTTP2
	}
	at := r.place()
	var raw net.Conn
	var seen *evidence.TLS
	t := &http.Transport{
		DisableCompression:     true,
		MaxResponseHeaderBytes: maxHeader,
		Protocols:              new(http.Protocols),
		DialTLSContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			nc, err := (&net.Dialer{}).DialContext(ctx, "tcp", at.address.String())
			if err != nil {
				return nil, err
			}
			tc, s, err := handshake(ctx, nc, c.Trust, at.sni, at.cert, []string{"h2"})
			seen, raw = s, nc
			if err == nil && s.ALPN != "h2" {
				err = errNoHTTP2
			}
			if err != nil {
				_ = nc.Close()
				if strings.Contains(err.Error(), "no application protocol") {
					err = errNoHTTP2
				}
				return nil, err
			}
			return tc, nil
		},
	}
	t.Protocols.SetHTTP2(true)
	h2, err := t.NewClientConn(ctx, "https", at.address.String())
	if err != nil {
		return nil, seen, err
	}
	return &conn{net: raw, tls: seen, h2: h2}, seen, nil
}
