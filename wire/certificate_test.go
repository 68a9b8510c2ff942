// SPDX-License-Identifier: Apache-2.0

package wire_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"sync"
	"testing"
	"time"

	"github.com/regproof/regproof/wire"
)

// clientPair is a certificate that signs itself.
func clientPair(t *testing.T, name string, until time.Time) (tls.Certificate, *x509.Certificate) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: until,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, leaf
}

// TestRefusedCertificate: a client certificate that a server does not take is
// refused by an alert, which is a denial; and what the server asked for, and
// what it was shown, is recorded.
func TestRefusedCertificate(t *testing.T) {
	good, leaf := clientPair(t, "good", time.Now().Add(time.Hour))
	expired, old := clientPair(t, "old", time.Now().Add(-time.Hour))
	strange, _ := clientPair(t, "good", time.Now().Add(time.Hour))
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	pool.AddCert(old)
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		cfg := &tls.Config{ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool, MaxVersion: version}
		s := listen(t, "127.0.0.1:0", cfg, answers(ok))
		for _, tc := range []struct {
			name      string
			cert      *tls.Certificate
			presented string
			want      wire.Failure
		}{
			{"none", nil, "", wire.ClientCert},
			{"of another authority", &strange, "CN=good", wire.ClientCert},
			{"expired", &expired, "CN=old", wire.ClientCert},
			{"good", &good, "CN=good", ""},
		} {
			t.Run(tls.VersionName(version)+" "+tc.name, func(t *testing.T) {
				r := webGet(s.addr, wire.HTTP11)
				r.Cert = tc.cert
				resp := newClient(t).Do(t.Context(), r)
				if resp.Failure != tc.want {
					t.Errorf("failure %q (%v), want %q", resp.Failure, resp.Err, tc.want)
				}
				if resp.TLS == nil || !resp.TLS.Asked || resp.TLS.Presented != tc.presented || len(resp.TLS.Authorities) != 2 {
					t.Errorf("recorded %+v", resp.TLS)
				}
			})
		}
	}
}

// lastSession keeps one session, whatever its name.
type lastSession struct {
	mu sync.Mutex
	s  *tls.ClientSessionState
}

func (c *lastSession) Get(string) (*tls.ClientSessionState, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.s, c.s != nil
}

func (c *lastSession) Put(_ string, s *tls.ClientSessionState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.s = s
}

// TestSession: a request with a cache resumes what the last one left in it, and
// no request without one ever does.
func TestSession(t *testing.T) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		s := listen(t, "127.0.0.1:0", &tls.Config{}, answers(ok))
		c, cache := newClient(t), &lastSession{}
		r := webGet(s.addr, wire.HTTP11)
		r.MaxTLS = version
		ask := func(r wire.Request) bool {
			t.Helper()
			resp := c.Do(t.Context(), r)
			if resp.Failure != "" || resp.TLS.Version != tls.VersionName(version) {
				t.Fatalf("%q (%v), %+v", resp.Failure, resp.Err, resp.TLS)
			}
			return resp.TLS.Resumed
		}
		first := r
		first.Session = cache
		second := first
		second.SNI, second.AnyName = "other.example", true
		if ask(first) || !ask(second) || ask(r) {
			t.Errorf("%s: resumed when it should not, or not when it should", tls.VersionName(version))
		}
		if conns, _ := s.count(); conns != 3 {
			t.Errorf("%d connections, want one for each request", conns)
		}
	}
}
