// SPDX-License-Identifier: Apache-2.0

package lab_test

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ocsp"

	"github.com/regproof/regproof/lab"
)

// reached is a door as a client of TLS sees it.
type reached struct {
	t    *testing.T
	d    *lab.Door
	pool *x509.CertPool
	host string // of its token service, instead of the door itself; "" is none
}

// tokens is the same at the host that the door sends clients to for a token.
func (r reached) tokens(l *lab.Lab) reached {
	r.t.Helper()
	_, realm, _ := strings.Cut(ask(r.t, l, r.d, false).do("GET", "/v2/").header.Get("Www-Authenticate"), `realm="`)
	realm, _, _ = strings.Cut(realm, `"`)
	u, err := url.Parse(realm)
	if err != nil || u.Host == "" || r.d.URL() == "https://"+u.Host {
		r.t.Fatalf("realm %q: %v", realm, err)
	}
	r.host = u.Host
	return r
}

// shake makes a handshake with one of the door's addresses, without looking at
// the certificate.
func (r reached) shake(at int, change func(*tls.Config)) (tls.ConnectionState, error) {
	r.t.Helper()
	addrs := r.d.Addrs()
	if r.host != "" {
		addrs = []string{r.host}
	}
	config := &tls.Config{InsecureSkipVerify: true}
	if change != nil {
		change(config)
	}
	c, err := tls.DialWithDialer(&net.Dialer{Timeout: 5 * time.Second}, "tcp", addrs[min(at, len(addrs)-1)], config)
	if err != nil {
		return tls.ConnectionState{}, err
	}
	defer c.Close()
	return c.ConnectionState(), nil
}

// trusted says what a client says to the certificate at an address.
func (r reached) trusted(at int, name string) error {
	cs, err := r.shake(at, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	_, err = cs.PeerCertificates[0].Verify(x509.VerifyOptions{Roots: r.pool, DNSName: name})
	return err
}

// plainly asks the port without TLS.
func (r reached) plainly(target string) *http.Response {
	r.t.Helper()
	u, err := url.Parse(r.d.URL())
	if err != nil {
		r.t.Fatal(err)
	}
	if r.host != "" {
		u.Host = r.host
	}
	tr := &http.Transport{DisableKeepAlives: true}
	req, err := http.NewRequestWithContext(r.t.Context(), http.MethodGet, "http://"+u.Host+target, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	resp, err := tr.RoundTrip(req)
	if err != nil {
		r.t.Fatal(err)
	}
	_ = resp.Body.Close()
	return resp
}

// TestTransport: what is weak on the way to a door, which its twin is not.
func TestTransport(t *testing.T) {
	l := open(t)
	offers := func(at int, change func(*tls.Config)) func(reached) bool {
		return func(r reached) bool { _, err := r.shake(at, change); return err == nil }
	}
	version := func(v uint16) func(*tls.Config) {
		return func(c *tls.Config) { c.MinVersion, c.MaxVersion = v, v }
	}
	suite := func(id uint16) func(*tls.Config) {
		return func(c *tls.Config) { c.MaxVersion, c.CipherSuites = tls.VersionTLS12, []uint16{id} }
	}
	refused := func(at int, name, why string) func(reached) bool {
		return func(r reached) bool {
			err := r.trusted(at, name)
			return err != nil && strings.Contains(err.Error(), why)
		}
	}
	leaf := func(is func(*x509.Certificate) bool) func(reached) bool {
		return func(r reached) bool {
			cs, err := r.shake(0, nil)
			return err == nil && is(cs.PeerCertificates[0])
		}
	}
	staple := func(is func(*ocsp.Response, error) bool) func(reached) bool {
		return func(r reached) bool {
			cs, err := r.shake(0, nil)
			if err != nil {
				t.Fatal(err)
			}
			return is(ocsp.ParseResponse(cs.OCSPResponse, nil))
		}
	}
	plain := func(target string, status int, challenge string) func(reached) bool {
		return func(r reached) bool {
			resp := r.plainly(target)
			return resp.StatusCode == status && strings.HasPrefix(resp.Header.Get("Www-Authenticate"), challenge)
		}
	}
	says := func(field, part string) func(reached) bool {
		return func(r reached) bool {
			got := ask(t, l, r.d, false).do("GET", "/v2/")
			return strings.Contains(got.header.Get(field), part)
		}
	}
	there := func(weak func(reached) bool) func(reached) bool {
		return func(r reached) bool { return weak(r.tokens(l)) }
	}
	for _, row := range []struct {
		weakness string
		weak     func(reached) bool
	}{
		{"token-host-tls10", there(offers(0, version(tls.VersionTLS10)))},
		{"token-host-rc4", there(offers(0, suite(tls.TLS_ECDHE_ECDSA_WITH_RC4_128_SHA)))},
		{"token-host-3des", there(offers(0, suite(tls.TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA)))},
		{"token-host-expired", there(refused(0, "localhost", "expired"))},
		{"token-host-other-name", there(refused(0, "localhost", "other.test"))},
		{"token-host-rsa-1024", there(func(r reached) bool {
			cs, err := r.shake(0, nil)
			return err == nil && cs.PeerCertificates[0].PublicKeyAlgorithm == x509.RSA
		})},
		{"token-host-staple-revoked", there(func(r reached) bool {
			cs, err := r.shake(0, nil)
			staple, bad := ocsp.ParseResponse(cs.OCSPResponse, nil)
			return err == nil && bad == nil && staple.Status == ocsp.Revoked
		})},
		{"token-host-plain", there(plain("/token", 200, ""))},
		{"token-host-plain-login", there(plain("/token", 401, `Basic realm="regproof lab tokens"`))},
		{"tls10-offered", offers(0, version(tls.VersionTLS10))},
		{"tls11-alone", offers(0, version(tls.VersionTLS11))},
		{"second-address-tls10", offers(1, version(tls.VersionTLS10))},
		{"rc4-offered", offers(0, suite(tls.TLS_ECDHE_ECDSA_WITH_RC4_128_SHA))},
		{"3des-offered", offers(0, suite(tls.TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA))},
		{"static-rsa-offered", offers(0, suite(tls.TLS_RSA_WITH_AES_128_GCM_SHA256))},
		{"cert-expired", refused(0, "localhost", "expired")},
		{"cert-not-yet", refused(0, "localhost", "not yet valid")},
		{"cert-other-name", refused(0, "localhost", "other.test")},
		{"cert-self-signed", refused(0, "localhost", "unknown authority")},
		{"cert-incomplete", refused(0, "localhost", "unknown authority")},
		{"second-address-cert", refused(1, "registry.test", "other.test")},
		{"cert-rsa-1024", leaf(func(c *x509.Certificate) bool { return c.PublicKeyAlgorithm == x509.RSA })},
		{"cert-sha1", leaf(func(c *x509.Certificate) bool { return c.SignatureAlgorithm == x509.ECDSAWithSHA1 })},
		{"staple-missing", staple(func(_ *ocsp.Response, err error) bool { return err != nil })},
		{"staple-revoked", staple(func(r *ocsp.Response, err error) bool { return err == nil && r.Status == ocsp.Revoked })},
		{"staple-stale", staple(func(r *ocsp.Response, err error) bool { return err == nil && r.NextUpdate.Before(time.Now()) })},
		{"plain-http-beside", plain("/v2/", 401, "Basic")},
		{"plain-open-beside", plain(manifest14, 200, "")},
		{"plain-login-beside", plain("/", 401, `Basic realm="Restricted"`)},
		{"realm-http", says("Www-Authenticate", `realm="http://`)},
		{"realm-elsewhere", says("Www-Authenticate", `registry-tokens.invalid/`)},
		{"hsts-missing", func(r reached) bool { return !says("Strict-Transport-Security", "max-age=")(r) }},
	} {
		t.Run(row.weakness, func(t *testing.T) {
			for _, name := range []string{row.weakness, entry(t, row.weakness).Twin} {
				d := door(t, l, lab.DoorOptions{Weaknesses: []string{name}})
				r := reached{t: t, d: d, pool: x509.NewCertPool()}
				r.pool.AppendCertsFromPEM(d.CAPEM())
				if got := row.weak(r); got != (name == row.weakness) {
					t.Errorf("%s: weak is %v", name, got)
				}
			}
		})
	}
}
