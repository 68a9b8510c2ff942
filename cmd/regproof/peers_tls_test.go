// SPDX-License-Identifier: Apache-2.0

package main_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/regproof/regproof/internal/peer"
)

// spoken is how a front speaks TLS.
type spoken struct {
	nginx string                        // lines of its server block
	leaf  func(*x509.Certificate)       // what is wrong with the certificate
	key   func() (crypto.Signer, error) // nil is an elliptic curve
	no    bool                          // regproof is not told of the authority
	args  []string
}

// old lets this OpenSSL speak what it otherwise refuses.
const old = "ssl_ciphers DEFAULT:@SECLEVEL=0;"

// tlsCases are guarded registries that are reached over TLS, well and badly.
func tlsCases() []peerCase {
	const software = "nginx 1.22, docker-registry 2.8.2"
	atMedium, atLow := []string{"--fail-on", "medium"}, []string{"--fail-on", "low"}
	nginx := func(name, setup string, exit int, fails []string, s spoken) peerCase {
		c := peerCase{name: name, software: software, setup: setup, needs: []string{peer.Nginx}, exit: exit, fails: fails, build: byName(s)}
		if exit != 0 {
			c.twin = "tls-sound"
		}
		return c
	}
	version, certificate := []string{"transport/protocol-version"}, []string{"transport/certificate"}
	return []peerCase{
		nginx("tls-sound", "TLS 1.2 and 1.3, HSTS, nothing beside", 0, nil, spoken{args: atLow}),
		nginx("tls-1.2", "TLS 1.2 alone", 0, nil, spoken{nginx: "ssl_protocols TLSv1.2;", args: atLow}),
		nginx("tls-1.3", "TLS 1.3 alone", 0, nil, spoken{nginx: "ssl_protocols TLSv1.3;", args: atLow}),
		nginx("tls-1.0", "TLS 1.0 alone", 1, version, spoken{nginx: "ssl_protocols TLSv1; " + old, args: atMedium}),
		nginx("tls-1.0-too", "TLS 1.0 to 1.3", 1, version, spoken{nginx: "ssl_protocols TLSv1 TLSv1.1 TLSv1.2 TLSv1.3; " + old, args: atMedium}),
		nginx("tls-1.1-too", "TLS 1.1 to 1.3", 1, version, spoken{nginx: "ssl_protocols TLSv1.1 TLSv1.2 TLSv1.3; " + old, args: atMedium}),
		nginx("tls-static-rsa", "suites without forward secrecy too", 1, []string{"transport/cipher-suite"}, spoken{nginx: "ssl_protocols TLSv1.2; ssl_ciphers HIGH:!aNULL;", key: rsaKey(2048), args: atLow}),
		nginx("tls-null", "a suite that does not encrypt", 1, []string{"transport/cipher-suite"}, spoken{nginx: "ssl_protocols TLSv1.2; ssl_ciphers ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-NULL-SHA:@SECLEVEL=0;"}),
		nginx("tls-anonymous", "a suite without a certificate", 1, []string{"transport/cipher-suite"}, spoken{nginx: "ssl_protocols TLSv1.2; ssl_ciphers ECDHE-ECDSA-AES128-GCM-SHA256:AECDH-AES128-SHA:@SECLEVEL=0;"}),
		nginx("tls-expired", "the certificate expired an hour ago", 1, certificate, spoken{leaf: func(c *x509.Certificate) {
			c.NotBefore, c.NotAfter = time.Now().Add(-48*time.Hour), time.Now().Add(-time.Hour)
		}}),
		nginx("tls-wrong-name", "the certificate is for another name", 1, certificate, spoken{leaf: func(c *x509.Certificate) {
			c.DNSNames, c.IPAddresses = []string{"other.test"}, []net.IP{net.IPv4(192, 0, 2, 1)}
		}}),
		nginx("tls-unknown-authority", "clients are not told of the authority", 1, certificate, spoken{no: true}),
		nginx("tls-unknown-authority-insecure", "the same, with --insecure", 1, certificate, spoken{no: true, args: []string{"--insecure"}}),
		nginx("tls-short-key", "an RSA key of 1024 bits", 1, []string{"transport/certificate-strength"}, spoken{key: rsaKey(1024), nginx: "ssl_protocols TLSv1.2 TLSv1.3; ssl_ciphers ECDHE+AESGCM:@SECLEVEL=0;", args: atMedium}),
		nginx("tls-no-hsts", "no Strict-Transport-Security", 1, []string{"transport/hsts"}, spoken{nginx: "#no-hsts", args: atLow}),
		tokensApart("tls-token-host", "TLS 1.2 and 1.3 before the registry and before its token service", 0, nil, spoken{nginx: "ssl_protocols TLSv1.2 TLSv1.3;"}, ""),
		tokensApart("tls-token-host-1.0", "the same, TLS 1.0 to 1.3 before the token service", 1, version, spoken{nginx: "ssl_protocols TLSv1 TLSv1.1 TLSv1.2 TLSv1.3; " + old}, ""),
		tokensApart("tls-token-host-short-key", "the same, an RSA key of 1024 bits before the token service", 1, []string{"transport/certificate-strength"},
			spoken{key: rsaKey(1024), nginx: "ssl_protocols TLSv1.2 TLSv1.3; ssl_ciphers ECDHE+AESGCM:@SECLEVEL=0;"}, ""),
		tokensApart("tls-token-host-plain", "the same, the token service is on port 80 too", 1, []string{"transport/plain-http"}, spoken{}, "location / { {PASS} }"),
		tokensApart("tls-token-host-redirect", "the same, port 80 sends everybody to https", 0, nil, spoken{}, "return 301 https://$host$request_uri;"),
		{
			name: "plain-beside", software: software, setup: "https, and the same registry on port 80", twin: "plain-redirect", needs: []string{peer.Nginx},
			exit: 1, fails: []string{"transport/plain-http", "transport/plain-challenge"}, build: plainBeside("location / { {PASS} }"),
		},
		{
			name: "plain-beside-open", software: software, setup: "https, and the registry without its password on port 80", twin: "plain-redirect", needs: []string{peer.Nginx},
			exit: 1, fails: []string{"transport/plain-http"}, build: plainBeside("location / { proxy_pass http://{OPEN}; proxy_set_header Host $http_host; }"),
		},
		{
			name: "plain-redirect", software: software, setup: "https, and port 80 that sends everybody there", needs: []string{peer.Nginx},
			build: plainBeside("return 301 https://$host$request_uri;"),
		},
		{
			name: "plain-website", software: software, setup: "https, and port 80 with a page that is no registry", needs: []string{peer.Nginx},
			build: plainBeside(`location / { default_type text/html; return 200 "<html>It works!</html>"; }`),
		},
		{
			name: "plain-closed", software: software, setup: "https, and port 80 is closed", needs: []string{peer.Nginx},
			build: plainBeside(""),
		},
		{
			name: "tls-1.0-haproxy", software: "haproxy 2.6, docker-registry 2.8.2", setup: "ssl-min-ver TLSv1.0", twin: "tls-sound-haproxy", needs: []string{peer.Haproxy},
			exit: 1, fails: version, build: tlsHaproxy("ssl-min-ver TLSv1.0 ciphers DEFAULT:@SECLEVEL=0"),
		},
		{
			name: "tls-sound-haproxy", software: "haproxy 2.6, docker-registry 2.8.2", setup: "ssl-min-ver TLSv1.2", needs: []string{peer.Haproxy},
			build: tlsHaproxy("ssl-min-ver TLSv1.2 ciphers ECDHE+AESGCM"),
		},
	}
}

// byName starts nginx with TLS before the guarded registry, and calls it
// registry.test: browsers keep HSTS for names alone.
func byName(s spoken) func(*testing.T, *peerWorld) target {
	return func(t *testing.T, w *peerWorld) target {
		cert, key := w.ca.Cert, w.ca.Key
		if s.leaf != nil || s.key != nil {
			cert, key = w.ca.Issue(t, newSigner(t, s.key), s.leaf)
		}
		addr := peer.Local(peer.Port(t))
		lines := strings.TrimPrefix(s.nginx, "#no-hsts")
		if lines == s.nginx {
			lines += " add_header Strict-Transport-Security max-age=31536000 always;"
		}
		w.nginxAt(t, addr, w.guarded, fmt.Sprintf("listen %s ssl http2; ssl_certificate %s; ssl_certificate_key %s;", addr, cert, key), lines+" location / { {PASS} }")
		return w.named(addr, s.no, s.args)
	}
}

// tokensApart is a registry with tokens behind nginx, and its token service behind
// another nginx with an address of its own, which speaks TLS as s says; text is what
// it does on port 80, "" leaves that closed.
func tokensApart(name, setup string, exit int, fails []string, s spoken, text string) peerCase {
	c := peerCase{name: name, setup: setup, software: "nginx 1.22, distribution v3.1.2", needs: []string{peer.Nginx, peer.Registry}, exit: exit, fails: fails}
	switch {
	case exit != 0 && text != "":
		c.twin = "tls-token-host-redirect"
	case exit != 0:
		c.twin = "tls-token-host"
	}
	c.build = func(t *testing.T, w *peerWorld) target {
		service := peer.NewTokenService(t, peerUser, peerPassword, peer.Nothing)
		addr, host := peer.Local(peer.Port(t)), peer.Address(t)
		realm := host + ":443"
		cert, key := w.ca.Issue(t, newSigner(t, s.key), func(c *x509.Certificate) { c.IPAddresses = append(c.IPAddresses, net.ParseIP(host)) })
		registry := peer.StartRegistryWith(t, peer.Registry, peer.Local(peer.Port(t)), service.Auth("https://"+realm+"/token"), w.filledDisk(t))
		w.nginxAt(t, addr, registry, fmt.Sprintf("listen %s ssl http2; ssl_certificate %s; ssl_certificate_key %s;", addr, w.ca.Cert, w.ca.Key),
			"add_header Strict-Transport-Security max-age=31536000 always; location / { {PASS} }")
		behind := strings.TrimSuffix(strings.TrimPrefix(service.URL, "http://"), "/token")
		w.nginxAt(t, realm, behind, fmt.Sprintf("listen %s ssl http2; ssl_certificate %s; ssl_certificate_key %s;", realm, cert, key), s.nginx+" location / { {PASS} }")
		if text != "" {
			w.nginxAt(t, host+":80", behind, "listen "+host+":80;", text)
		}
		a := w.named(addr, false, []string{"--fail-on", "medium", "--allow-realm", "https://" + host})
		a.untouched = []string{a.image[:strings.Index(a.image, "/")]}
		return a
	}
	return c
}

// named calls an address registry.test.
func (w *peerWorld) named(addr string, untold bool, args []string) target {
	_, port, _ := strings.Cut(addr, ":")
	args = slices.Concat([]string{"--active", "--resolve", "registry.test:127.0.0.1"}, args)
	if !untold {
		args = append(args, "--ca-file", w.ca.CA)
	}
	return target{image: "registry.test:" + port + "/" + peerImage, args: args}
}

func tlsHaproxy(bind string) func(*testing.T, *peerWorld) target {
	return func(t *testing.T, w *peerWorld) target {
		addr := peer.Local(peer.Port(t))
		peer.StartHaproxy(t, addr, fmt.Sprintf("frontend f\n  bind %s ssl crt %s alpn h2,http/1.1 %s\n  http-response set-header Strict-Transport-Security max-age=31536000\n  default_backend b\nbackend b\n  server s %s\n",
			addr, joinFiles(t, w.ca.Cert, w.ca.Key), bind, w.guarded))
		return w.named(addr, false, []string{"--fail-on", "medium"})
	}
}

// plainBeside has https and plain http on port 80 of one address.
func plainBeside(text string) func(*testing.T, *peerWorld) target {
	return func(t *testing.T, w *peerWorld) target {
		host := peer.Address(t)
		cert, key := w.ca.Issue(t, newSigner(t, nil), func(c *x509.Certificate) { c.IPAddresses = append(c.IPAddresses, net.ParseIP(host)) })
		secure := host + ":443"
		w.nginxAt(t, secure, w.guarded, fmt.Sprintf("listen %s ssl http2; ssl_certificate %s; ssl_certificate_key %s;", secure, cert, key),
			"add_header Strict-Transport-Security max-age=31536000 always; location / { {PASS} }")
		if text != "" {
			w.nginxAt(t, host+":80", w.guarded, "listen "+host+":80;", text)
		}
		return target{image: "registry.test/" + peerImage, args: []string{"--active", "--resolve", "registry.test:" + host, "--ca-file", w.ca.CA, "--fail-on", "medium"}}
	}
}

func newSigner(t *testing.T, key func() (crypto.Signer, error)) crypto.Signer {
	t.Helper()
	if key == nil {
		key = func() (crypto.Signer, error) { return ecdsa.GenerateKey(elliptic.P256(), rand.Reader) }
	}
	k, err := key()
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func rsaKey(bits int) func() (crypto.Signer, error) {
	return func() (crypto.Signer, error) { return rsa.GenerateKey(rand.Reader, bits) }
}
