// SPDX-License-Identifier: Apache-2.0

package wire_test

import (
	"crypto/tls"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/regproof/regproof/wire"
)

// TestTrust: a certificate that does not verify ends the exchange, and the
// reason is recorded also when the run goes on.
func TestTrust(t *testing.T) {
	_, roots := certificate()
	for _, tc := range []struct {
		name    string
		trust   wire.Trust
		sni     string
		want    wire.Failure
		problem string
	}{
		{"trusted", wire.Trust{Roots: roots}, certName, "", ""},
		{"trusted, with a trailing dot", wire.Trust{Roots: roots}, certName + ".", "", ""},
		{"trusted, by address", wire.Trust{Roots: roots}, "127.0.0.1", "", ""},
		{"trusted, by an address in brackets", wire.Trust{Roots: roots}, "[::1]", "", ""},
		{"the zero value trusts the system alone", wire.Trust{}, certName, wire.Handshake, "unknown authority"},
		{"another name", wire.Trust{Roots: roots}, "other.test", wire.Handshake, "other.test"},
		{"another address", wire.Trust{Roots: roots}, "127.0.0.2", wire.Handshake, "127.0.0.2"},
		{"no name", wire.Trust{Roots: roots}, "", wire.Handshake, "no name"},
		{"insecure, unknown authority", wire.Trust{Insecure: true}, certName, "", "unknown authority"},
		{"insecure, another name", wire.Trust{Roots: roots, Insecure: true}, "other.test", "", "other.test"},
		{"insecure, no name", wire.Trust{Roots: roots, Insecure: true}, "", "", "no name"},
	} {
		for _, proto := range []wire.Proto{wire.HTTP11, wire.HTTP2} {
			t.Run(tc.name+" "+string(proto), func(t *testing.T) {
				asked := false
				addr := web(t, func(http.ResponseWriter, *http.Request) { asked = true })
				c := newClient(t)
				c.Trust = tc.trust
				r := webGet(addr, proto)
				r.SNI = tc.sni
				resp := c.Do(t.Context(), r)
				if resp.Failure != tc.want {
					t.Errorf("failure %q (%v), want %q", resp.Failure, resp.Err, tc.want)
				}
				if asked != (tc.want == "") {
					t.Errorf("asked: %v", asked)
				}
				x, err := c.Recorder.Get(resp.ID)
				if err != nil || x.TLS == nil || resp.TLS == nil {
					t.Fatalf("no TLS in the record: %+v (%v)", x, err)
				}
				if x.TLS.Verified != (tc.problem == "") || (tc.problem == "") != (x.TLS.Problem == "") || !strings.Contains(x.TLS.Problem, tc.problem) {
					t.Errorf("verified %v, problem %q, want %q", x.TLS.Verified, x.TLS.Problem, tc.problem)
				}
				if x.TLS.Version != "TLS 1.3" || x.SNI != tc.sni {
					t.Errorf("recorded %+v and SNI %q", x.TLS, x.SNI)
				}
			})
		}
	}
}

// TestClientCertificate: a server that wants a certificate says so in an alert,
// which is a denial and not a broken handshake.
func TestClientCertificate(t *testing.T) {
	cert, _ := certificate()
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		for _, proto := range []wire.Proto{wire.HTTP11, wire.HTTP2} {
			alpn := "http/1.1"
			if proto == wire.HTTP2 {
				alpn = "h2"
			}
			cfg := &tls.Config{ClientAuth: tls.RequireAnyClientCert, MaxVersion: version, NextProtos: []string{alpn}}
			for _, tc := range []struct {
				name string
				cert *tls.Certificate
				body int
				warm bool
				want wire.Failure
			}{
				{"none", nil, 0, false, wire.ClientCert},
				{"none, with a large body", nil, 8 << 20, false, wire.ClientCert},
				{"none, on a connection that was there", nil, 0, true, wire.ClientCert},
				{"one", &cert, 0, false, ""},
			} {
				t.Run(fmt.Sprint(tls.VersionName(version), " ", proto, " ", tc.name), func(t *testing.T) {
					serve := answers(ok)
					if proto == wire.HTTP2 {
						serve = (&frames{}).handle
					}
					s := listen(t, "127.0.0.1:0", cfg, serve)
					c := newClient(t)
					r := webGet(s.addr, proto)
					r.Cert = tc.cert
					if tc.body > 0 {
						r.Method, r.Body = "PUT", make([]byte, tc.body)
					}
					if tc.warm {
						c.Warm(t.Context(), r, 1)
						c.Offers2(t.Context(), r)
						time.Sleep(30 * time.Millisecond) // the alert of TLS 1.3 follows the handshake
					}
					if resp := c.Do(t.Context(), r); resp.Failure != tc.want {
						t.Errorf("failure %q (%v), want %q", resp.Failure, resp.Err, tc.want)
					}
				})
			}
		}
	}
}
