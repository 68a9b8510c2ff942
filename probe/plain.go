// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"golang.org/x/net/publicsuffix"

	"github.com/regproof/regproof/credential"
	"github.com/regproof/regproof/login"
	"github.com/regproof/regproof/oci"
	"github.com/regproof/regproof/wire"
)

// PlainPorts are where plain HTTP is looked for at one address beside https: the
// usual port, unless the configuration names it as a way in of its own, and the
// port of the place itself, since some servers answer both there.
func (t *Trial) PlainPorts(p Place) []netip.AddrPort {
	port, at := t.door.run.opts.PlainPort, p.At()
	if port == 0 {
		port = 80
	}
	var out []netip.AddrPort
	if usual := netip.AddrPortFrom(at.Addr(), port); usual != at && !t.configured("http://"+authority(p.Host, port)) {
		out = append(out, usual)
	}
	return append(out, at)
}

// authority is a host with another port, as in a URL of http.
func authority(host string, port uint16) string {
	if port != 80 {
		return net.JoinHostPort(host, fmt.Sprint(port))
	}
	if strings.Contains(host, ":") {
		return "[" + host + "]"
	}
	return host
}

// InClear asks one port of the endpoint's host with plain HTTP, as a stranger,
// without a login and on a connection of its own, for at most three seconds.
// The same question is asked once, unless again is set.
func (t *Trial) InClear(ctx context.Context, at netip.AddrPort, r oci.Request, again bool) Answer {
	d := t.door
	req := wire.Request{Method: r.Method, Target: r.Target(), Host: authority(d.ep.URL.Hostname(), at.Port()), Header: slices.Clone(d.reg.Headers)}
	if len(r.Accept) > 0 {
		req.Header = append(req.Header, [2]string{"Accept", strings.Join(r.Accept, ", ")})
	}
	return t.inClear(ctx, at, req, again)
}

// TokenInClear asks one port of a token service's host in the same way for a
// token without any right: no scope is named.
func (t *Trial) TokenInClear(ctx context.Context, at netip.AddrPort, p Place, again bool) Answer {
	return t.inClear(ctx, at, wire.Request{
		Method: http.MethodGet, Target: p.request.Target, Host: authority(p.Host, at.Port()), Header: slices.Clone(p.request.Header), Limit: maxPage, Sensitive: true,
	}, again)
}

func (t *Trial) inClear(ctx context.Context, at netip.AddrPort, req wire.Request, again bool) Answer {
	d := t.door
	req.Identity, req.Scheme, req.Address, req.Proto, req.Fresh, req.Timeout = anonymous.Name, "http", at, wire.HTTP11, true, shutTimeout
	once := func() shared {
		resp := paced{d: d, stop: func() string { return d.stopped(anonymous) }, aside: true}.Do(ctx, req)
		if d.run.planning() {
			resp = wire.Response{Request: req, Failure: wire.Refused}
		}
		return shared{resp: resp, trail: []string{resp.ID}}
	}
	var s shared
	if again {
		s = once()
	} else {
		s = t.share(ctx, key(phaseAsk, req), once)
	}
	a := Answer{Response: s.resp, First: s.resp, Trail: s.trail}
	if s.resp.Failure == wire.Canceled {
		a.NotAsked = "interrupted"
		if s.resp.Err != nil && ctx.Err() == nil {
			a.NotAsked = s.resp.Err.Error()
		}
	}
	return a
}

// PrivateManifest is the request for a manifest that is meant to be private, and
// how to recognise it: by its digest, when the entitled were seen to get it, else
// as any manifest. ok is false when no image is known.
func (t *Trial) PrivateManifest() (r oci.Request, is func(wire.Response) bool, ok bool) {
	s := t.door.target.seen
	s.mu.Lock()
	repository, digest := s.repository, s.digest
	s.mu.Unlock()
	if digest != "" {
		return manifestOf(repository, string(digest)), func(resp wire.Response) bool {
			return resp.Status == http.StatusOK && resp.SHA256 == digest.Encoded()
		}, true
	}
	image, ok := t.anyPrivate()
	if !ok {
		return oci.Request{}, nil, false
	}
	return manifestOf(t.door.ep.Prefix+image.Repository, image.Reference), func(resp wire.Response) bool {
		doc, err := oci.ParseDocument(resp.Body)
		return err == nil && resp.Status == http.StatusOK && (len(doc.Layers) > 0 || len(doc.Manifests) > 0)
	}, true
}

// Kinship is how a token service is related to a registry.
type Kinship int

// The kinships: one that nothing is known of, one under the same registrable
// domain, one that is known to belong to it.
const (
	Foreign Kinship = iota
	Relative
	Own
)

// Realm says where a token realm leads, and how that is related to the registry:
// its own host, a well-known one, or one that the configuration names. ok is
// false when it is no URL that a client would follow.
func (t *Trial) Realm(realm string) (origin credential.Origin, is Kinship, ok bool) {
	d := t.door
	u, err := d.ep.URL.Parse(realm)
	if err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") {
		return "", Foreign, false
	}
	if origin, err = credential.ParseOrigin(u.Scheme + "://" + u.Host); err != nil {
		return "", Foreign, false
	}
	switch {
	case strings.EqualFold(u.Hostname(), d.ep.URL.Hostname()), t.configured(string(origin)),
		login.Trusted(d.reg, login.Identity{Realms: d.target.Realms}, wire.Destination{URL: u, Origin: origin}):
		return origin, Own, true
	case related(u.Hostname(), d.ep.URL.Hostname()):
		return origin, Relative, true
	}
	return origin, Foreign, true
}

// related says whether two names were registered as one.
func related(a, b string) bool {
	parent := func(name string) string {
		name = strings.ToLower(strings.TrimSuffix(name, "."))
		if _, err := netip.ParseAddr(name); err == nil {
			return ""
		}
		domain, err := publicsuffix.EffectiveTLDPlusOne(name)
		if err != nil {
			return ""
		}
		return domain
	}
	p := parent(a)
	return p != "" && p == parent(b)
}
