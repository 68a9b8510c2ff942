// SPDX-License-Identifier: Apache-2.0

package labtest

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/netip"
	"net/url"
	"testing"

	"github.com/regproof/regproof/credential"
	"github.com/regproof/regproof/lab"
	"github.com/regproof/regproof/probe"
)

// Front is a server that a test writes, before a door of the lab: it answers
// by itself or hands the request on.
type Front func(w http.ResponseWriter, r *http.Request, next http.Handler)

// Before starts a front before a door, and returns where it is.
func Before(t *testing.T, d *lab.Door, front Front) *url.URL {
	t.Helper()
	s := httptest.NewServer(before(t, d, front))
	t.Cleanup(s.Close)
	return parse(t, s.URL)
}

// BeforeTLS is Before with a certificate that nobody trusts.
func BeforeTLS(t *testing.T, d *lab.Door, front Front) *url.URL {
	t.Helper()
	s := httptest.NewTLSServer(before(t, d, front))
	t.Cleanup(s.Close)
	return parse(t, s.URL)
}

func before(t *testing.T, d *lab.Door, front Front) http.Handler {
	t.Helper()
	next := Forward(parse(t, d.URL()))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { front(w, r, next) })
}

// Forward hands every request on.
func Forward(to *url.URL) http.Handler {
	return &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(to) }}
}

func parse(t *testing.T, raw string) *url.URL {
	t.Helper()
	u, err := url.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// Instead makes a run ask these endpoints, the first of which is the primary
// one, in the place of the door; the secret may go to each.
func Instead(t *testing.T, endpoints ...probe.Endpoint) func(*probe.Options) {
	t.Helper()
	return func(o *probe.Options) {
		o.Targets[0].Endpoints = endpoints
		for i := range o.Identities {
			for _, e := range endpoints {
				origin, err := credential.ParseOrigin(e.URL.Scheme + "://" + e.URL.Host)
				if err != nil {
					t.Fatal(err)
				}
				o.Identities[i].Secret.Origins = append(o.Identities[i].Secret.Origins, origin)
			}
		}
	}
}

// AddressOf is the address that a URL holds in the place of a name.
func AddressOf(t *testing.T, u *url.URL) netip.Addr {
	t.Helper()
	a, err := netip.ParseAddr(u.Hostname())
	if err != nil {
		t.Fatal(err)
	}
	return a
}
