// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/regproof/regproof/credential"
	"github.com/regproof/regproof/image"
	"github.com/regproof/regproof/login"
	"github.com/regproof/regproof/product"
	"github.com/regproof/regproof/wire"
)

// door is an endpoint in a run: what is known of it, and how hard it is asked.
type door struct {
	run    *run
	target *Target
	ep     Endpoint
	reg    login.Registry
	wire   *wire.Client
	logins *login.Client
	pace   *pace

	addresses []netip.AddrPort
	lanes     []Lane // complete once prepared is closed
	prepared  chan struct{}
	pinged    sync.Once
	pings     map[netip.AddrPort]Answer // complete once pinged is done
	problem   string                    // why it cannot be asked at all
	nameless  bool                      // because DNS says that there is no such name

	clock        atomic.Int64
	denied       atomic.Int64
	byAgent      atomic.Bool  // a real client was served what we were denied
	entitledSeen atomic.Bool  // the entitled were served once
	oneUpload    atomic.Bool  // uploads live under blobs/upload
	asDocker     atomic.Bool  // the entitled are served only as docker
	broken       atomic.Int64 // canonical requests that failed after all repeats
	sentinels    *sentinels

	mu       sync.Mutex
	answered bool
	silent   string // why it did not answer once
	product  string
	tls      string
	names    []string // in its certificate
	asksCert bool     // it asks clients for one
	// authorities are those whose client certificates it says it accepts.
	authorities [][]byte
	challenges  []login.Challenge // the last seen, to log in without asking first
	serves      map[string]bool
	shaken      map[string]*shakenOnce // handshakes that were made
	slow        sync.Mutex             // one repeat at a time after a ban
	alive       alive
	starts      starts
}

// name is how the door is called in a report.
func (d *door) name() string { return d.ep.URL.Scheme + "://" + d.ep.URL.Host }

// open resolves the endpoint, and finds which protocols each address speaks.
func (d *door) open(ctx context.Context) {
	addrs, err := d.lookup(ctx)
	if err != nil {
		dns := (*net.DNSError)(nil)
		d.problem, d.nameless = err.Error(), errors.As(err, &dns) && dns.IsNotFound
		return
	}
	if d.ep.Address.IsValid() {
		addrs = []netip.AddrPort{netip.AddrPortFrom(d.ep.Address, addrs[0].Port())}
	}
	d.addresses = addrs
	for _, a := range addrs {
		d.reg.Guard.Home = append(d.reg.Guard.Home, a.Addr())
	}
	go d.prepare(ctx)
}

// lookup asks DNS, or while planning nobody.
func (d *door) lookup(ctx context.Context) ([]netip.AddrPort, error) {
	if d.run.planning() {
		return []netip.AddrPort{netip.MustParseAddrPort("192.0.2.1:443")}, nil
	}
	return d.reg.Guard.Lookup(ctx, d.ep.URL)
}

// usable says whether the door is asked for images at all.
func (d *door) usable() bool { return d.problem == "" && !d.ep.shut() }

// first is the lane for what is asked only once.
func (d *door) first() Lane { return Lane{Address: d.addresses[0], Proto: wire.HTTP11} }

// addressLanes is one lane for each address.
func (d *door) addressLanes() []Lane {
	var out []Lane
	for _, a := range d.addresses {
		out = append(out, Lane{Address: a, Proto: wire.HTTP11})
	}
	return out
}

// allLanes waits until it is known which protocols the addresses speak.
func (d *door) allLanes(ctx context.Context) []Lane {
	select {
	case <-d.prepared:
		return d.lanes
	case <-ctx.Done():
		return []Lane{d.first()}
	}
}

// prepare opens connections for the batch to come while the first questions
// are still under way, and finds where HTTP/2 is spoken.
func (d *door) prepare(ctx context.Context) {
	defer close(d.prepared)
	for _, a := range d.addresses {
		d.lanes = append(d.lanes, Lane{Address: a, Proto: wire.HTTP11})
	}
	if d.ep.shut() {
		return
	}
	if d.run.planning() {
		if d.ep.URL.Scheme == "https" {
			d.lanes = append(d.lanes, Lane{Address: d.addresses[0], Proto: wire.HTTP2})
		}
		return
	}
	at := func(a netip.AddrPort) wire.Request {
		return wire.Request{Scheme: d.ep.URL.Scheme, SNI: d.ep.URL.Hostname(), Address: a}
	}
	found := make([]bool, len(d.addresses))
	var wg sync.WaitGroup
	if d.target.PerSecond == 0 {
		wg.Go(func() { d.wire.Warm(ctx, at(d.addresses[0]), d.pace.max-1) })
	}
	for i, a := range d.addresses {
		if d.ep.URL.Scheme == "https" {
			wg.Go(func() { found[i] = d.wire.Offers2(ctx, at(a)) })
		}
	}
	wg.Wait()
	for i, a := range d.addresses {
		if found[i] {
			d.lanes = append(d.lanes, Lane{Address: a, Proto: wire.HTTP2})
		}
	}
}

// learn keeps what an answer tells of the door. What an odd request was answered
// tells nothing of where clients log in or are sent: it may repeat what the
// request named.
func (d *door) learn(resp wire.Response, odd bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if resp.TLS != nil && resp.TLS.Asked && !odd && slices.Contains(d.addresses, resp.Request.Address) {
		d.asksCert, d.authorities = true, resp.TLS.Authorities
	}
	if resp.Status == 0 {
		if d.silent == "" && resp.Failure != wire.Canceled && resp.Request.Host == d.ep.URL.Host {
			d.silent = silence(resp)
		}
		return
	}
	d.answered = d.answered || resp.Request.Host == d.ep.URL.Host
	if !odd && slices.Contains(d.addresses, resp.Request.Address) && resp.Request.Host == d.ep.URL.Host {
		d.target.seen.answer(resp)
	}
	if resp.TLS != nil && len(d.names) == 0 && resp.Request.SNI == d.ep.URL.Hostname() {
		d.names = resp.TLS.Names
	}
	if d.target.Product != "" {
		d.product = d.target.Product
	} else if d.product == "" || d.product == product.Unknown {
		d.product = product.Detect(resp.Header)
	}
	if resp.TLS != nil && d.tls == "" {
		d.tls = strings.TrimPrefix(resp.TLS.Version, "TLS ")
	}
	if !odd && resp.Status == 401 && resp.Request.Host == d.ep.URL.Host && strings.HasPrefix(resp.Request.Target, "/v2/") {
		if ch := login.ParseChallenges(resp.Header.Values("Www-Authenticate")); len(ch) > 0 && d.tells(resp.Request, ch) {
			d.challenges = ch
		}
	}
}

// tells says whether challenges tell how clients log in here. Those of Harbor to a
// credential that it refused, and at the catalog, do not: they ask for a password,
// where everybody is sent to the token service at /v2/, as clients are.
func (d *door) tells(r wire.Request, ch []login.Challenge) bool {
	if len(d.challenges) == 0 {
		return true
	}
	if wire.Header(r.Header).Has("Authorization") {
		return false
	}
	return slices.ContainsFunc(ch, namesRealm) || !slices.ContainsFunc(d.challenges, namesRealm)
}

// namesRealm says whether a challenge sends clients to a token service.
func namesRealm(c login.Challenge) bool { return c.Scheme == "bearer" && c.Params["realm"] != "" }

func (d *door) lastChallenges() []login.Challenge {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.challenges
}

// cached says why the door looks like a shared cache, through which an
// entitled read might be what makes an anonymous read succeed; "" if it
// does not.
func (d *door) cached(seen []wire.Response) string {
	if d.ep.Cache {
		return "role: cache"
	}
	for _, r := range seen {
		for _, name := range []string{"Age", "X-Cache", "X-Cache-Status", "X-Varnish"} {
			if v := r.Header.Get(name); v != "" {
				return name + ": " + v
			}
		}
		if v := strings.ToUpper(r.Header.Get("Cf-Cache-Status")); v != "" && v != "DYNAMIC" && v != "BYPASS" {
			return "CF-Cache-Status: " + v
		}
		via := strings.ToLower(r.Header.Get("Via"))
		for _, cache := range []string{"varnish", "squid", "cache", "cloudfront", "fastly", "trafficserver"} {
			if strings.Contains(via, cache) {
				return "Via: " + via
			}
		}
	}
	return ""
}

// served notes that the door serves this content to the entitled.
func (d *door) served(k *image.Known) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.serves == nil {
		d.serves = map[string]bool{}
	}
	if len(d.serves) < 100 {
		d.serves[string(k.Root.Digest)] = true
	}
}

func newDoor(r *run, t *Target, ep Endpoint) *door {
	if t.seen == nil {
		t.seen = &seen{}
	}
	trust := t.Trust
	if ep.Roots != nil {
		trust.Roots = ep.Roots
	}
	d := &door{run: r, target: t, ep: ep, prepared: make(chan struct{}), wire: &wire.Client{Recorder: r.opts.Recorder, Trust: trust, Timeout: r.opts.RequestTimeout}}
	concurrent := t.Concurrent
	if concurrent == 0 {
		concurrent = 32
	}
	d.sentinels = newSentinels(d)
	d.pace = newPace(concurrent, t.PerSecond)
	d.logins = &login.Client{Wire: paced{d: d}}
	d.reg = login.Registry{
		URL:     ep.URL,
		Guard:   wire.Guard{Allowed: allowed(t), Pinned: r.opts.Resolve},
		Headers: [][2]string{{"User-Agent", r.agent()}, {"X-Regproof-Run", r.opts.ID}, {"Accept-Encoding", "identity"}},
	}
	return d
}

// allowed are the origins that a server may name: those in the configuration.
func allowed(t *Target) []credential.Origin {
	out := append(slices.Clone(t.Redirects), t.Realms...)
	for _, e := range t.Endpoints {
		if o, err := credential.ParseOrigin(e.URL.Scheme + "://" + e.URL.Host); err == nil {
			out = append(out, o)
		}
	}
	for _, is := range t.Foreign {
		if u, err := url.Parse(is.Realm); err == nil {
			if o, err := credential.ParseOrigin(u.Scheme + "://" + u.Host); err == nil {
				out = append(out, o)
			}
		}
	}
	return out
}

// paced sends requests at the pace of the door, and counts them.
type paced struct {
	d     *door
	stop  func() string // asked once it is its turn; may be nil
	odd   bool          // the requests are not those of a client
	aside bool          // they go to another port: the door learns nothing of them
	early bool          // they take a connection of their own, or others follow on them
	bulk  bool          // there are many of them, and nothing waits for one alone
}

func (p paced) why() string {
	if p.stop == nil {
		return ""
	}
	return p.stop()
}

// turn is that of the requests among those who wait for a place.
func (p paced) turn() turn {
	switch {
	case p.early:
		return early
	case p.bulk:
		return bulk
	}
	return step
}

// Do implements login.Exchanger.
func (p paced) Do(ctx context.Context, r wire.Request) wire.Response {
	d := p.d
	if err := d.pace.enter(ctx, p.turn()); err != nil {
		return wire.Response{Request: r, Failure: wire.Canceled, Err: err, ID: d.run.note(r, err)}
	}
	if why := p.why(); why != "" {
		d.pace.leave(wire.Response{})
		err := errors.New(why)
		return wire.Response{Request: r, Failure: wire.Canceled, Err: err, ID: d.run.note(r, err)}
	}
	if !d.run.spend() {
		err := fmt.Errorf("the budget of %d requests is spent (check.budget.requests)", d.run.opts.MaxRequests)
		d.pace.leave(wire.Response{})
		return wire.Response{Request: r, Failure: wire.Canceled, Err: err, ID: d.run.note(r, err)}
	}
	resp := d.run.exchange(ctx, d, r)
	d.pace.leave(resp)
	if !p.aside {
		d.learn(resp, p.odd)
	}
	return resp
}
