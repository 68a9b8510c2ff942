// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"bufio"
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/regproof/regproof/evidence"
)

// place is where a connection leads; connections of one place are alike.
type place struct {
	scheme, sni string
	address     netip.AddrPort
	http2       bool
	anyName     bool
	cert        *tls.Certificate
	session     *session
	max         uint16 // TLS version
}

// session is where a place keeps TLS sessions.
type session struct{ cache tls.ClientSessionCache }

func (r Request) place() place {
	p := place{scheme: r.Scheme, address: r.Address, http2: r.Proto == HTTP2}
	if r.Scheme == "https" {
		p.sni, p.anyName, p.cert, p.max = r.SNI, r.AnyName, r.Cert, r.MaxTLS
	}
	if r.Session != nil { // never equal to another: such connections are not shared
		p.session = &session{r.Session}
	}
	return p
}

// conn is one connection: of HTTP/1 (br) or of HTTP/2 (h2).
type conn struct {
	net  net.Conn
	tls  *evidence.TLS
	br   *bufio.Reader
	h2   *http.ClientConn
	used atomic.Bool
}

func (c *conn) close() {
	if c.h2 != nil {
		_ = c.h2.Close()
	}
	_ = c.net.Close()
}

// pool keeps idle connections by place, the last used first.
type pool struct {
	mu     sync.Mutex
	idle   map[place][]*conn
	shared map[place]*sharedConn // HTTP/2
	closed bool
}

// sharedConn is the HTTP/2 connection of a place, dialled once for all who ask.
type sharedConn struct {
	ready chan struct{}
	conn  *conn
	err   error
	seen  *evidence.TLS
}

const maxIdle = 256 // connections kept per place

func (p *pool) take(at place) *conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		list := p.idle[at]
		if len(list) == 0 {
			return nil
		}
		c := list[len(list)-1]
		p.idle[at] = list[:len(list)-1]
		if c.br.Buffered() == 0 { // what a peer sent unasked is not an answer
			return c
		}
		c.close()
	}
}

func (p *pool) give(at place, c *conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || len(p.idle[at]) >= maxIdle {
		c.close()
		return
	}
	if p.idle == nil {
		p.idle = map[place][]*conn{}
	}
	c.used.Store(true)
	p.idle[at] = append(p.idle[at], c)
}

func (p *pool) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	for _, list := range p.idle {
		for _, c := range list {
			c.close()
		}
	}
	for _, s := range p.shared {
		select {
		case <-s.ready:
			if s.conn != nil {
				s.conn.close()
			}
		default: // still dialling: its owner's deadline ends it
		}
	}
	p.idle, p.shared = nil, nil
}

// dial opens a connection for HTTP/1. TCP alone may take the time of connect;
// 0 is what ctx allows.
func (c *Client) dial(ctx context.Context, at place, connect time.Duration) (*conn, *evidence.TLS, error) {
	nc, err := (&net.Dialer{Timeout: connect}).DialContext(ctx, "tcp", at.address.String())
	if err != nil {
		return nil, nil, err
	}
	if at.scheme != "https" {
		return &conn{net: nc, br: bufio.NewReader(nc)}, nil, nil
	}
	tc, seen, err := handshake(ctx, nc, c.Trust, at, []string{"http/1.1"})
	if err != nil {
		_ = nc.Close()
		return nil, seen, err
	}
	return &conn{net: tc, tls: seen, br: bufio.NewReader(tc)}, seen, nil
}
