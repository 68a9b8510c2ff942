// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"net"
	"time"

	"golang.org/x/crypto/ocsp"
)

// secure changes how a door makes TLS.
type secure func(*tls.Config, *authority) error

// fromVersion offers older versions too.
func fromVersion(version uint16) secure {
	return func(c *tls.Config, _ *authority) error {
		c.MinVersion = version
		return nil
	}
}

// alsoSuites offers these in front of what is good, up to TLS 1.2.
func alsoSuites(suites ...uint16) secure {
	return func(c *tls.Config, _ *authority) error {
		c.CipherSuites = append(suites, tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256)
		return nil
	}
}

// issued serves a certificate of the lab's authority that is changed.
func issued(change func(*x509.Certificate)) secure {
	return func(c *tls.Config, a *authority) (err error) {
		c.Certificates = make([]tls.Certificate, 1)
		c.Certificates[0], err = a.issue(change, nil)
		return err
	}
}

// withRSA serves a certificate for an RSA key.
func withRSA(bits int, more ...secure) secure {
	return func(c *tls.Config, a *authority) error {
		key, err := rsa.GenerateKey(rand.Reader, bits)
		if err != nil {
			return err
		}
		c.Certificates = make([]tls.Certificate, 1)
		if c.Certificates[0], err = a.issue(nil, key); err != nil {
			return err
		}
		for _, m := range more {
			if err := m(c, a); err != nil {
				return err
			}
		}
		return nil
	}
}

func expired(c *x509.Certificate) {
	c.NotBefore, c.NotAfter = time.Now().Add(-48*time.Hour), time.Now().Add(-24*time.Hour)
}

func notYet(c *x509.Certificate) { c.NotBefore = time.Now().Add(24 * time.Hour) }

func otherName(c *x509.Certificate) { c.DNSNames, c.IPAddresses = []string{"other.test"}, nil }

// withSHA1 is a signature that clients of today refuse.
func withSHA1(c *x509.Certificate) { c.SignatureAlgorithm = x509.ECDSAWithSHA1 }

// selfSigned serves a certificate that nobody vouches for.
func selfSigned(c *tls.Config, _ *authority) error {
	key, err := newKey()
	if err != nil {
		return err
	}
	ca, err := authorityNamed("regproof lab", key, nil, key)
	if err != nil {
		return err
	}
	alone := &authority{ca: ca, key: key}
	c.Certificates = make([]tls.Certificate, 1)
	c.Certificates[0], err = alone.issue(func(c *x509.Certificate) { c.Subject = ca.Subject }, key)
	return err
}

// incomplete serves a certificate of an intermediate that it keeps to itself.
func incomplete(c *tls.Config, a *authority) error {
	key, err := newKey()
	if err != nil {
		return err
	}
	between := &authority{key: key}
	if between.ca, err = authorityNamed("regproof lab intermediate", key, a.ca, a.key); err != nil {
		return err
	}
	c.Certificates = make([]tls.Certificate, 1)
	c.Certificates[0], err = between.issue(nil, nil)
	return err
}

// mustStaple is the extension of RFC 7633, with status_request in it.
func mustStaple(c *x509.Certificate) {
	value, _ := asn1.Marshal([]int{5}) // of integers
	c.ExtraExtensions = append(c.ExtraExtensions, pkix.Extension{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 1, 24}, Value: value})
}

// staples serves a certificate that says must-staple, and a response.
func staples(change func(*ocsp.Response)) secure {
	return func(c *tls.Config, a *authority) error {
		if err := issued(mustStaple)(c, a); err != nil {
			return err
		}
		leaf, err := x509.ParseCertificate(c.Certificates[0].Certificate[0])
		if err != nil {
			return err
		}
		now := time.Now()
		r := ocsp.Response{Status: ocsp.Good, SerialNumber: leaf.SerialNumber, ThisUpdate: now.Add(-time.Hour), NextUpdate: now.Add(24 * time.Hour), IssuerHash: crypto.SHA1}
		if change != nil {
			change(&r)
		}
		c.Certificates[0].OCSPStaple, err = ocsp.CreateResponse(a.ca, a.ca, r, a.key)
		return err
	}
}

func revoked(r *ocsp.Response) { r.Status, r.RevokedAt = ocsp.Revoked, r.ThisUpdate }

func stale(r *ocsp.Response) {
	r.ThisUpdate, r.NextUpdate = r.ThisUpdate.Add(-96*time.Hour), r.NextUpdate.Add(-96*time.Hour)
}

// onSecond makes TLS otherwise on the second address alone.
func onSecond(other secure) secure {
	return func(c *tls.Config, a *authority) error {
		second := c.Clone()
		if err := other(second, a); err != nil {
			return err
		}
		c.MinVersion = min(c.MinVersion, second.MinVersion) // or GetConfigForClient is not asked
		first := c.Clone()
		first.MinVersion = tls.VersionTLS12
		c.GetConfigForClient = func(h *tls.ClientHelloInfo) (*tls.Config, error) {
			if at, ok := h.Conn.LocalAddr().(*net.TCPAddr); ok && at.IP.String() == secondAddress {
				return second, nil
			}
			return first, nil
		}
		return nil
	}
}
