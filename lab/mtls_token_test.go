// SPDX-License-Identifier: Apache-2.0

package lab_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/regproof/regproof/lab"
)

// TestTokensBehindCertificates: the weak doors take what their twins refuse, from
// whoever has a certificate, and from nobody else; all take an honest token.
func TestTokensBehindCertificates(t *testing.T) {
	l := open(t)
	for _, row := range []struct {
		weakness string
		without  int // what is answered without a certificate
		forge    func(honest, anybody string) string
	}{
		{"mtls-token-no-signature", 0, func(honest, _ string) string {
			part := strings.Split(honest, ".")
			return part[0] + "." + part[1] + "." + base64.RawURLEncoding.EncodeToString(make([]byte, 64))
		}},
		{"mtls-token-alg-none", 400, func(honest, _ string) string {
			return base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none"}`)) + "." + strings.Split(honest, ".")[1] + "."
		}},
		{"mtls-token-stranger", 0, func(_, anybody string) string { return anybody }},
	} {
		t.Run(row.weakness, func(t *testing.T) {
			w := entry(t, row.weakness)
			for name, want := range map[string]int{w.Name: 200, w.Twin: 401} {
				d := door(t, l, lab.DoorOptions{Weaknesses: []string{name}})
				if got := shows(t, l, d, nil, false); got != row.without {
					t.Errorf("%s: %d without a certificate", name, got)
				}
				c := newCertified(t, l, d)
				honest := c.token(true)
				if got := c.manifest(honest); got != 200 {
					t.Errorf("%s: %d to an honest token", name, got)
				}
				if got := c.manifest(row.forge(honest, c.token(false))); got != want {
					t.Errorf("%s: %d, want %d", name, got, want)
				}
				if got := c.manifest(""); got != 401 {
					t.Errorf("%s: %d to a certificate alone", name, got)
				}
			}
		})
	}
}

// certified asks a door with the user's certificate.
type certified struct {
	t  *testing.T
	l  *lab.Lab
	d  *lab.Door
	tr *http.Transport
}

func newCertified(t *testing.T, l *lab.Lab, d *lab.Door) certified {
	t.Helper()
	user, _ := l.User()
	cert, err := l.ClientCert(user)
	if err != nil {
		t.Fatal(err)
	}
	config := &tls.Config{RootCAs: x509.NewCertPool(), Certificates: []tls.Certificate{cert}}
	config.RootCAs.AppendCertsFromPEM(d.CAPEM())
	tr := &http.Transport{TLSClientConfig: config}
	t.Cleanup(tr.CloseIdleConnections)
	return certified{t, l, d, tr}
}

func (c certified) get(target string, login bool, header ...string) (int, []byte) {
	c.t.Helper()
	r, err := http.NewRequest("GET", c.d.URL()+target, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	r.Header.Set("Accept", accept)
	if login {
		r.SetBasicAuth(c.l.User())
	}
	for _, v := range header {
		r.Header.Set("Authorization", v)
	}
	resp, err := c.tr.RoundTrip(r)
	if err != nil {
		c.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	return resp.StatusCode, body
}

// token is one for the image, of the user or of a stranger.
func (c certified) token(login bool) string {
	c.t.Helper()
	_, body := c.get("/token?service=regproof-lab&scope=repository:team-a/app:pull", login)
	var reply struct{ Token string }
	if err := json.Unmarshal(body, &reply); err != nil {
		return ""
	}
	return reply.Token
}

func (c certified) manifest(token string) int {
	c.t.Helper()
	var header []string
	if token != "" {
		header = []string{"Bearer " + token}
	}
	status, _ := c.get(manifest14, false, header...)
	return status
}
