// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"crypto/tls"
	"net/netip"
	"net/url"
	"testing"

	"github.com/regproof/regproof/evidence"
	"github.com/regproof/regproof/wire"
)

// TestLoan: the certificate is shown to the endpoint and nowhere else.
func TestLoan(t *testing.T) {
	u, err := url.Parse("https://registry.test:5000")
	if err != nil {
		t.Fatal(err)
	}
	at, elsewhere := netip.MustParseAddrPort("192.0.2.1:5000"), netip.MustParseAddrPort("192.0.2.2:5000")
	d := &door{ep: Endpoint{URL: u}, addresses: []netip.AddrPort{at}}
	l := &loan{of: "ci", cert: &tls.Certificate{}}
	for _, row := range []struct {
		name string
		r    wire.Request
		want bool
	}{
		{"the endpoint", wire.Request{Scheme: "https", Address: at, Host: u.Host}, true},
		{"another address", wire.Request{Scheme: "https", Address: elsewhere, Host: u.Host}, false},
		{"another name", wire.Request{Scheme: "https", Address: at, Host: "other.test"}, false},
		{"plain HTTP", wire.Request{Scheme: "http", Address: at, Host: u.Host}, false},
	} {
		for who, l := range map[string]*loan{"lent": l, "nothing lent": nil} {
			r := row.r
			r.Identity = anonymous.Name
			l.show(d, &r)
			if got, want := r.Cert != nil, row.want && l != nil; got != want || (r.Identity != anonymous.Name) != want {
				t.Errorf("%s, %s: shown %t as %q", row.name, who, got, r.Identity)
			}
		}
	}
	for realm, want := range map[string]bool{
		"/token": true, "https://registry.test:5000/token": true, "https://REGISTRY.test:5000/token": true,
		"https://registry.test/token": false, "https://auth.test/token": false, "http://registry.test:5000/token": false, "://": false, "": true,
	} {
		if got := l.at(d, realm).Cert != nil; got != want {
			t.Errorf("realm %q: shown %t", realm, got)
		}
		if who := (*loan)(nil).at(d, realm); !who.Anonymous() {
			t.Errorf("realm %q: nothing lent, and shown as %s", realm, who.Name)
		}
	}
}

// TestAlertLost: only what a server may have said of a missing certificate is
// asked for again.
func TestAlertLost(t *testing.T) {
	asked, silent := &evidence.TLS{Asked: true}, &evidence.TLS{}
	for _, row := range []struct {
		r    wire.Request
		resp wire.Response
		want bool
	}{
		{wire.Request{}, wire.Response{Failure: wire.Closed, TLS: asked}, true},
		{wire.Request{Cert: &tls.Certificate{}}, wire.Response{Failure: wire.Closed, TLS: asked}, false},
		{wire.Request{}, wire.Response{Failure: wire.Closed, TLS: silent}, false},
		{wire.Request{}, wire.Response{Failure: wire.Closed}, false},
		{wire.Request{}, wire.Response{Failure: wire.Timeout, TLS: asked}, false},
		{wire.Request{}, wire.Response{Failure: wire.ClientCert, TLS: asked}, false},
	} {
		if got := alertLost(row.r, row.resp); got != row.want {
			t.Errorf("%+v: %t", row.resp, got)
		}
	}
}
