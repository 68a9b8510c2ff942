// SPDX-License-Identifier: Apache-2.0

// Package upstream is the other end of a pull-through cache, for a lab: a
// registry that asks everybody to log in, at a token service of its own or at a
// foreign one, and notes who comes there with a credential. It refuses to let
// anybody in, to serve anything, to keep a secret, and to listen where it was
// not told to.
package upstream

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"sync"
	"time"
)

// Options say where a server listens, and what it is called.
type Options struct {
	Listen  netip.AddrPort
	URL     *url.URL // what caches have for their upstream
	Foreign *url.URL // the same listener by another host
	// Grace is how long a cache has to come after it has answered; 0 is a second.
	Grace time.Duration
}

// Offer is which token services /v2/ names.
type Offer int

// The offers. The foreign one stands first in Both: who takes the first that
// it understands, and knows no better, goes there.
const (
	Both Offer = iota
	OwnAlone
	ForeignAlone
)

// Server is the upstream of a lab. A Server that is not open answers nobody.
type Server struct {
	opts   Options
	server *http.Server
	done   chan struct{}
	turn   chan struct{} // holds one: whose turn it is

	mu    sync.Mutex
	offer Offer
	seen  []Request
	more  chan struct{} // closed and renewed with every request
}

// The bounds: of what is kept, of a header, of a form, of connections, and of
// the time that a client has.
const (
	maxSeen        = 1000
	maxHeader      = 16 << 10
	maxForm        = 16 << 10
	maxConnections = 64
	clientTimeout  = 10 * time.Second
)

// New makes a server that is not open yet.
func New(o Options) *Server {
	s := &Server{opts: o, turn: make(chan struct{}, 1), more: make(chan struct{})}
	s.turn <- struct{}{}
	return s
}

// URL is what a cache must have for its upstream.
func (s *Server) URL() string { return s.opts.URL.String() }

// Grace is how long a cache has to come after it has answered.
func (s *Server) Grace() time.Duration { return cmp.Or(s.opts.Grace, time.Second) }

// Foreign is the host of the foreign token service.
func (s *Server) Foreign() string { return s.opts.Foreign.Host }

// Open listens at the configured address alone, until Close.
func (s *Server) Open(ctx context.Context) error {
	var c net.ListenConfig
	l, err := c.Listen(ctx, "tcp", s.opts.Listen.String())
	if err != nil {
		return fmt.Errorf("check.upstream.listen: %w", err)
	}
	s.done = make(chan struct{})
	s.server = &http.Server{
		Handler: s, ReadTimeout: clientTimeout, WriteTimeout: clientTimeout, IdleTimeout: clientTimeout, MaxHeaderBytes: maxHeader,
		ErrorLog: quiet(),
	}
	go func() {
		defer close(s.done)
		if err := s.server.Serve(&few{Listener: l, slots: make(chan struct{}, maxConnections)}); !errors.Is(err, http.ErrServerClosed) {
			_ = l.Close()
		}
	}()
	return nil
}

// Close ends the listener and every connection.
func (s *Server) Close() error {
	if s.server == nil {
		return nil
	}
	err := s.server.Close()
	<-s.done
	return err
}

// Turn waits until nobody else watches, since caches name no repository where
// they learn the token services. It returns nil when ctx ends first.
func (s *Server) Turn(ctx context.Context) (release func()) {
	select {
	case <-s.turn:
		return func() { s.Set(Both); s.turn <- struct{}{} }
	case <-ctx.Done():
		return nil
	}
}

// Set says which token services are named from now on.
func (s *Server) Set(o Offer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.offer = o
}

// Seen is what came so far, in order, and a channel that is closed when more
// comes.
func (s *Server) Seen() ([]Request, <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seen[:len(s.seen):len(s.seen)], s.more
}

func (s *Server) keep(r Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.seen) < maxSeen {
		s.seen = append(s.seen, r)
	}
	close(s.more)
	s.more = make(chan struct{})
}
