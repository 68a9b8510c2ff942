// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"cmp"
	"crypto/tls"
	"fmt"
	"net/netip"
	"strings"
	"time"
)

// secondAddress is where a door listens too when an entry asks for it.
const secondAddress = "127.0.0.2"

// plan is what a door's options and the entries they name amount to.
type plan struct {
	entries               []entry
	auth                  Auth
	tls, hideTLS, fakeTLS bool
	listen                string
	second, referrers     bool
	trap, storage         bool
	storagePublic         bool
	plainToo, quiet       bool
	signedFor             time.Duration
	lifetime, leeway      time.Duration // of tokens, of their verifiers
	needsBasic            string        // by which entry
	verifies              bool
	flaws                 flaw
	tokenHost             *tls.ClientAuthType
	tokenSecure           secure
	tokenPlain            front
	workload              *workloadFlaw
}

func planFor(o DoorOptions) (*plan, error) {
	p := &plan{auth: o.Auth, tls: o.TLS, listen: o.Listen, signedFor: signedFor, lifetime: o.Lifetime, leeway: cmp.Or(o.Leeway, leeway)}
	if p.listen == "" {
		p.listen = "127.0.0.1:0"
	}
	for _, name := range o.Weaknesses {
		e, ok := find(name)
		if !ok {
			return nil, fmt.Errorf("no weakness is called %q; there are %s", name, strings.Join(names(), " "))
		}
		p.add(e)
	}
	if p.second {
		if at, err := netip.ParseAddrPort(p.listen); err == nil && (!at.Addr().Is4() || at.Addr().String() == secondAddress) {
			return nil, fmt.Errorf("listen address %s: a second one on %s needs another of 127.0.0.0/8", p.listen, secondAddress)
		}
	}
	if p.referrers && p.auth == Token {
		return nil, fmt.Errorf("%s: the registry with a referrers API has Basic authentication alone", p.needsBasic)
	}
	return p, nil
}

func (p *plan) add(e entry) {
	p.entries = append(p.entries, e)
	if e.Needs.Token {
		p.auth = Token
	}
	p.tls = p.tls || e.Needs.TLS
	p.second = p.second || e.second
	p.storage = p.storage || e.storage
	p.storagePublic = p.storagePublic || e.storagePublic
	p.signedFor = max(p.signedFor, e.signedFor)
	p.trap = p.trap || e.Kind == Hostile
	p.hideTLS = p.hideTLS || e.hideTLS
	p.fakeTLS = p.fakeTLS || e.fakeTLS
	p.verifies = p.verifies || e.verifies
	p.flaws |= e.flaws
	p.plainToo = p.plainToo || e.plainToo
	p.quiet = p.quiet || e.quiet
	if e.workload != nil {
		p.workload = e.workload
	}
	if e.referrers {
		p.referrers, p.needsBasic = true, e.Name
	}
	if e.tokenHost != nil {
		p.tokenHost, p.tokenSecure, p.tokenPlain = e.tokenHost, e.tokenSecure, e.tokenPlain
	}
}

// scheme is what the door's URL says, which a hostile door need not keep.
func (p *plan) scheme() string {
	if (p.tls && !p.hideTLS) || p.fakeTLS {
		return "https"
	}
	return "http"
}

func (p *plan) speaksTLS() bool { return (p.tls && !p.fakeTLS) || p.hideTLS }
