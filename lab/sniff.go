// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"bufio"
	"crypto/tls"
	"net"
	"sync"
	"time"
)

// sniffer is a listener that speaks TLS to whoever begins with it, and plain to
// all others.
type sniffer struct {
	net.Listener
	config *tls.Config
	ready  chan net.Conn
	ended  chan struct{}
	once   sync.Once
	wg     sync.WaitGroup

	mu      sync.Mutex
	pending map[net.Conn]bool
	err     error
}

func sniff(l net.Listener, config *tls.Config) *sniffer {
	s := &sniffer{Listener: l, config: config, ready: make(chan net.Conn), ended: make(chan struct{}), pending: map[net.Conn]bool{}}
	s.wg.Go(s.accept)
	return s
}

func (s *sniffer) accept() {
	for {
		c, err := s.Listener.Accept()
		if err != nil {
			s.mu.Lock()
			s.err = err
			s.mu.Unlock()
			s.once.Do(func() { close(s.ended) })
			return
		}
		s.mu.Lock()
		s.pending[c] = true
		s.mu.Unlock()
		s.wg.Go(func() { s.look(c) })
	}
}

// look waits for the first byte of a connection.
func (s *sniffer) look(c net.Conn) {
	defer func() {
		s.mu.Lock()
		delete(s.pending, c)
		s.mu.Unlock()
	}()
	_ = c.SetReadDeadline(time.Now().Add(20 * time.Second))
	p := &peeked{Conn: c, r: bufio.NewReader(c)}
	first, err := p.r.Peek(1)
	if err != nil {
		_ = c.Close()
		return
	}
	_ = c.SetReadDeadline(time.Time{})
	var out net.Conn = p
	if first[0] == 22 { // a handshake record
		out = tls.Server(p, s.config)
	}
	select {
	case s.ready <- out:
	case <-s.ended:
		_ = c.Close()
	}
}

// Accept implements net.Listener.
func (s *sniffer) Accept() (net.Conn, error) {
	select {
	case c := <-s.ready:
		return c, nil
	case <-s.ended:
		s.mu.Lock()
		defer s.mu.Unlock()
		return nil, s.err
	}
}

// Close implements net.Listener.
func (s *sniffer) Close() error {
	err := s.Listener.Close()
	s.mu.Lock()
	for c := range s.pending {
		_ = c.Close()
	}
	s.mu.Unlock()
	s.wg.Wait()
	return err
}

// peeked is a connection of which the first byte was looked at.
type peeked struct {
	net.Conn
	r *bufio.Reader
}

func (p *peeked) Read(b []byte) (int, error) { return p.r.Read(b) }
