// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/distribution/distribution/v3/configuration"
)

// Auth is how a door asks who is there.
type Auth int

// The zero value guards.
const (
	Basic Auth = iota // htpasswd
	Token             // bearer tokens from the door's own token service at /token
	None              // nobody is asked: an open registry
)

func (a Auth) String() string { return [...]string{"basic", "token", "none"}[max(0, min(a, None))] }

// DoorOptions describe a door. What an entry of the list needs is switched on
// by itself: its Needs win over Auth and TLS.
type DoorOptions struct {
	Weaknesses []string // by name; they combine, the first one meets a request first
	Auth       Auth
	TLS        bool          // HTTPS with the lab's own authority, HTTP/2 offered
	Listen     string        // an IP address of loopback and a port; default 127.0.0.1:0
	Lifetime   time.Duration // of tokens; 0 is five minutes, or what an entry says
	Leeway     time.Duration // of fronts that verify tokens; 0 is distribution's
}

// Door is one way into the store: an address, a guard, and what is wrong with it.
type Door struct {
	lab       *Lab
	url       string
	scheme    string
	addresses []string
	log       requestLog
	tokens    *tokenService
	trap      *trap
	storage   storage
	issuer    *Issuer
	open      http.Handler
	guarded   http.Handler
	app       *app

	mu      sync.Mutex
	closed  bool
	servers []*server
}

// Door opens a door. ctx bounds the opening alone; Close ends the door.
func (l *Lab) Door(ctx context.Context, o DoorOptions) (*Door, error) {
	p, err := planFor(o)
	if err != nil {
		return nil, err
	}
	d := &Door{lab: l, scheme: p.scheme(), storage: storage{lifetime: p.signedFor, public: p.storagePublic}}
	if err := d.start(ctx, p); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil, errors.Join(errors.New("the lab is closed"), d.shut())
	}
	l.doors[d] = true
	return d, nil
}

func (d *Door) start(ctx context.Context, p *plan) error {
	listeners, err := bind(ctx, p)
	if err != nil {
		return err
	}
	for _, l := range listeners {
		d.addresses = append(d.addresses, l.Addr().String())
	}
	d.url = d.scheme + "://" + d.addresses[0]
	if err := d.behind(ctx, p); err != nil {
		for _, l := range listeners {
			_ = l.Close()
		}
		return err
	}
	h := d.front(p)
	if p.speaksTLS() {
		return d.startTLS(ctx, p, h, listeners)
	}
	d.servers = append(d.servers, serve(ctx, d.log.handler(h), nil, listeners...))
	return nil
}

// config is how the door speaks TLS: with the lab's own authority, as the
// entries would have it.
func (d *Door) config(p *plan) (*tls.Config, error) {
	c := d.lab.ca.config()
	for _, e := range p.entries {
		if e.tls != nil {
			e.tls(c, d)
		}
		if e.secure != nil {
			if err := e.secure(c, d.lab.ca); err != nil {
				return nil, err
			}
		}
	}
	return c, nil
}

func (d *Door) startTLS(ctx context.Context, p *plan, h http.Handler, listeners []net.Listener) error {
	config, err := d.config(p)
	if err != nil {
		for _, l := range listeners {
			_ = l.Close()
		}
		return err
	}
	if !p.quiet {
		h = strict(h)
	}
	for i, l := range listeners {
		if p.plainToo {
			listeners[i] = sniff(l, config)
		}
	}
	d.servers = append(d.servers, serve(ctx, d.log.handler(h), config, listeners...))
	return nil
}

// bind opens the door's addresses. With two, both must get the same port, which
// somebody else may hold on the second address: then another is tried.
func bind(ctx context.Context, p *plan) ([]net.Listener, error) {
	for try := 0; ; try++ {
		first, err := listen(ctx, p.listen)
		if err != nil || !p.second {
			return []net.Listener{first}, err
		}
		_, port, err := net.SplitHostPort(first.Addr().String())
		if err != nil {
			return nil, errors.Join(err, first.Close())
		}
		second, err := listen(ctx, net.JoinHostPort(secondAddress, port))
		if err == nil {
			return []net.Listener{first, second}, nil
		}
		if err = errors.Join(err, first.Close()); try == 20 {
			return nil, fmt.Errorf("second address: %w", err)
		}
	}
}

// behind opens what stands behind the fronts: the two registries, the token
// service, and the listeners that a front sends clients to.
func (d *Door) behind(ctx context.Context, p *plan) (err error) {
	if p.trap {
		if d.trap, err = d.newTrap(ctx); err != nil {
			return err
		}
	}
	if p.storage {
		if err := d.newStorage(ctx); err != nil {
			return err
		}
	}
	d.tokens = &tokenService{keys: d.lab.keys, strangers: pullsPublic, lifetime: p.lifetime}
	for _, e := range p.entries {
		if e.tokens != nil {
			e.tokens(d.tokens)
		}
	}
	if p.referrers {
		d.open, d.guarded = d.lab.referrers, d.lab.keys.basicGuard(d.lab.referrers)
		return nil
	}
	d.open = d.lab.open
	if p.verifies {
		v := &verifier{keys: d.lab.keys, realm: d.url + tokenPath, flaws: p.flaws, leeway: p.leeway}
		if p.workload != nil {
			if err := d.admitWorkloads(ctx, v, *p.workload); err != nil {
				return err
			}
		}
		d.guarded = v.before(d.open)
		return nil
	}
	change := func(c *configuration.Configuration) {
		for _, e := range p.entries {
			if e.configure != nil {
				e.configure(c, d)
			}
		}
	}
	realm := d.url + tokenPath
	if p.tokenHost != nil {
		if realm, err = d.newTokenHost(ctx, p); err != nil {
			return err
		}
	}
	switch p.auth {
	case Token:
		d.app, err = newApp(ctx, d.lab.store, d.lab.keys.secret, d.lab.keys.token(realm), change)
	case Basic:
		d.app, err = newApp(ctx, d.lab.store, d.lab.keys.secret, d.lab.keys.basic(), change)
	default:
		d.guarded = d.open
		return nil
	}
	if err != nil {
		return err
	}
	d.guarded = d.app
	return nil
}

// front builds the chain that a request goes through, outermost first.
func (d *Door) front(p *plan) http.Handler {
	h := d.guarded
	if p.auth == Token {
		h = d.tokens.before(h)
		if p.verifies {
			other := *d.tokens
			other.prefix, other.issuer = "/other", otherIssuer
			h = other.before(h)
		}
	}
	for i := len(p.entries) - 1; i >= 0; i-- {
		if f := p.entries[i].front; f != nil {
			h = f(h, d)
		}
	}
	return h
}
