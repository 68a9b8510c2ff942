// SPDX-License-Identifier: Apache-2.0

package lab_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"io"
	"math/big"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/regproof/regproof/lab"
)

// bad is a client certificate that a sound door refuses.
type bad struct {
	ours    bool // signed by the lab's authority; else by one of the same name
	name    string
	uris    []string
	expired bool
	server  bool // good for a server alone
}

func (b bad) make(t *testing.T, l *lab.Lab) *tls.Certificate {
	t.Helper()
	certPEM, keyPEM, err := l.ClientCA()
	if err != nil {
		t.Fatal(err)
	}
	pair, err := tls.X509KeyPair(certPEM, keyPEM)
	if err != nil {
		t.Fatal(err)
	}
	key := func() *ecdsa.PrivateKey {
		k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	signer := pair.PrivateKey
	if !b.ours {
		signer = key()
	}
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(7), Subject: pkix.Name{CommonName: b.name}, NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: time.Now().Add(time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	for _, raw := range b.uris {
		u, err := url.Parse(raw)
		if err != nil {
			t.Fatal(err)
		}
		leaf.URIs = append(leaf.URIs, u)
	}
	if b.expired {
		leaf.NotBefore, leaf.NotAfter = time.Now().Add(-30*time.Minute), time.Now().Add(-time.Minute)
	}
	if b.server {
		leaf.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	}
	own := key()
	issuer := *pair.Leaf
	issuer.PublicKey = nil // or it would have to be the signer's
	der, err := x509.CreateCertificate(rand.Reader, leaf, &issuer, own.Public(), signer)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: own}
}

// shows asks for the private manifest with a certificate; basic adds the password.
func shows(t *testing.T, l *lab.Lab, d *lab.Door, cert *tls.Certificate, basic bool) int {
	t.Helper()
	config := &tls.Config{RootCAs: x509.NewCertPool(), ServerName: "127.0.0.1", GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
		if cert == nil {
			return &tls.Certificate{}, nil
		}
		return cert, nil
	}}
	config.RootCAs.AppendCertsFromPEM(d.CAPEM())
	tr := &http.Transport{TLSClientConfig: config, DisableKeepAlives: true}
	t.Cleanup(tr.CloseIdleConnections)
	r, err := http.NewRequest("GET", d.URL()+manifest14, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept", accept)
	if basic {
		r.SetBasicAuth(l.User())
	}
	resp, err := tr.RoundTrip(r)
	if err != nil {
		return 0
	}
	resp.Body.Close()
	return resp.StatusCode
}

// TestMutual: each weak door takes the certificate that its twin refuses, and
// both take the right one.
func TestMutual(t *testing.T) {
	l := open(t)
	user, _ := l.User()
	for _, row := range []struct {
		weakness string
		bad      *bad // nil is no certificate at all
		basic    bool
	}{
		{"mtls-optional", nil, false},
		{"mtls-any", &bad{name: "nobody"}, false},
		{"mtls-name-only", &bad{name: user}, false},
		{"mtls-issuer-name", &bad{name: user}, false},
		{"mtls-password-optional", nil, true},
		{"mtls-password-any", &bad{name: "nobody"}, true},
		{"mtls-any-subject", &bad{ours: true, name: "nobody"}, false},
		{"mtls-prefix", &bad{ours: true, name: user + "-evil"}, false},
		{"mtls-expired-accepted", &bad{ours: true, name: user, expired: true}, false},
		{"mtls-no-eku-check", &bad{ours: true, name: user, server: true}, false},
		{"spiffe-prefix", &bad{ours: true, uris: []string{lab.SPIFFE + "-evil"}}, false},
		{"spiffe-any-domain", &bad{ours: true, uris: []string{strings.Replace(lab.SPIFFE, "lab", "other", 1)}}, false},
		{"spiffe-any-case", &bad{ours: true, uris: []string{strings.Replace(lab.SPIFFE, "/ci", "/CI", 1)}}, false},
		{"spiffe-cn", &bad{ours: true, name: lab.SPIFFE}, false},
		{"spiffe-second-san", &bad{ours: true, uris: []string{"spiffe://other.test/x", lab.SPIFFE}}, false},
	} {
		t.Run(row.weakness, func(t *testing.T) {
			w := entry(t, row.weakness)
			var cert *tls.Certificate
			if row.bad != nil {
				cert = row.bad.make(t, l)
			}
			name := user
			if strings.HasPrefix(row.weakness, "spiffe") {
				name = lab.SPIFFE
			}
			good, err := l.ClientCert(name)
			if err != nil {
				t.Fatal(err)
			}
			weak, twin := door(t, l, lab.DoorOptions{Weaknesses: []string{w.Name}}), door(t, l, lab.DoorOptions{Weaknesses: []string{w.Twin}})
			if got := shows(t, l, weak, cert, row.basic); got != 200 {
				t.Errorf("the weak door answers %d", got)
			}
			if got := shows(t, l, twin, cert, row.basic); got != 0 && got != 400 {
				t.Errorf("the twin answers %d", got)
			}
			for _, d := range []*lab.Door{weak, twin} {
				if got := shows(t, l, d, &good, row.basic); got != 200 {
					t.Errorf("with the right certificate: %d", got)
				}
			}
		})
	}
}

// TestTokenHost: one token service of "mtls-token-open" answers whoever comes,
// that of its twin nobody without a certificate.
func TestTokenHost(t *testing.T) {
	l := open(t)
	user, _ := l.User()
	good, err := l.ClientCert(user)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{"mtls-token-open": true, "mtls-token": false} {
		d := door(t, l, lab.DoorOptions{Weaknesses: []string{name}})
		if got := shows(t, l, d, nil, false); got != 0 {
			t.Errorf("%s: %d without a certificate", name, got)
		}
		config := &tls.Config{RootCAs: x509.NewCertPool(), Certificates: []tls.Certificate{good}}
		config.RootCAs.AppendCertsFromPEM(d.CAPEM())
		ask := func(config *tls.Config, target string) (*http.Response, error) {
			tr := &http.Transport{TLSClientConfig: config, DisableKeepAlives: true}
			t.Cleanup(tr.CloseIdleConnections)
			r, err := http.NewRequest("GET", target, nil)
			if err != nil {
				t.Fatal(err)
			}
			r.SetBasicAuth(l.User())
			return tr.RoundTrip(r)
		}
		resp, err := ask(config, d.URL()+"/v2/")
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		_, realm, _ := strings.Cut(resp.Header.Get("Www-Authenticate"), `realm="`)
		realm, _, _ = strings.Cut(realm, `"`)
		if strings.HasPrefix(realm, d.URL()) || !strings.HasPrefix(realm, "https://") {
			t.Errorf("%s: realm %q", name, realm)
		}
		bare := config.Clone()
		bare.Certificates = nil
		resp, err = ask(bare, realm+"?scope=repository:team-a/app:pull")
		if (err == nil) != want {
			t.Errorf("%s: %v without a certificate", name, err)
		}
		if err == nil {
			body, _ := io.ReadAll(resp.Body)
			resp.Body.Close()
			if !json.Valid(body) || resp.StatusCode != 200 {
				t.Errorf("%s: %d %s", name, resp.StatusCode, body)
			}
		}
	}
}

// TestResume: at "mtls-resume" a session of the other site opens the registry,
// at its twin it does not.
func TestResume(t *testing.T) {
	l := open(t)
	for name, want := range map[string]int{"mtls-resume": 200, "mtls-vhosts": 0} {
		d := door(t, l, lab.DoorOptions{Weaknesses: []string{name}})
		at := strings.TrimPrefix(d.URL(), "https://")
		cache := &oneSession{}
		// The name is not verified, or Go would not resume under another.
		get := func(server string) int {
			c, err := tls.Dial("tcp", at, &tls.Config{ServerName: server, InsecureSkipVerify: true, ClientSessionCache: cache})
			if err != nil {
				return 0
			}
			defer c.Close()
			if _, err := io.WriteString(c, "GET "+manifest14+" HTTP/1.1\r\nHost: "+at+"\r\nAccept: "+accept+"\r\nConnection: close\r\n\r\n"); err != nil {
				return 0
			}
			text, _ := io.ReadAll(c)
			if !strings.HasPrefix(string(text), "HTTP/1.1 200") || strings.Contains(string(text), "another site") {
				return 0
			}
			return 200
		}
		if got := get("127.0.0.1"); got != 0 {
			t.Errorf("%s: %d without a certificate", name, got)
		}
		if got := get("other.test"); got != 0 || cache.s == nil {
			t.Errorf("%s: the other site answers %d, session %v", name, got, cache.s)
		}
		if got := get("127.0.0.1"); got != want {
			t.Errorf("%s: %d with the other site's session, want %d", name, got, want)
		}
	}
}

type oneSession struct{ s *tls.ClientSessionState }

func (o *oneSession) Get(string) (*tls.ClientSessionState, bool) { return o.s, o.s != nil }
func (o *oneSession) Put(_ string, s *tls.ClientSessionState)    { o.s = s }
