// SPDX-License-Identifier: Apache-2.0

package transport_test

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
)

// checking starts a front that lets everybody through the handshake, unless the
// certificate is nobody's, and answers itself who has none: bare.
func checking(t *testing.T, l *lab.Lab, to string, bare http.HandlerFunc) (*url.URL, *x509.CertPool) {
	t.Helper()
	certPEM, _, err := l.ClientCA()
	if err != nil {
		t.Fatal(err)
	}
	behind, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	next := labtest.Forward(behind)
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if len(r.TLS.PeerCertificates) == 0 {
			bare(w, r)
			return
		}
		next.ServeHTTP(w, r)
	}))
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(certPEM)
	s.TLS = &tls.Config{ClientAuth: tls.VerifyClientCertIfGiven, ClientCAs: pool}
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	at, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	return at, roots
}

// TestRefusals are the ways in which fronts refuse who has no certificate after
// the handshake: a password or a token is asked for behind each.
func TestRefusals(t *testing.T) {
	l := labtest.Open(t)
	user, _ := l.User()
	d := labtest.Door(t, l, lab.DoorOptions{})
	says := func(status int, challenge string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			if challenge != "" {
				w.Header().Set("Www-Authenticate", challenge)
			}
			w.WriteHeader(status)
		}
	}
	for _, row := range []struct {
		name string
		bare http.HandlerFunc
		want finding.Outcome
		says string
	}{
		{"403", says(403, ""), finding.Pass, ""},
		{"401 that asks for nothing", says(401, ""), finding.Pass, ""},
		{"401 that asks for the password", says(401, `Basic realm="regproof lab"`), finding.Fail, "the API answers 401 to no certificate"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			at, roots := checking(t, l, d.URL(), row.bare)
			c := labtest.Prove(t, l, d, labtest.Setting{Probes: mutual[:1], Change: with(t, l, user, func(o *probe.Options) {
				labtest.Instead(t, probe.Endpoint{URL: at})(o)
				o.Targets[0].Trust.Roots, o.Targets[0].Mutual = roots, true
			})})
			f, _ := c.Probe("transport/client-certificate")
			if f.Outcome != row.want || !strings.Contains(f.Reason+" "+f.Message, row.says) {
				t.Errorf("%s: %s (%s), want %s, %q", f.Outcome, f.Message, f.Reason, row.want, row.says)
			}
		})
	}
}
