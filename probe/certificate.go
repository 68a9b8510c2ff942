// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"cmp"
	"context"
	"crypto/tls"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/image"
	"github.com/regproof/regproof/login"
	"github.com/regproof/regproof/oci"
	"github.com/regproof/regproof/wire"
)

// Certificates is what is known of client certificates at an endpoint.
type Certificates struct {
	Mutual      bool     // one is meant to be required
	Asked       bool     // the server asks for one in the handshake
	Authorities [][]byte // whose it says that it accepts: names in DER
	// Reader is who may read the image, nil if nobody can; TestCA is an authority
	// that can sign for it, nil if there is none.
	Reader *login.Identity
	TestCA *tls.Certificate
	// Others have a certificate of their own, and policy does not let them read
	// the image.
	Others []*login.Identity
}

// Own is the certificate of who may read the image, nil if there is none.
func (c Certificates) Own() *tls.Certificate {
	if c.Reader == nil {
		return nil
	}
	return c.Reader.Cert
}

// Only says whether a certificate is all that the reader has.
func (c Certificates) Only() bool { return c.Own() != nil && c.Reader.Secret.Credential.IsZero() }

// Certificates says what is known by now of client certificates here.
func (t *Trial) Certificates() Certificates {
	d := t.door
	c := Certificates{Mutual: d.target.Mutual, Reader: t.subject.entitled}
	d.mu.Lock()
	c.Asked, c.Authorities = d.asksCert, d.authorities
	d.mu.Unlock()
	for i := range d.run.opts.Identities {
		switch id := &d.run.opts.Identities[i]; {
		case &id.Identity == c.Reader:
			c.TestCA = id.TestCA
		case id.Cert != nil && id.Problem == "" && id.For(d.target.Name) && !d.run.mayPull(id, t.subject.ref):
			c.Others = append(c.Others, &id.Identity)
		}
	}
	return c
}

// ServedPlainly asks plainly, and says whether that is served at some address, each time
// that it is asked again on a new connection. The result is a failure without
// words.
func (t *Trial) ServedPlainly(ctx context.Context, plain Attempt) (Result, bool) {
	t.turn(ctx)
	plain.Class, plain.AllLanes = Canonical, false
	for _, v := range t.tryAll(ctx, []Attempt{plain}) {
		if v.Outcome != finding.Fail {
			continue
		}
		for n := range confirmations {
			a := v.attempt
			a.Again, a.Fresh, a.Confirms = n+1, true, true
			again := t.try(ctx, a, v.lane)
			if again.Outcome != finding.Fail {
				return Result{}, false // one replica of several, or a cache: others tell of that
			}
			v.Evidence = append(v.Evidence, again.Evidence...)
		}
		return Result{
			Outcome: finding.Fail, Observed: "allow", Subject: v.Subject, Control: v.Control, Attempts: 1 + confirmations,
			Evidence: v.Evidence[max(0, len(v.Evidence)-4):], Address: v.lane.Address.Addr().String(), Protocol: string(v.lane.Proto),
		}, true
	}
	return Result{}, false
}

// Gets asks as somebody and says whether that is served, with the exchanges: the
// control of attempts that must not be.
func (t *Trial) Gets(ctx context.Context, a Attempt) (bool, Verdict) {
	t.turn(ctx)
	a.Class, a.Judge = Variant, JudgeOdd
	v := t.try(ctx, a, t.door.first())
	return v.Outcome == finding.Fail, v
}

// Place is where a client certificate is asked for, or what TLS is looked at: the
// API or the token service of the registry, at one address.
type Place struct {
	Origin  string // scheme://host[:port]
	Host    string // the name of the handshake
	Token   bool
	request wire.Request
	of      wire.Request // for the manifest; the zero value is none
}

// Manifest is the same place, asked for the image's manifest.
func (p Place) Manifest() Place {
	p.request = p.of
	return p
}

// Address is what is dialled there.
func (p Place) Address() string { return p.request.Address.Addr().String() }

// At is the same with the port.
func (p Place) At() netip.AddrPort { return p.request.Address }

// Places are the API at each address, and the token service that clients were
// sent to, if it speaks TLS and is known to belong to the registry. The reason
// says why there is none.
func (t *Trial) Places(ctx context.Context) (places []Place, why string) {
	d := t.door
	for _, lane := range d.addressLanes() {
		r := d.request(question{lane: lane, id: anonymous, request: oci.Request{Method: http.MethodGet, Kind: oci.Ping}})
		of := d.request(question{lane: lane, id: anonymous, request: manifestOf(t.Repository(), t.Reference()), limits: image.Limits{Limit: wire.DefaultLimit}})
		places = append(places, Place{Origin: d.name(), Host: d.ep.URL.Hostname(), request: r, of: of})
	}
	p, why := t.tokenPlace(ctx)
	if why == "" {
		places = append(places, p)
	}
	return places, why
}

func (t *Trial) tokenPlace(ctx context.Context) (Place, string) {
	d := t.door
	challenges := d.lastChallenges()
	i := slices.IndexFunc(challenges, func(c login.Challenge) bool { return c.Scheme == "bearer" && c.Params["realm"] != "" })
	switch {
	case i < 0:
		return Place{}, noService
	case d.run.planning():
		return Place{}, "a plan asks no token service"
	}
	to, why := login.Known(ctx, d.reg, d.target.Realms, challenges[i].Params["realm"])
	switch {
	case why != "":
		return Place{}, why
	case to.URL.Scheme != "https":
		return Place{}, noTLS
	case !login.Owned(d.reg, login.Identity{Realms: d.target.Realms}, to):
		return Place{}, fmt.Sprintf("the token service %s is neither on the registry's host nor named for it, so it is not asked oddly: name it under realms, or pass --allow-realm", to.Origin)
	}
	q := to.URL.Query()
	if s := challenges[i].Params["service"]; s != "" {
		q.Set("service", s)
	}
	if t.Repository() != "" {
		q.Set("scope", d.scope(question{request: manifestOf(t.Repository(), t.Reference())}))
	}
	u := url.URL{Scheme: to.URL.Scheme, Host: to.URL.Host}
	return Place{Origin: u.String(), Host: to.URL.Hostname(), Token: true, request: wire.Request{
		Identity: anonymous.Name, Method: http.MethodGet, Scheme: "https", Host: to.URL.Host, SNI: to.URL.Hostname(), Address: to.Address,
		Target: to.URL.EscapedPath() + "?" + q.Encode(), Header: d.reg.Headers, Sensitive: true,
	}}, ""
}

// Names are the other names under which a server at this endpoint may have other
// sites: those in its certificate, and the hosts of the registry's other ways in.
func (t *Trial) Names() []string {
	d := t.door
	d.mu.Lock()
	names := slices.Clone(d.names)
	d.mu.Unlock()
	for _, e := range d.target.Endpoints {
		names = append(names, e.URL.Hostname())
	}
	var out []string
	for _, n := range names {
		_, err := netip.ParseAddr(n)
		if n = strings.ToLower(n); err != nil && !strings.Contains(n, "*") && n != strings.ToLower(d.ep.URL.Hostname()) && !slices.Contains(out, n) && len(out) < maxNames {
			out = append(out, n)
		}
	}
	return out
}

// Holds says whether an answer holds the image's manifest, or one that names a
// layer of it.
func (t *Trial) Holds(resp wire.Response) (*finding.Subject, bool) {
	a := Attempt{Request: manifestOf(t.Repository(), t.Reference())}
	if c := t.matches(a, resp); c != nil {
		return subjectOf(c), true
	}
	v, ok := t.namesPrivate(a, Answer{Response: resp})
	return v.Subject, ok
}

// ReadBy are the exchanges in which the entitled read the image here, or at
// another endpoint of the registry; none when nobody did.
func (t *Trial) ReadBy() []string {
	trail, _ := t.control(Attempt{})
	return trail
}

// maxPage is how much of an answer is read where only its status counts, in bytes.
const maxPage = 64 << 10

// At asks a place once on a connection of its own, without any credential but
// what change adds: a certificate, a session, another name.
func (t *Trial) At(ctx context.Context, p Place, change func(*wire.Request)) wire.Response {
	t.turn(ctx)
	r := p.request
	r.Header = slices.Clone(r.Header)
	r.Fresh, r.Timeout, r.Limit = true, oddTimeout, cmp.Or(r.Limit, maxPage)
	if change != nil {
		change(&r)
	}
	resp := paced{d: t.door, odd: true, stop: func() string {
		if !t.door.sentinels.good() || t.door.pace.slowed() {
			return throttled
		}
		return t.door.stopped(anonymous)
	}}.Do(ctx, r)
	t.door.count(question{id: anonymous}, resp)
	return resp
}

// LogIn makes the token flow of an identity for the image, as the registry asked
// for it, and keeps the token out of every record.
func (t *Trial) LogIn(ctx context.Context, id login.Identity) login.Grant {
	t.turn(ctx)
	d := t.door
	grant := d.logins.Authorize(ctx, d.reg, id, rescoped(d.lastChallenges(), true), d.scope(question{request: manifestOf(t.Repository(), t.Reference())}))
	if _, token, ok := strings.Cut(grant.Header, " "); ok {
		d.run.opts.Recorder.Hide(token)
	}
	return grant
}
