// SPDX-License-Identifier: Apache-2.0

package peer

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"testing"
	"time"
)

// Authority is a certificate authority of a test, and one certificate for
// loopback and localhost made by it, good for servers and clients, as PEM
// files.
type Authority struct {
	CA, Cert, Key string

	ca  *x509.Certificate
	key *ecdsa.PrivateKey
}

// NewAuthority makes an authority that lives for a day.
func NewAuthority(tb testing.TB) Authority {
	tb.Helper()
	dir := tb.TempDir()
	caKey, leafKey := newKey(tb), newKey(tb)
	ca := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "peer test authority"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, ca, ca, &caKey.PublicKey, caKey)
	if err != nil {
		tb.Fatal(err)
	}
	a := Authority{ca: ca, key: caKey, CA: write(tb, dir, "ca.pem", pemOf("CERTIFICATE", der))}
	a.Cert, a.Key = a.Issue(tb, leafKey, nil)
	return a
}

// Issue makes another certificate for a key, like the one of the authority but
// for what change does to it, and returns the files of both.
func (a Authority) Issue(tb testing.TB, key crypto.Signer, change func(*x509.Certificate)) (cert, keyFile string) {
	tb.Helper()
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: "peer"}, NotBefore: a.ca.NotBefore, NotAfter: a.ca.NotAfter,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		DNSNames: []string{"localhost", "registry.test", "public.test"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv4(127, 0, 0, 2), net.IPv6loopback},
	}
	if change != nil {
		change(leaf)
	}
	der, err := x509.CreateCertificate(rand.Reader, leaf, a.ca, key.Public(), a.key)
	if err != nil {
		tb.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		tb.Fatal(err)
	}
	dir := tb.TempDir()
	return write(tb, dir, "cert.pem", pemOf("CERTIFICATE", der)), write(tb, dir, "key.pem", pemOf("PRIVATE KEY", private))
}

func pemOf(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

func newKey(tb testing.TB) *ecdsa.PrivateKey {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	return key
}

// Clients is an authority of client certificates, and its key, as PEM files.
type Clients struct {
	CA, Key string

	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// NewClients makes an authority that lives for a day.
func NewClients(tb testing.TB, name string) Clients {
	tb.Helper()
	c := Clients{key: newKey(tb), cert: &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
	}}
	c.CA, c.Key = c.write(tb, c.cert, c.key)
	return c
}

// Issue makes a client certificate for a name. change may spoil it: nil is good.
func (c Clients) Issue(tb testing.TB, name string, change func(*x509.Certificate)) (cert, key string) {
	tb.Helper()
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, NotBefore: c.cert.NotBefore, NotAfter: c.cert.NotAfter,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	if change != nil {
		change(leaf)
	}
	return c.write(tb, leaf, newKey(tb))
}

// Expired is for Issue: the certificate ended a minute ago.
func Expired(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) }

// ForServers is for Issue: the certificate is good for servers alone.
func ForServers(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth} }

func (c Clients) write(tb testing.TB, leaf *x509.Certificate, key *ecdsa.PrivateKey) (certFile, keyFile string) {
	tb.Helper()
	der, err := x509.CreateCertificate(rand.Reader, leaf, c.cert, &key.PublicKey, c.key)
	if err != nil {
		tb.Fatal(err)
	}
	plain, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		tb.Fatal(err)
	}
	dir := tb.TempDir()
	return write(tb, dir, "client.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))),
		write(tb, dir, "client-key.pem", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: plain})))
}
