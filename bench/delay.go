// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync"
	"time"
)

// delayAddress is where delays listen: the host part differs from the registry's, the port does not, so that a
// registry reached through it (--resolve) names a token realm that is reached through it too.
const delayAddress = "127.0.0.2"

// delay is the role of a long way: delay HOST:PORT ROUND-TRIP-IN-MS.
func delay(ctx context.Context, args []string) error {
	if len(args) != 2 {
		return fmt.Errorf("delay: want HOST:PORT MILLISECONDS")
	}
	ms, err := strconv.ParseFloat(args[1], 64)
	if err != nil {
		return err
	}
	_, port, err := net.SplitHostPort(args[0])
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", net.JoinHostPort(delayAddress, port))
	if err != nil {
		return err
	}
	p := &proxy{to: args[0], rtt: time.Duration(ms * float64(time.Millisecond))}
	go p.serve(l)
	defer func() { _ = l.Close() }()
	return serveUntilClosed(ctx, struct{ Address string }{l.Addr().String()})
}

// proxy passes bytes on, each half a round trip late. Loopback connects at once, so the first byte of a connection is
// held back for the round trip that SYN and SYN-ACK would have taken.
type proxy struct {
	to  string
	rtt time.Duration
}

func (p *proxy) serve(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go p.pass(c, time.Now())
	}
}

func (p *proxy) pass(client net.Conn, accepted time.Time) {
	defer func() { _ = client.Close() }()
	server, err := net.Dial("tcp", p.to)
	if err != nil {
		return
	}
	defer func() { _ = server.Close() }()
	var wg sync.WaitGroup
	wg.Go(func() { p.late(server, client, accepted.Add(p.rtt)) })
	wg.Go(func() { p.late(client, server, time.Time{}) })
	wg.Wait()
}

// chunk is what one read gave, and when it may arrive. No bytes: the end.
type chunk struct {
	data []byte
	at   time.Time
}

// late copies from one side to the other. What is read is on its way at once, as on a real line: a chunk does not
// wait for the one before it to arrive. Nothing sets out before established.
func (p *proxy) late(to, from net.Conn, established time.Time) {
	line := make(chan chunk, 1024)
	go func() {
		defer close(line)
		for {
			b := make([]byte, 32<<10)
			n, err := from.Read(b)
			sent := time.Now()
			if sent.Before(established) {
				sent = established
			}
			if n > 0 {
				line <- chunk{b[:n], sent.Add(p.rtt / 2)}
			}
			if err != nil {
				line <- chunk{nil, sent.Add(p.rtt / 2)}
				return
			}
		}
	}()
	for c := range line {
		time.Sleep(time.Until(c.at))
		if c.data == nil {
			closeWrite(to)
		} else if _, err := to.Write(c.data); err != nil {
			_ = from.Close()
			for range line { // let the reader end
			}
			return
		}
	}
}

func closeWrite(c net.Conn) {
	if t, ok := c.(*net.TCPConn); ok {
		_ = t.CloseWrite()
		return
	}
	_ = c.(io.Closer).Close()
}
