// SPDX-License-Identifier: Apache-2.0

package token_test

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/internal/labtest"
	"github.com/regproof/regproof/lab"
	"github.com/regproof/regproof/probe"
	"github.com/regproof/regproof/probes/token"
)

// TestBehindCertificate: what a token opens behind a front that checks a certificate
// itself is seen with one, whatever the front answers to who has none.
func TestBehindCertificate(t *testing.T) {
	l := labtest.Open(t)
	user, _ := l.User()
	cert, err := l.ClientCert(user)
	if err != nil {
		t.Fatal(err)
	}
	certPEM, _, err := l.ClientCA()
	if err != nil {
		t.Fatal(err)
	}
	clients := x509.NewCertPool()
	clients.AppendCertsFromPEM(certPEM)
	for _, c := range []struct {
		door   string
		status int
		want   finding.Outcome
	}{
		{"verify-no-signature", 403, finding.Fail},
		{"verify-no-signature", 401, finding.Fail},
		{"verify-sound", 401, finding.Pass},
	} {
		t.Run(c.door+" "+http.StatusText(c.status), func(t *testing.T) {
			d := labtest.Door(t, l, lab.DoorOptions{Weaknesses: []string{c.door}})
			to, err := url.Parse(d.URL())
			if err != nil {
				t.Fatal(err)
			}
			next := labtest.Forward(to)
			s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				switch {
				case len(r.TLS.PeerCertificates) == 0:
					w.WriteHeader(c.status)
				case strings.HasPrefix(r.URL.Path, "/v2/"):
					next.ServeHTTP(&challenges{w, r.Host, "https"}, r)
				default:
					next.ServeHTTP(w, r)
				}
			}))
			s.TLS = &tls.Config{ClientAuth: tls.VerifyClientCertIfGiven, ClientCAs: clients}
			s.Config.ErrorLog = log.New(io.Discard, "", 0)
			s.StartTLS()
			t.Cleanup(s.Close)
			roots := x509.NewCertPool()
			roots.AddCert(s.Certificate())
			at, err := url.Parse(s.URL)
			if err != nil {
				t.Fatal(err)
			}
			got := labtest.Prove(t, l, d, labtest.Setting{Probes: []probe.Probe{token.Signature}, Policy: intended, Change: func(o *probe.Options) {
				labtest.Instead(t, probe.Endpoint{URL: at})(o)
				o.Targets[0].Trust.Roots, o.Identities[0].Cert = roots, &cert
			}})
			if f, _ := got.Probe("token/signature"); f.Outcome != c.want {
				t.Errorf("%s: %s; %s", f.Outcome, f.Reason, f.Message)
			}
		})
	}
}
