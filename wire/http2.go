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
	"strconv"
	"strings"
	"sync"
	"time"

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
	if r.Fresh {
		defer cn.close()
	}
	out.Reused = cn.used.Swap(true)
	resp, err := cn.h2.RoundTrip(req)
	if err != nil {
		switch {
		case strings.Contains(err.Error(), "request header list larger"):
			out.Failure = Unsendable
			return err // known before anything was sent
		case strings.Contains(err.Error(), "header list"):
			err = fmt.Errorf("%w: %w", errTooLarge, err)
		case streamError(err):
			return err // the connection is good
		case cn.h2.Err() != nil:
			err = alerted(cn.net, err)
		}
		c.drop2(r.place(), cn)
		return err
	}
	defer resp.Body.Close()
	c.local.CompareAndSwap(nil, ptr(cn.net.LocalAddr().String()))
	out.Status, out.Proto = resp.StatusCode, HTTP2
	for name, values := range resp.Header {
		for _, v := range values {
			out.Header = append(out.Header, [2]string{name, v})
		}
	}
	slices.SortStableFunc(out.Header, func(a, b [2]string) int { return strings.Compare(a[0], b[0]) })
	return out.readBody(resp.Body)
}

// alerted adds the TLS alert with which a peer ended the connection, which
// net/http drops. A server that wants a certificate sends it after the handshake.
func alerted(dead net.Conn, err error) error {
	_ = dead.SetReadDeadline(time.Now().Add(alertWait))
	if _, why := dead.Read(make([]byte, 1)); why != nil && strings.Contains(why.Error(), "remote error: ") {
		return fmt.Errorf("%w: %w", err, why)
	}
	return err
}

// alertWait is how long the alert of a peer that takes nothing more is waited for.
const alertWait = 100 * time.Millisecond

// patient is a connection whose failed writes wait a moment for what the peer had
// to say: an alert that was received and is not yet read would be lost, since
// net/http closes the connection when a write fails.
type patient struct {
	net.Conn
	once  sync.Once
	ended chan struct{} // when there is nothing more to be read
}

func (p *patient) Read(b []byte) (int, error) {
	n, err := p.Conn.Read(b)
	if err != nil {
		p.once.Do(func() { close(p.ended) })
	}
	return n, err
}

func (p *patient) Write(b []byte) (int, error) {
	n, err := p.Conn.Write(b)
	if err != nil {
		select {
		case <-p.ended:
		case <-time.After(alertWait):
		}
	}
	return n, err
}

// streamError says whether one stream failed, and not the connection.
func streamError(err error) bool { return strings.HasPrefix(err.Error(), "stream error:") }

// request2 makes an http.Request that puts r.Target in :path as it is, and
// every header as it is. net/http takes an opaque target as it stands, but
// would read one that begins with two slashes as an authority: that one goes
// as a path. What net/http would drop or change is an error, which quotes
// nothing that may be a secret.
func request2(ctx context.Context, r Request) (*http.Request, error) {
	switch {
	case !token(r.Method) || r.Method == "CONNECT":
		return nil, fmt.Errorf("the method cannot be sent")
	case r.Host == "" || strings.Trim(r.Host, hostBytes) != "":
		return nil, fmt.Errorf("the host cannot be an :authority")
	case !strings.HasPrefix(r.Target, "/") || strings.ContainsAny(r.Target, " \x00\r\n"):
		return nil, fmt.Errorf("the target cannot be a :path")
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
	if u.RequestURI() != r.Target { // it would be escaped
		return nil, fmt.Errorf("the target cannot be a :path")
	}
	req := &http.Request{Method: r.Method, URL: u, Host: r.Host, Header: http.Header{"User-Agent": {""}}, Proto: "HTTP/2.0", ProtoMajor: 2}
	for _, h := range r.Header {
		name := http.CanonicalHeaderKey(h[0])
		if !sendable2(name, h[1], len(r.Body)) {
			return nil, fmt.Errorf("header %q cannot be sent", clip(h[0]))
		}
		if name == "User-Agent" {
			if req.Header[name][0] != "" {
				return nil, fmt.Errorf("only one User-Agent can be sent")
			}
			req.Header[name] = nil // the empty one only keeps net/http from adding its own
		}
		req.Header[name] = append(req.Header[name], h[1])
	}
	if len(r.Body) > 0 {
		req.Body, req.ContentLength = nopCloser{strings.NewReader(string(r.Body))}, int64(len(r.Body))
	}
	return req.WithContext(ctx), nil
}

// hostBytes are those that net/http sends in :authority as they are.
const hostBytes = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!$%&'()*+,-.:;=[]_~"

// sendable2 says whether net/http sends a header as it is: connection headers,
// which RFC 9113 section 8.2.2 forbids, and a few others are silently dropped.
func sendable2(name, value string, body int) bool {
	switch name {
	case "Host", "Connection", "Proxy-Connection", "Keep-Alive", "Transfer-Encoding", "Upgrade":
		return false
	case "User-Agent":
		return value != ""
	case "Content-Length":
		return body > 0 && value == strconv.Itoa(body)
	}
	return token(name) && !strings.ContainsFunc(value, func(c rune) bool { return c < ' ' && c != '\t' || c == 0x7f })
}

// token says whether s is a token of RFC 9110 section 5.6.2.
func token(s string) bool {
	return s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%&'*+-.^_`|~") == ""
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
		c.pool.mu.Lock()
		if c.pool.closed && s.conn != nil {
			s.conn.close()
		}
		close(s.ready)
		c.pool.mu.Unlock()
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

// drop2 forgets the connection of a place after it failed, and closes it when
// the other exchanges that are under way on it have ended.
func (c *Client) drop2(at place, failed *conn) {
	if failed != nil {
		closeIdle := func(cc *http.ClientConn) {
			if cc.InFlight() == 0 {
				_ = cc.Close()
			}
		}
		failed.h2.SetStateHook(closeIdle)
		closeIdle(failed.h2)
	}
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
	var secured net.Conn
	var seen *evidence.TLS
	t := &http.Transport{
		DisableCompression:     true,
		MaxResponseHeaderBytes: maxHeader,
		Protocols:              new(http.Protocols),
		DialTLSContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			nc, err := (&net.Dialer{Timeout: r.Connect}).DialContext(ctx, "tcp", at.address.String())
			if err != nil {
				return nil, err
			}
			nc = &patient{Conn: nc, ended: make(chan struct{})}
			tc, s, err := handshake(ctx, nc, c.Trust, at, []string{"h2"})
			seen = s
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
			secured = tc
			return tc, nil
		},
	}
	t.Protocols.SetHTTP2(true)
	h2, err := t.NewClientConn(ctx, "https", at.address.String())
	if err != nil {
		if secured != nil {
			err = alerted(secured, err)
			_ = secured.Close()
		}
		return nil, seen, err
	}
	return &conn{net: secured, tls: seen, h2: h2}, seen, nil
}
