// SPDX-License-Identifier: Apache-2.0

package config

import (
	"net/netip"
	"net/url"
	"strings"
)

// upstream checks where regproof listens as an upstream, and under which two hosts: that of the upstream itself, and
// another, which a cache must not take for it.
func (c *checker) upstream(u *Upstream) {
	at, bound := c.at[&u.Listen]
	if !bound {
		return
	}
	u.Base = c.origin("url", &u.URL)
	if _, given := c.given[&u.URL]; !given {
		if u.Listen.Addr().IsUnspecified() {
			c.add(u.Pos, "", "upstream: url is needed with listen: %s, which is every address", u.Listen)
			return
		}
		u.Base = &url.URL{Scheme: "http", Host: u.Listen.String()}
	}
	u.Foreign = c.origin("realm", &u.Realm)
	if u.Base == nil {
		return
	}
	if _, given := c.given[&u.Realm]; !given {
		u.Foreign = u.elsewhere()
		if u.Foreign == nil {
			c.add(at, "a name in DNS or an IP address by which the cache reaches it, too", "upstream: realm is needed: another host than that of url, for the same listener")
		}
		return
	}
	if u.Foreign != nil && strings.EqualFold(u.Foreign.Hostname(), u.Base.Hostname()) {
		c.add(c.at[&u.Realm], "", "realm: %s is the host of url: a token service there is not foreign", quote(u.Foreign.Hostname()))
	}
}

// elsewhere is the listener by another host than that of its URL, without asking DNS: by its IP address where the URL
// has a name, by the name localhost on loopback. Nil is none.
func (u *Upstream) elsewhere() *url.URL {
	ip := u.Listen.Addr()
	base, err := netip.ParseAddr(u.Base.Hostname())
	switch {
	case u.Base.Scheme != "http":
		return nil // what ends TLS before the listener has a port that is not known here
	case err != nil && !ip.IsUnspecified():
		return &url.URL{Scheme: "http", Host: u.Listen.String()}
	case err == nil && base.IsLoopback() && (ip.IsLoopback() || ip.IsUnspecified()):
		host := "localhost"
		if port := u.Base.Port(); port != "" {
			host += ":" + port
		}
		return &url.URL{Scheme: "http", Host: host}
	}
	return nil
}
