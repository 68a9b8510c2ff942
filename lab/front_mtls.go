// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// mutual is a door that goes by client certificates: how its TLS asks for one,
// and what the front wants of the one that it was shown.
type mutual struct {
	mode     tls.ClientAuthType
	accepts  func(*Door, []*x509.Certificate) bool // nil takes whatever the handshake took
	password bool                                  // the registry behind asks for a password, too
	vhosts   func(*tls.Config, *Door)              // another site on the same port; nil is none
}

// tls is the server's configuration.
func (m mutual) tls(config *tls.Config, d *Door) {
	config.ClientAuth, config.ClientCAs = m.mode, d.lab.clients.pool
	if m.vhosts != nil {
		m.vhosts(config, d)
	}
}

// front lets in whoever has a certificate that it accepts. Others get what nginx
// answers.
func (m mutual) front(next http.Handler, d *Door) http.Handler {
	if !m.password {
		next = d.open
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case m.vhosts != nil && r.TLS != nil && otherSite(r.TLS.ServerName):
			_, _ = io.WriteString(w, "another site\n")
		case m.accepts != nil && (r.TLS == nil || len(r.TLS.PeerCertificates) == 0):
			nginx400(w, "No required SSL certificate was sent")
		case m.accepts != nil && !m.accepts(d, r.TLS.PeerCertificates):
			nginx400(w, "The SSL certificate error")
		default:
			next.ServeHTTP(w, r)
		}
	})
}

func nginx400(w http.ResponseWriter, why string) {
	w.Header().Set("Server", "nginx/1.22.1")
	w.Header().Set("Content-Type", "text/html")
	w.WriteHeader(http.StatusBadRequest)
	_, _ = io.WriteString(w, "<html>\r\n<head><title>400 "+why+"</title></head>\r\n<body>\r\n<center><h1>400 Bad Request</h1></center>\r\n<center>"+why+
		"</center>\r\n<hr><center>nginx/1.22.1</center>\r\n</body>\r\n</html>\r\n")
}

// What a front may want of a certificate.

func named(d *Door, chain []*x509.Certificate) bool {
	return chain[0].Subject.CommonName == d.lab.keys.ci.name
}

// ofUser takes the certificates of all users: what each may do is told by who
// logs in.
func ofUser(d *Door, chain []*x509.Certificate) bool {
	_, known := d.lab.keys.find(chain[0].Subject.CommonName)
	return known
}

func namedAlike(d *Door, chain []*x509.Certificate) bool {
	return strings.HasPrefix(chain[0].Subject.CommonName, d.lab.keys.ci.name)
}

// issuerNamed compares the name of the issuer, and not its signature.
func issuerNamed(d *Door, chain []*x509.Certificate) bool {
	return named(d, chain) && chain[0].Issuer.String() == d.lab.clients.cert.Subject.String()
}

// verified is named, and verifies with what an entry forgets.
func verified(forget func(*x509.VerifyOptions, *x509.Certificate)) func(*Door, []*x509.Certificate) bool {
	return func(d *Door, chain []*x509.Certificate) bool {
		o := x509.VerifyOptions{Roots: d.lab.clients.pool, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
		forget(&o, chain[0])
		_, err := chain[0].Verify(o)
		return err == nil && named(d, chain)
	}
}

func forgetsTime(o *x509.VerifyOptions, c *x509.Certificate) { o.CurrentTime = c.NotBefore }

func forgetsUsage(o *x509.VerifyOptions, _ *x509.Certificate) {
	o.KeyUsages = []x509.ExtKeyUsage{x509.ExtKeyUsageAny}
}

// What a front may take for the SPIFFE ID of a certificate, and for the right one.

func spiffeExact(_ *Door, chain []*x509.Certificate) bool {
	return len(chain[0].URIs) == 1 && chain[0].URIs[0].String() == SPIFFE
}

func spiffePrefix(_ *Door, chain []*x509.Certificate) bool {
	return len(chain[0].URIs) == 1 && strings.HasPrefix(chain[0].URIs[0].String(), SPIFFE)
}

func spiffeAnyDomain(_ *Door, chain []*x509.Certificate) bool {
	return len(chain[0].URIs) == 1 && chain[0].URIs[0].Path == "/team-a/ci"
}

func spiffeAnyCase(_ *Door, chain []*x509.Certificate) bool {
	return len(chain[0].URIs) == 1 && strings.EqualFold(SPIFFE, chain[0].URIs[0].String())
}

func spiffeCommonName(d *Door, chain []*x509.Certificate) bool {
	return chain[0].Subject.CommonName == SPIFFE || spiffeExact(d, chain)
}

func spiffeAnySAN(_ *Door, chain []*x509.Certificate) bool {
	return slices.ContainsFunc(chain[0].URIs, func(u *url.URL) bool { return u.String() == SPIFFE })
}

// otherSite says whether a server name is not the registry's. Its own is an
// address, for which clients send no name, or registry.test.
func otherSite(name string) bool { return name != "" && name != "registry.test" }

// beside puts another site on the port, which wants no certificate. The keys of
// session tickets are shared, as they are in every server with one listener.
func beside(demand func(*tls.Config, *Door)) func(*tls.Config, *Door) {
	return func(config *tls.Config, d *Door) {
		public := config.Clone()
		public.ClientAuth = tls.NoClientCert
		demand(config, d)
		config.GetConfigForClient = func(h *tls.ClientHelloInfo) (*tls.Config, error) {
			if otherSite(h.ServerName) {
				return public, nil
			}
			return nil, nil
		}
	}
}

// inHandshake demands the certificate in a callback that a resumed session skips.
func inHandshake(config *tls.Config, d *Door) {
	config.ClientAuth = tls.RequestClientCert
	config.VerifyPeerCertificate = func(raw [][]byte, _ [][]*x509.Certificate) error {
		if len(raw) == 0 {
			return errors.New("no certificate")
		}
		c, err := x509.ParseCertificate(raw[0])
		if err != nil {
			return err
		}
		if !named(d, []*x509.Certificate{c}) {
			return errors.New("a certificate of another name")
		}
		_, err = c.Verify(x509.VerifyOptions{Roots: d.lab.clients.pool, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
		return err
	}
}

// inEverySession demands it of whatever session there is.
func inEverySession(config *tls.Config, _ *Door) { config.ClientAuth = tls.RequireAndVerifyClientCert }
