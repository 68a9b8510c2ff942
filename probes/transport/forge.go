// SPDX-License-Identifier: Apache-2.0

package transport

import (
	"bytes"
	"cmp"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"math/big"
	"slices"
	"time"
)

// shown is a client certificate that is tried, in the words of a finding.
type shown struct {
	who  string // "a self-signed certificate"
	why  string // what the server does wrong where it is accepted, as a sentence
	cert *tls.Certificate
}

// skew is how far clocks may be apart.
const skew = time.Hour

// forger is an authority that certificates are made with.
type forger struct {
	cert *x509.Certificate
	key  crypto.Signer
	tail [][]byte // sent after the leaf
}

// sign makes a certificate of a template, with a new key. It returns nil where
// none can be made: a subject that came from elsewhere may be of any kind.
func (s forger) sign(leaf x509.Certificate) *tls.Certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil
	}
	leaf.SerialNumber, leaf.KeyUsage, leaf.BasicConstraintsValid = serial, x509.KeyUsageDigitalSignature, true
	der, err := x509.CreateCertificate(rand.Reader, &leaf, s.cert, key.Public(), s.key)
	if err != nil {
		return nil
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		return nil
	}
	return &tls.Certificate{Certificate: append([][]byte{der}, s.tail...), PrivateKey: key, Leaf: parsed}
}

// alone makes a certificate that signs itself.
func alone(leaf x509.Certificate) *tls.Certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil
	}
	leaf.SerialNumber, leaf.KeyUsage = big.NewInt(time.Now().UnixNano()), x509.KeyUsageDigitalSignature
	der, err := x509.CreateCertificate(rand.Reader, &leaf, &leaf, key.Public(), key)
	if err != nil {
		return nil
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		return nil
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: parsed}
}

// madeUp makes an authority that nobody has heard of, under a name that somebody
// has: dn is its distinguished name in DER, id the key id that it claims.
func madeUp(dn, id []byte) (forger, bool) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return forger{}, false
	}
	ca := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), RawSubject: dn, SubjectKeyId: id, NotBefore: time.Now().Add(-365 * 24 * time.Hour), NotAfter: time.Now().Add(365 * 24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, ca, ca, key.Public(), key)
	if err != nil {
		return forger{}, false
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return forger{}, false
	}
	return forger{cert: cert, key: key, tail: [][]byte{der}}, true
}

// given is a test authority whose key is at hand.
func given(ca *tls.Certificate) (forger, bool) {
	if ca == nil {
		return forger{}, false
	}
	cert := leafOf(ca)
	key, ok := ca.PrivateKey.(crypto.Signer)
	if cert == nil || !ok {
		return forger{}, false
	}
	s := forger{cert: cert, key: key}
	if !bytes.Equal(cert.RawSubject, cert.RawIssuer) { // it is an intermediate: the server may not have it
		s.tail = slices.Clone(ca.Certificate)
	}
	return s, true
}

func leafOf(c *tls.Certificate) *x509.Certificate {
	if c == nil || len(c.Certificate) == 0 {
		return nil
	}
	if c.Leaf != nil {
		return c.Leaf
	}
	leaf, err := x509.ParseCertificate(c.Certificate[0])
	if err != nil {
		return nil
	}
	return leaf
}

// like is a template with the names of a certificate, good for a client now. For
// nil the name is one of this run.
func like(real *x509.Certificate, run string) x509.Certificate {
	t := x509.Certificate{
		Subject: pkix.Name{CommonName: run}, NotBefore: time.Now().Add(-skew), NotAfter: time.Now().Add(24 * time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	if real != nil {
		t.RawSubject, t.Subject = real.RawSubject, real.Subject
		t.DNSNames, t.EmailAddresses, t.IPAddresses, t.URIs = real.DNSNames, real.EmailAddresses, real.IPAddresses, real.URIs
	}
	return t
}

// within sets from when to when a template is good, from now.
func within(t x509.Certificate, from, to time.Duration) x509.Certificate {
	t.NotBefore, t.NotAfter = time.Now().Add(from), time.Now().Add(to)
	return t
}

// maxAuthorities is how many authorities of a server are named after.
const maxAuthorities = 3

// strangers are certificates of nobody: with the names of the real one, and of
// authorities that are named like those that the server accepts.
func strangers(real *tls.Certificate, authorities [][]byte, run string) []shown {
	leaf := leafOf(real)
	names := like(leaf, run)
	out := []shown{{"a self-signed certificate", "The server asks for a certificate and does not verify who signed it.", alone(names)}}
	if leaf != nil {
		out[0].who += " with the names of the real one"
		if !slices.ContainsFunc(authorities, func(dn []byte) bool { return bytes.Equal(dn, leaf.RawIssuer) }) {
			authorities = append([][]byte{leaf.RawIssuer}, authorities...)
		}
	}
	for i, dn := range authorities[:min(len(authorities), maxAuthorities)] {
		var id []byte
		if leaf != nil && bytes.Equal(dn, leaf.RawIssuer) {
			id = leaf.AuthorityKeyId
		}
		ca, ok := madeUp(dn, id)
		if !ok {
			continue
		}
		who := "a certificate of a made-up authority named " + nameOf(dn)
		const why = "The server compares the name of the authority, and does not verify its signature."
		out = append(out, shown{who, why, ca.sign(names)})
		if i == 0 {
			out = append(out, shown{"an expired certificate of a made-up authority named " + nameOf(dn), why, ca.sign(within(names, -72*time.Hour, -48*time.Hour))})
		}
	}
	if len(authorities) == 0 {
		dn, err := asn1.Marshal(pkix.Name{CommonName: run + " authority"}.ToRDNSequence())
		if ca, ok := madeUp(dn, nil); ok && err == nil {
			out = append(out, shown{"an expired certificate of a made-up authority", out[0].why, ca.sign(within(names, -72*time.Hour, -48*time.Hour))})
		}
	}
	return slices.DeleteFunc(out, func(s shown) bool { return s.cert == nil })
}

// nameOf is a distinguished name for people.
func nameOf(dn []byte) string {
	var name pkix.RDNSequence
	if rest, err := asn1.Unmarshal(dn, &name); err != nil || len(rest) > 0 {
		return "something that cannot be read"
	}
	text := []rune(cmp.Or(name.String(), "nothing"))
	return string(text[:min(len(text), 80)])
}
