// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"
)

// listen binds one address, and refuses any that others could reach.
func listen(ctx context.Context, address string) (net.Listener, error) {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return nil, fmt.Errorf("listen address %q: want an IP address and a port", address)
	}
	if !at.Addr().Unmap().IsLoopback() {
		return nil, fmt.Errorf("listen address %q: the lab listens on loopback alone", address)
	}
	var c net.ListenConfig
	return c.Listen(ctx, "tcp", address)
}

// server is a net/http server that can be closed without leaving a goroutine,
// whatever its handlers are doing at that moment.
type server struct {
	http    *http.Server
	cancel  context.CancelFunc
	serving sync.WaitGroup // Serve, once per listener

	mu      sync.Mutex
	closing bool
	active  sync.WaitGroup // handlers
}

// serve answers on every listener with h; a nil config means plain HTTP.
func serve(ctx context.Context, h http.Handler, config *tls.Config, listeners ...net.Listener) *server {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	s := &server{cancel: cancel}
	s.http = &http.Server{
		Handler:                      s.tracked(h),
		TLSConfig:                    config,
		DisableGeneralOptionsHandler: true, // "OPTIONS *" is the registry's to answer
		ReadHeaderTimeout:            20 * time.Second,
		IdleTimeout:                  2 * time.Minute,
		ErrorLog:                     log.New(io.Discard, "", 0),
		BaseContext:                  func(net.Listener) context.Context { return ctx },
		ConnContext: func(ctx context.Context, _ net.Conn) context.Context {
			return context.WithValue(ctx, connectionKey{}, new(connection))
		},
	}
	for _, l := range listeners {
		s.serving.Go(func() {
			// The only error is that it was closed.
			if _, both := l.(*sniffer); config != nil && !both {
				_ = s.http.ServeTLS(l, "", "")
				return
			}
			_ = s.http.Serve(l)
		})
	}
	return s
}

// connection is what the requests of one connection have in common.
type connection struct {
	numbered sync.Once
	number   int64
}

type connectionKey struct{}

// numberOf is the number that next gave to the request's connection when it was
// asked for the first time.
func numberOf(r *http.Request, next func() int64) int64 {
	c, ok := r.Context().Value(connectionKey{}).(*connection)
	if !ok {
		return next()
	}
	c.numbered.Do(func() { c.number = next() })
	return c.number
}

func (s *server) tracked(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		if s.closing {
			s.mu.Unlock()
			return
		}
		s.active.Add(1)
		s.mu.Unlock()
		defer s.active.Done()
		h.ServeHTTP(w, r)
	})
}

// close cuts every connection and waits for the handlers, which all end when
// their request's context does.
func (s *server) close() error {
	s.mu.Lock()
	s.closing = true
	s.mu.Unlock()
	s.cancel()
	err := s.http.Close()
	s.serving.Wait()
	s.active.Wait()
	return err
}
