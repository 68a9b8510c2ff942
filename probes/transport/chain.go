// SPDX-License-Identifier: Apache-2.0

package transport

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/regproof/regproof/evidence"
	"github.com/regproof/regproof/wire"
)

// presented are the handshakes that make a server show its certificates: what
// clients make, and one for each kind of key, since a server may have one of
// each.
func presented() []wire.Hello {
	return append(ordinary(),
		wire.Hello{Version: tls.VersionTLS12, Suites: wire.SuiteGroup{Name: "ECDSA", OpenSSL: "aECDSA", Suites: []uint16{
			tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA,
		}}},
		wire.Hello{Version: tls.VersionTLS12, Suites: wire.SuiteGroup{Name: "RSA", OpenSSL: "aRSA", Suites: []uint16{
			tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA,
			tls.TLS_RSA_WITH_AES_128_GCM_SHA256, tls.TLS_RSA_WITH_AES_128_CBC_SHA,
		}}},
	)
}

// chains are the handshakes that showed a chain, each chain once.
func chains(got []wire.Shaken) []wire.Shaken {
	var out []wire.Shaken
	for _, s := range got {
		if len(s.Chain) > 0 && !slices.ContainsFunc(out, func(o wire.Shaken) bool { return same(o.Chain, s.Chain) }) {
			out = append(out, s)
		}
	}
	return out
}

func same(a, b []*x509.Certificate) bool {
	return slices.EqualFunc(a, b, func(x, y *x509.Certificate) bool { return x.Equal(y) })
}

// unread says whether the server showed something that is no certificate.
func unread(s wire.Shaken) bool {
	return s.Err != nil && strings.Contains(s.Err.Error(), "failed to parse certificate")
}

// faults are the reasons for which clients refuse a chain, in words; nil when
// it verifies.
func faults(chain []*x509.Certificate, name string, roots *x509.CertPool, now time.Time) []string {
	leaf := chain[0]
	var out []string
	within := now
	switch {
	case now.After(leaf.NotAfter):
		out = append(out, "it expired on "+day(leaf.NotAfter))
		within = leaf.NotAfter
	case now.Before(leaf.NotBefore):
		out = append(out, "it is not valid before "+day(leaf.NotBefore))
		within = leaf.NotBefore
	}
	if err := leaf.VerifyHostname(bracketed(name)); err != nil {
		out = append(out, fmt.Sprintf("it is not for %s but for %s", name, list(holders(leaf))))
	}
	opts := x509.VerifyOptions{Roots: roots, Intermediates: x509.NewCertPool(), CurrentTime: within}
	for _, c := range chain[1:] {
		opts.Intermediates.AddCert(c)
	}
	var invalid x509.CertificateInvalidError
	if _, err := leaf.Verify(opts); err != nil && (within.Equal(now) || !errors.As(err, &invalid) || invalid.Reason != x509.Expired) {
		out = append(out, untrusted(chain, err))
	}
	return out
}

// untrusted says what is wrong with the way from a certificate to a root.
func untrusted(chain []*x509.Certificate, err error) string {
	leaf, last := chain[0], chain[len(chain)-1]
	var unknown x509.UnknownAuthorityError
	var invalid x509.CertificateInvalidError
	switch {
	case errors.As(err, &unknown) && slices.ContainsFunc(chain, brokenSignature):
		return "its chain has a signature with MD5 or SHA-1"
	case errors.As(err, &unknown) && selfSigned(leaf):
		return "it is signed by itself"
	case errors.As(err, &unknown) && len(chain) == 1:
		return fmt.Sprintf("it was sent without the certificate of its issuer, %s, which is no authority that is trusted here: an intermediate is missing, or the authority is unknown", who(leaf.Issuer.String()))
	case errors.As(err, &unknown) && selfSigned(last):
		return fmt.Sprintf("its authority, %s, is not trusted here", who(last.Subject.String()))
	case errors.As(err, &unknown):
		return fmt.Sprintf("its chain ends at %s, which is no authority that is trusted here", who(last.Issuer.String()))
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired && invalid.Cert != nil && !invalid.Cert.Equal(leaf):
		return fmt.Sprintf("%s in its chain is valid from %s to %s", who(invalid.Cert.Subject.String()), day(invalid.Cert.NotBefore), day(invalid.Cert.NotAfter))
	}
	return strings.TrimPrefix(err.Error(), "x509: ")
}

// selfSigned says whether a certificate names itself as its issuer. Its
// signature is not looked at: with SHA-1 it would not be.
func selfSigned(c *x509.Certificate) bool { return string(c.RawIssuer) == string(c.RawSubject) }

// holders are the names that a certificate is for, at most five.
func holders(c *x509.Certificate) []string {
	var out []string
	for _, n := range c.DNSNames {
		out = append(out, who(n))
	}
	for _, a := range c.IPAddresses {
		out = append(out, a.String())
	}
	if len(out) == 0 {
		return []string{"no name at all (its subject is " + who(c.Subject.String()) + ", which counts for nothing)"}
	}
	if len(out) > 5 {
		out = append(out[:5], fmt.Sprintf("%d more", len(out)-5))
	}
	return out
}

// who bounds what a certificate says of itself.
func who(s string) string {
	if s == "" {
		return "a name that is empty"
	}
	return evidence.Printable(s, 120)
}

func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }

// bracketed is how x509 wants an address.
func bracketed(name string) string {
	if a, err := netip.ParseAddr(name); err == nil {
		return "[" + a.String() + "]"
	}
	return name
}
