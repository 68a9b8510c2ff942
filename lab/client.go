// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net/url"
	"strings"
	"time"
)

// SPIFFE is who may read everything at the doors that go by SPIFFE IDs.
const SPIFFE = "spiffe://lab.test/team-a/ci"

// clientAuthority is the authority of a lab's client certificates. It is another one
// than that of the server's certificate, as it should be.
type clientAuthority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pool *x509.CertPool
}

func newClients() (*clientAuthority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	ca := &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()), Subject: pkix.Name{Organization: []string{"regproof lab"}, CommonName: "clients"},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(30 * 24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, ca, ca, key.Public(), key)
	if err != nil {
		return nil, err
	}
	c := &clientAuthority{key: key, pool: x509.NewCertPool()}
	if c.cert, err = x509.ParseCertificate(der); err != nil {
		return nil, err
	}
	c.pool.AddCert(c.cert)
	return c, nil
}

// ClientCA is the authority of the lab's client certificates, PEM, with its key:
// what a test of client certificates needs to make those that must be refused.
func (l *Lab) ClientCA() (cert, key []byte, err error) {
	der, err := x509.MarshalPKCS8PrivateKey(l.clients.key)
	if err != nil {
		return nil, nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: l.clients.cert.Raw}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}

// ClientCert makes a client certificate for a name, or for a SPIFFE ID. Where a
// certificate is the credential, the user's name (User) and SPIFFE may read
// everything, and nobody else may.
func (l *Lab) ClientCert(name string) (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: l.clients.cert.NotBefore, NotAfter: l.clients.cert.NotAfter,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	if strings.HasPrefix(name, "spiffe://") {
		id, err := url.Parse(name)
		if err != nil {
			return tls.Certificate{}, err
		}
		leaf.Subject, leaf.URIs = pkix.Name{Organization: []string{"regproof lab"}}, []*url.URL{id}
	}
	der, err := x509.CreateCertificate(rand.Reader, leaf, l.clients.cert, key.Public(), l.clients.key)
	if err != nil {
		return tls.Certificate{}, err
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}
