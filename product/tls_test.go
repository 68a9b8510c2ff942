// SPDX-License-Identifier: Apache-2.0

package product_test

import (
	"crypto/tls"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/regproof/regproof/internal/peer"
	"github.com/regproof/regproof/product"
)

// TestFixesTLS shows at fronts that speak TLS what each weakness lets in, and
// that the fix ends it and nothing else.
func TestFixesTLS(t *testing.T) {
	const nginxAny, haproxyAny = "ssl_ciphers DEFAULT:@SECLEVEL=0;", " ciphers DEFAULT:@SECLEVEL=0"
	for _, tc := range []struct {
		front, control string
		weak, more     string // more goes into both: this OpenSSL refuses old versions by itself
		attack         func(*tls.Config)
		right          bool // the client certificate
	}{
		{"nginx", "protocol-version", "ssl_protocols TLSv1 TLSv1.1 TLSv1.2;", nginxAny, oldTLS, false},
		{"nginx", "cipher-suite", "ssl_protocols TLSv1.2; ssl_ciphers ALL;", "", cbc, false},
		{"nginx", "client-certificate", "ssl_client_certificate /etc/ssl/clients.pem; ssl_verify_client optional;", "", none, true},
		{"haproxy", "protocol-version", " ssl-min-ver TLSv1.0", haproxyAny, oldTLS, false},
		{"haproxy", "cipher-suite", " ciphers ALL", "", cbc, false},
		{"haproxy", "client-certificate", " ca-file /etc/haproxy/ca.pem verify optional", "", none, true},
	} {
		t.Run(tc.front+" "+tc.control, func(t *testing.T) {
			t.Parallel()
			peer.Need(t, loaders[tc.front].binary)
			text, ok := product.Fix(tc.control, tc.front)
			if !ok {
				t.Fatal("no fix")
			}
			ca := peer.NewAuthority(t)
			weak := secure(t, ca, tc.front, "", tc.weak, tc.more)
			sound := secure(t, ca, tc.front, text.In, text.Snippet, tc.more)
			pair, err := tls.LoadX509KeyPair(ca.Cert, ca.Key)
			if err != nil {
				t.Fatal(err)
			}
			attack, entitled := &tls.Config{InsecureSkipVerify: true}, &tls.Config{InsecureSkipVerify: true}
			tc.attack(attack)
			if tc.right {
				entitled.Certificates = []tls.Certificate{pair}
			}
			if status := overTLS(weak, attack); status != 200 {
				t.Errorf("the weak front answers %d to the attack", status)
			}
			if status := overTLS(sound, attack); status == 200 {
				t.Error("the fixed front serves the attack")
			}
			if status := overTLS(sound, entitled); status != 200 {
				t.Errorf("the fixed front answers %d to the entitled", status)
			}
		})
	}
}

func oldTLS(c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS10, tls.VersionTLS11 }

func cbc(c *tls.Config) {
	c.MaxVersion, c.CipherSuites = tls.VersionTLS12, []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA}
}

func none(*tls.Config) {}

// secure runs a front that answers 200 by itself. lines are the fix, which goes
// where in says, or a weakness: what follows the bind line of HAProxy.
func secure(t *testing.T, ca peer.Authority, front, in, lines, more string) string {
	t.Helper()
	dir, addr := t.TempDir(), peer.Local(peer.Port(t))
	for name, from := range map[string][]string{"registry.pem": {ca.Cert, ca.Key}, "registry.key": {ca.Key}, "clients.pem": {ca.CA}, "ca.pem": {ca.CA}} {
		var b strings.Builder
		for _, f := range from {
			part, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			b.Write(part)
		}
		put(t, dir, name, b.String())
	}
	if front == "nginx" {
		server := "server { listen " + addr + " ssl; ssl_certificate /etc/ssl/registry.pem; ssl_certificate_key /etc/ssl/registry.key; " + more + " location / { return 200; } "
		text := lines + "\n" + server + "}"
		if in != "the http block" {
			text = server + lines + "\n}"
		}
		peer.StartNginx(t, addr, named.ReplaceAllString(text, dir+"/$2"))
		return addr
	}
	bind := "bind :443 ssl crt /etc/haproxy/registry.pem"
	text := "frontend registry\n  " + bind + lines + "\n  default_backend registry\n"
	if in != "" {
		text = lines[:strings.Index(lines, "backend registry\n    server")] // what follows is answered here
	}
	text = strings.NewReplacer("crt registry.pem", "crt /etc/haproxy/registry.pem", "ca-file ca.pem", "ca-file /etc/haproxy/ca.pem", "bind :443", "bind "+addr).Replace(text)
	if more != "" {
		text = strings.Replace(text, "ssl crt", "ssl"+more+" crt", 1)
	}
	peer.StartHaproxy(t, addr, named.ReplaceAllString(text, dir+"/$2")+"\nbackend registry\n  http-request return status 200\n")
	return addr
}

// overTLS is the status of GET /v2/, 0 where the handshake fails.
func overTLS(addr string, c *tls.Config) int {
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: c, DisableKeepAlives: true}}
	host, port, _ := net.SplitHostPort(addr)
	res, err := client.Get("https://" + net.JoinHostPort(host, port) + "/v2/")
	if err != nil {
		return 0
	}
	_ = res.Body.Close()
	return res.StatusCode
}
