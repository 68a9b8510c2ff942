// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
)

// newTokenHost opens a token service on a port of its own, which asks for client
// certificates, and speaks TLS, as the plan says.
func (d *Door) newTokenHost(ctx context.Context, p *plan) (string, error) {
	l, err := listen(ctx, "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	config := d.lab.ca.config()
	config.ClientAuth, config.ClientCAs = *p.tokenHost, d.lab.clients.pool
	if p.tokenSecure != nil {
		if err := p.tokenSecure(config, d.lab.ca); err != nil {
			return "", errors.Join(err, l.Close())
		}
	}
	h := d.tokens.before(http.NotFoundHandler())
	var at net.Listener = l
	if p.tokenPlain != nil {
		h, at = p.tokenPlain(h, d), sniff(l, config)
	}
	d.servers = append(d.servers, serve(ctx, h, config, at))
	return "https://" + l.Addr().String() + tokenPath, nil
}

// onTokenHost puts the token service on a port of its own, which speaks TLS in a
// way of its own.
func onTokenHost(w Weakness, s secure) entry {
	e := tokensAt(entry{Weakness: needsTLS(w)}, tls.NoClientCert)
	e.tokenSecure = s
	return e
}

// plainTokens gives tokens over plain HTTP as over TLS.
func plainTokens(next http.Handler, _ *Door) http.Handler { return next }

// namedTokens gives tokens to nobody without a name, over plain HTTP as over TLS.
func namedTokens(next http.Handler, _ *Door) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, _, ok := r.BasicAuth(); !ok {
			w.Header().Set("WWW-Authenticate", `Basic realm="regproof lab tokens"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// redirectsPlain sends whoever comes with plain HTTP to https.
func redirectsPlain(next http.Handler, _ *Door) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.TLS == nil {
			http.Redirect(w, r, "https://"+r.Host+r.URL.RequestURI(), http.StatusMovedPermanently)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func redirectingTokens(e entry) entry {
	e.tokenPlain = redirectsPlain
	return e
}
