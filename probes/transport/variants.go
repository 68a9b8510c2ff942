// SPDX-License-Identifier: Apache-2.0

package transport

import (
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"net/url"
	"slices"
	"strings"
	"time"
)

// leaning is how a certificate differs from the real one.
type leaning struct {
	who, why string
	change   func(*x509.Certificate)
}

const (
	noTime = "The server does not look at the time for which a certificate is good."
	noName = "The server takes every certificate of the authority, or does not compare the whole name."
)

// spoilt are the ways in which a certificate of the right authority is no good,
// whoever it is for.
var spoilt = []leaning{
	{"an expired certificate", noTime, func(c *x509.Certificate) { *c = within(*c, -72*time.Hour, -48*time.Hour) }},
	{"a certificate that is not valid yet", noTime, func(c *x509.Certificate) { *c = within(*c, 48*time.Hour, 72*time.Hour) }},
	{"a certificate for servers alone", "The server does not look for the usage clientAuth.", func(c *x509.Certificate) {
		c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	}},
}

// others are certificates of other names, the last of which look like the real
// one. They have no SPIFFE ID: that is for a probe of its own.
func others(real *x509.Certificate, run string) []leaning {
	out := []leaning{{"a certificate of another name", noName, func(c *x509.Certificate) {
		rename(c, func(string) string { return run }, func(string) string { return run + ".invalid" })
		c.Subject = pkix.Name{CommonName: run}
	}}}
	name := real.Subject.CommonName
	if name != "" {
		out = append(out, leaning{"a certificate with the real name in other fields", "The server searches the whole subject for the name.", func(c *x509.Certificate) {
			rename(c, func(string) string { return run }, func(string) string { return run + ".invalid" })
			c.Subject = pkix.Name{CommonName: run, Organization: []string{name}, OrganizationalUnit: []string{"CN=" + name}}
		}})
	}
	if name != "" || len(real.DNSNames) > 0 || len(real.EmailAddresses) > 0 {
		longer := func(s string) string { return s + "-evil" }
		before := func(s string) string { return "evil-" + s }
		out = append(out,
			leaning{"a certificate whose name begins like the real one", "The server compares the beginning of the name.", func(c *x509.Certificate) { rename(c, longer, longer) }},
			leaning{"a certificate whose name ends like the real one", "The server compares the end of the name.", func(c *x509.Certificate) { rename(c, before, before) }})
	}
	return out
}

// rename changes every name of a template but its URIs, which it drops.
func rename(c *x509.Certificate, common, alternative func(string) string) {
	c.RawSubject, c.URIs = nil, nil
	c.Subject.ExtraNames = nil
	if c.Subject.CommonName != "" {
		c.Subject.CommonName = common(c.Subject.CommonName)
	}
	change := func(list []string) (out []string) {
		for _, s := range list {
			out = append(out, alternative(s))
		}
		return out
	}
	c.DNSNames, c.EmailAddresses, c.IPAddresses = change(c.DNSNames), change(c.EmailAddresses), nil
}

// spiffeID is the SPIFFE ID of a certificate, nil if it has none.
func spiffeID(c *x509.Certificate) *url.URL {
	if c == nil || len(c.URIs) != 1 || !strings.EqualFold(c.URIs[0].Scheme, "spiffe") || c.URIs[0].Host == "" {
		return nil
	}
	return c.URIs[0]
}

const (
	noDomain = "The server does not compare the trust domain as a whole."
	noPath   = "The server does not compare the path as a whole."
	oneURI   = "The server does not refuse a certificate with more than one URI, as the X.509-SVID specification demands (section 5.2)."
)

// identities are certificates with other SPIFFE IDs than the real one.
func identities(id *url.URL, run string) []leaning {
	is := func(change func(*url.URL)) func(*x509.Certificate) {
		return func(c *x509.Certificate) {
			u := *id
			change(&u)
			c.URIs = []*url.URL{&u}
		}
	}
	foreign := &url.URL{Scheme: "spiffe", Host: run + ".invalid", Path: id.Path}
	out := []leaning{
		{"a certificate with the path in another trust domain", noDomain, is(func(u *url.URL) { u.Host = foreign.Host })},
		{"a certificate with the path in a trust domain that begins like the real one", noDomain, is(func(u *url.URL) { u.Host += "." + foreign.Host })},
		{"a certificate with another path in the trust domain", noPath, is(func(u *url.URL) { u.Path = "/" + run })},
		{"a certificate with a path that begins like the real one", noPath, is(func(u *url.URL) { u.Path = strings.TrimSuffix(u.Path, "/") + "-" + run })},
		{"a certificate with a path below the real one", noPath, is(func(u *url.URL) { u.Path = strings.TrimSuffix(u.Path, "/") + "/" + run })},
		{"a certificate with the path with a slash at its end", noPath, is(func(u *url.URL) { u.Path += "/" })},
		{"a certificate with the ID with a query", noPath, is(func(u *url.URL) { u.RawQuery = "x=" + run })},
		{"a certificate with the ID under another scheme", "The server does not look at the scheme of the ID.", is(func(u *url.URL) { u.Scheme = "https" })},
		{"a certificate with the ID in the common name alone", "The server takes the common name for a SPIFFE ID.", func(c *x509.Certificate) {
			c.RawSubject, c.Subject, c.URIs = nil, pkix.Name{CommonName: id.String()}, nil
		}},
		{"a certificate with the ID behind a foreign one", oneURI, func(c *x509.Certificate) { c.URIs = []*url.URL{foreign, id} }},
		{"a certificate with the ID before a foreign one", oneURI, func(c *x509.Certificate) { c.URIs = []*url.URL{id, foreign} }},
		{"a certificate with the right ID, and expired", noTime, func(c *x509.Certificate) { *c = within(*c, -72*time.Hour, -48*time.Hour) }},
	}
	if up := strings.ToUpper(id.Path); up != id.Path {
		out = append(out, leaning{"a certificate with the path in upper case", "The server compares paths without regard to case.", is(func(u *url.URL) { u.Path = up })})
	}
	return out
}

// made signs certificates that lean from the real one in one way each.
func made(by forger, real *x509.Certificate, list []leaning) []shown {
	var out []shown
	for _, l := range list {
		c := like(real, "")
		l.change(&c)
		out = append(out, shown{l.who, l.why, by.sign(c)})
	}
	return slices.DeleteFunc(out, func(s shown) bool { return s.cert == nil })
}

// twin is a certificate with the names of the real one, which must not be
// refused: else it proves nothing that the others are.
func twin(by forger, real *x509.Certificate) *tls.Certificate { return by.sign(like(real, "")) }
