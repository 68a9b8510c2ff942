// SPDX-License-Identifier: Apache-2.0

package config

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

const maxConcurrent = 256

func (c *checker) registry(r *Registry) {
	r.Base = c.origin("url", &r.URL)
	if r.Type == "" {
		r.Type = Auto
	}
	doors := map[string]Position{}
	if r.Base != nil {
		doors[r.Base.String()] = c.at[&r.URL]
	}
	each(c, r.Endpoints, func(e *Endpoint) { c.endpoint(e, doors) })
	if at, ok := c.at[&r.TLS.Mutual]; ok && r.TLS.Mutual && !speaksTLS(r) {
		c.add(at, "", "mutual: no way in of this registry is https")
	}
	if r.TLS.MinVersion == "" {
		r.TLS.MinVersion = "1.2"
	}
	for i := range r.Tokens.OtherRealms {
		c.realm(&r.Tokens.OtherRealms[i])
	}
	if at, ok := c.at[&r.Tokens.KeyID]; ok && r.Tokens.SigningKey.Resolved == "" {
		c.add(at, "", "keyID: there is no signingKey that it could name")
	}
	c.rate(&r.Rate)
	for i := range r.Redirects {
		c.redirect(&r.Redirects[i])
	}
}

// speaksTLS says whether a way in is https, or may be: one that could not be read.
func speaksTLS(r *Registry) bool {
	tls := func(u *url.URL) bool { return u == nil || u.Scheme == "https" }
	return tls(r.Base) || slices.ContainsFunc(r.Endpoints, func(e Endpoint) bool { return tls(e.Base) })
}

func (c *checker) endpoint(e *Endpoint, doors map[string]Position) {
	e.Base = c.origin("url", &e.URL)
	if e.Role == "" {
		e.Role = Alias
		if e.Base != nil && e.Base.Scheme == "http" {
			e.Role = Plain
		}
	}
	if e.Expect == "" {
		e.Expect = Same
	}
	if at, ok := c.at[&e.Expect]; ok && e.Expect == Redirect && e.Base != nil && e.Base.Scheme != "http" {
		c.add(at, "", "expect: redirect is for http, which should send everybody to https")
	}
	if at, ok := c.at[&e.Prefix]; ok && !prefixShape.MatchString(e.Prefix) {
		c.add(at, "", "prefix: %s is not repository path components with a slash after each", quote(e.Prefix))
	}
	if e.Base == nil {
		return
	}
	door := e.Base.String()
	if e.Address.IsValid() {
		door += " at " + e.Address.String()
	}
	if e.Prefix != "" {
		door += " prefix " + e.Prefix
	}
	if before, twice := doors[door]; twice {
		c.add(e.Pos, "", "this way in is listed twice, first on line %d", before.Line)
	}
	doors[door] = e.Pos
}

func (c *checker) rate(r *Rate) {
	if at, ok := c.at[&r.PerSecond]; ok && r.PerSecond < 0 {
		c.add(at, "", "perSecond: %v is negative; 0 is no limit but an adaptive one", r.PerSecond)
	}
	at, ok := c.at[&r.Concurrent]
	if !ok {
		r.Concurrent = 32
	} else if r.Concurrent < 1 || r.Concurrent > maxConcurrent {
		c.add(at, "", "concurrent: %d is not between 1 and %d", r.Concurrent, maxConcurrent)
	}
}

func (c *checker) redirect(host *string) {
	at, ok := c.at[host]
	if !ok {
		return
	}
	if strings.ContainsAny(*host, "/@") {
		c.add(at, "", "redirects: write host or host:port, not a URL")
		return
	}
	normal, err := hostport(*host, "")
	if err != nil {
		c.add(at, "", "redirects: %s %v", quote(*host), err)
		return
	}
	*host = normal
}

// realm checks the URL of a token service: like an origin, with a path.
func (c *checker) realm(s *string) {
	at, ok := c.at[s]
	if !ok {
		return
	}
	bare := *s
	if i := strings.Index(bare, "://"); i >= 0 {
		if slash := strings.IndexByte(bare[i+3:], '/'); slash >= 0 && !strings.ContainsAny(bare, "?#@") {
			bare = bare[:i+3+slash]
		}
	}
	switch _, err := origin(bare); {
	case errors.Is(err, errInline):
		c.source.hide(at)
		c.add(at, "name the credential under identities, with from", "otherRealms %v", err)
	case err != nil:
		c.add(at, "", "otherRealms %v", err)
	}
}

// origin checks a URL of the form scheme://host[:port]; nil if it is not one.
func (c *checker) origin(key string, s *string) *url.URL {
	at, ok := c.at[s]
	if !ok {
		return nil
	}
	u, err := origin(*s)
	switch {
	case errors.Is(err, errInline):
		c.source.hide(at)
		c.add(at, "name the credential under identities, with from", "%s %v", key, err)
	case err != nil && strings.Contains(*s, "?"):
		c.add(at, "", "%s %v", key, err) // a query may hold a token
	case err != nil:
		hint := ""
		if _, bare := hostport(*s, ""); bare == nil {
			hint = fmt.Sprintf("write https://%s", cut(*s))
		}
		c.add(at, hint, "%s: %s %v", key, quote(*s), err)
	}
	return u
}
