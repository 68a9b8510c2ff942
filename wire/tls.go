// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"github.com/regproof/regproof/evidence"
)

// Trust says which certificates are accepted. The zero value trusts the
// system's roots and nothing else.
type Trust struct {
	Roots    *x509.CertPool // nil is the system's
	Insecure bool           // go on when the certificate does not verify; the problem is recorded
}

// at is what is trusted at a place.
func (t Trust) at(p place) Trust {
	t.Insecure = t.Insecure || p.anyName
	return t
}

// handshake makes TLS on conn. It verifies by itself instead of letting
// crypto/tls do it, so that a certificate that does not verify is recorded
// as the reason, also when the run goes on.
func handshake(ctx context.Context, conn net.Conn, trust Trust, at place, alpn []string) (*tls.Conn, *evidence.TLS, error) {
	trust = trust.at(at)
	name := strings.TrimSuffix(strings.Trim(at.sni, "[]"), ".")
	seen := &evidence.TLS{}
	cfg := &tls.Config{
		ServerName:         name,
		NextProtos:         alpn,
		MinVersion:         tls.VersionTLS12,
		MaxVersion:         at.max,
		InsecureSkipVerify: true, // VerifyConnection below does it
		VerifyConnection: func(cs tls.ConnectionState) error {
			seen.Version = tls.VersionName(cs.Version)
			seen.Cipher = tls.CipherSuiteName(cs.CipherSuite)
			seen.ALPN = cs.NegotiatedProtocol
			seen.Names = names(cs.PeerCertificates)
			seen.Resumed = cs.DidResume
			err := verify(cs, trust.Roots, name)
			seen.Verified = err == nil
			if err != nil {
				seen.Problem = problem(err)
				if !trust.Insecure {
					return err
				}
			}
			return nil
		},
	}
	if at.session != nil {
		cfg.ClientSessionCache = at.session.cache
	}
	cfg.GetClientCertificate = func(asked *tls.CertificateRequestInfo) (*tls.Certificate, error) {
		seen.Asked, seen.Authorities = true, authorities(asked.AcceptableCAs)
		if at.cert == nil {
			return &tls.Certificate{}, nil
		}
		seen.Presented = subject(at.cert)
		return at.cert, nil
	}
	tc := tls.Client(conn, cfg)
	if err := tc.HandshakeContext(ctx); err != nil {
		// TLS 1.2 says it with the alert 40 (RFC 5246 section 7.4.6).
		if seen.Asked && strings.Contains(err.Error(), "remote error: tls: handshake failure") {
			err = fmt.Errorf("%w: %w", errClientCert, err)
		}
		return nil, seen, fmt.Errorf("%w: %w", errHandshake, err)
	}
	return tc, seen, nil
}

func verify(cs tls.ConnectionState, roots *x509.CertPool, name string) error {
	if len(cs.PeerCertificates) == 0 {
		return fmt.Errorf("the server presented no certificate")
	}
	if name == "" { // or a certificate of any name would do
		return fmt.Errorf("no name to verify the certificate for")
	}
	opts := x509.VerifyOptions{Roots: roots, DNSName: name, Intermediates: x509.NewCertPool()}
	if a, err := netip.ParseAddr(name); err == nil {
		opts.DNSName = "[" + a.String() + "]" // how x509 wants an address
	}
	for _, c := range cs.PeerCertificates[1:] {
		opts.Intermediates.AddCert(c)
	}
	_, err := cs.PeerCertificates[0].Verify(opts)
	return err
}

// maxNames bounds how many names of a certificate are kept.
const maxNames = 100

// names are the subject alternative names of the server's own certificate:
// DNS names, then addresses. Whoever made it chose them.
func names(chain []*x509.Certificate) []string {
	if len(chain) == 0 {
		return nil
	}
	var out []string
	for _, n := range chain[0].DNSNames[:min(len(chain[0].DNSNames), maxNames)] {
		out = append(out, evidence.Printable(n, 253))
	}
	for _, a := range chain[0].IPAddresses {
		if len(out) == maxNames {
			break
		}
		out = append(out, a.String())
	}
	return out
}

// maxAuthorities bounds how many names of authorities are kept, and maxDN how
// long each may be, in bytes.
const (
	maxAuthorities = 8
	maxDN          = 2048
)

// authorities are the first names of a certificate request.
func authorities(list [][]byte) [][]byte {
	var out [][]byte
	for _, dn := range list {
		if len(dn) <= maxDN && len(out) < maxAuthorities {
			out = append(out, slices.Clone(dn))
		}
	}
	return out
}

// subject names a client certificate: its subject, or where that is empty its
// first alternative name.
func subject(c *tls.Certificate) string {
	leaf := c.Leaf
	if leaf == nil && len(c.Certificate) > 0 {
		leaf, _ = x509.ParseCertificate(c.Certificate[0])
	}
	if leaf == nil {
		return "a certificate that cannot be read"
	}
	name := leaf.Subject.String()
	if name == "" && len(leaf.URIs) > 0 {
		name = leaf.URIs[0].String()
	}
	if name == "" && len(leaf.DNSNames) > 0 {
		name = leaf.DNSNames[0]
	}
	return evidence.Printable(cmp.Or(name, "a certificate without a name"), 256)
}

// clock is what crypto/x509 says of the time: it differs from one handshake to the
// next, and so do reasons that are the same.
var clock = regexp.MustCompile(`current time \S+ is (before|after) (\S+)`)

// problem is why a certificate does not verify, in the same words each time.
func problem(err error) string { return clock.ReplaceAllString(err.Error(), "it is $1 $2") }
