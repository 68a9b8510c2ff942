// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/regproof/regproof/discover"
)

// answeringDoors is how many doors answer beside the silent ones.
const answeringDoors = 3

// surrounded is a registry with other doors on its address. They are counted as discovery counts them: a port that is
// looked at for https, for http and for debug pages is three.
type surrounded struct {
	served
	Dropping, Mute int    // silent, in the one way or the other
	Skipped        string // why there is nothing
}

func (s surrounded) silent() int { return s.Dropping + s.Mute }

// doors is the role of a registry among doors: the usual ports of its address are silent, half of them because they
// take no connection, and those that Alt-Svc names answer that there is nothing.
func doors(ctx context.Context, args []string) error {
	if len(args) != 0 {
		return errors.New("doors: want no arguments")
	}
	a, s, err := surround()
	defer a.close()
	if err != nil {
		return err
	}
	return serveUntilClosed(ctx, s)
}

// surround takes the first address of this machine on which nobody uses the usual ports.
func surround() (*address, surrounded, error) {
	for i := range 20 {
		a := &address{ip: fmt.Sprintf("127.83.0.%d", i+1)}
		s, err := a.open()
		if !errors.Is(err, syscall.EADDRINUSE) {
			return a, s, err
		}
		a.close()
	}
	return &address{}, surrounded{Skipped: "the usual ports are free on no address that was tried"}, nil
}

// address is one address with all that listens there.
type address struct {
	ip        string
	listeners []net.Listener
	filling   []net.Conn // what keeps a port from taking more
}

func (a *address) close() {
	for _, c := range a.filling {
		_ = c.Close()
	}
	for _, l := range a.listeners {
		_ = l.Close()
	}
}

func (a *address) open() (surrounded, error) {
	var s surrounded
	u := discover.UsualPorts()
	usual := slices.Concat(u.HTTPS, u.HTTP, u.Debug)
	for i, port := range usual {
		if slices.Contains(usual[:i], port) {
			continue
		}
		if err := a.silence(port, count(usual, port), &s); err != nil {
			return s, err
		}
	}
	var named []string
	for range answeringDoors {
		port, err := a.serve(http.NotFoundHandler())
		if err != nil {
			return s, err
		}
		named = append(named, discover.Alternative{Protocol: "http/1.1", Port: port}.String())
	}
	registry := newSynthetic(1)
	port, err := a.serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Alt-Svc", strings.Join(named, ", "))
		registry.ServeHTTP(w, r)
	}))
	s.served = served{Host: a.at(port), User: syntheticUser, Password: syntheticPassword}
	return s, err
}

func count(list []uint16, of uint16) (n int) {
	for _, p := range list {
		if p == of {
			n++
		}
	}
	return n
}

func (a *address) at(port uint16) string { return net.JoinHostPort(a.ip, strconv.Itoa(int(port))) }

// listen takes a port, 0 for any.
func (a *address) listen(port uint16) (*net.TCPListener, error) {
	l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.ParseIP(a.ip), Port: int(port)})
	if err == nil {
		a.listeners = append(a.listeners, l)
	}
	return l, err
}

// serve answers on any port, until the process ends.
func (a *address) serve(h http.Handler) (uint16, error) {
	l, err := a.listen(0)
	if err != nil {
		return 0, err
	}
	go func() { _ = (&http.Server{Handler: h}).Serve(l) }()
	return l.Addr().(*net.TCPAddr).AddrPort().Port(), nil
}

// silence lets a port, which is n doors, say nothing. Nobody takes a connection from its queue, so that who connects
// waits for an answer; a full queue takes none at all. A port that only root may have stays shut.
func (a *address) silence(port uint16, n int, s *surrounded) error {
	l, err := a.listen(port)
	switch {
	case errors.Is(err, syscall.EACCES):
		return nil
	case err != nil:
		return err
	case s.Dropping > s.Mute:
		s.Mute += n
		return nil
	}
	s.Dropping += n
	return a.fill(l)
}

// fillTime is how long a connection to this machine may take before its port counts as one that takes none.
const fillTime = 300 * time.Millisecond

// fill makes the queue of a listener as short as can be, and fills it: what comes then is dropped, as by a firewall.
func (a *address) fill(l *net.TCPListener) error {
	raw, err := l.SyscallConn()
	if err != nil {
		return err
	}
	var shortened error
	if err := raw.Control(func(fd uintptr) { shortened = syscall.Listen(int(fd), 0) }); err != nil {
		return err
	}
	if shortened != nil {
		return shortened
	}
	for range 8 {
		c, err := net.DialTimeout("tcp", l.Addr().String(), fillTime)
		if timeout := net.Error(nil); errors.As(err, &timeout) && timeout.Timeout() {
			return nil
		}
		if err != nil {
			return err
		}
		a.filling = append(a.filling, c)
	}
	return fmt.Errorf("%s takes connections though its queue is full", l.Addr())
}
