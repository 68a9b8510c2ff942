// SPDX-License-Identifier: Apache-2.0

package login_test

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"github.com/regproof/regproof/credential"
	"github.com/regproof/regproof/login"
	"github.com/regproof/regproof/wire"
)

// loopback is DNS for the names here: all of them are this machine.
var loopback = map[string][]netip.Addr{
	"registry.example":     {netip.MustParseAddr("127.0.0.1")},
	"auth.example":         {netip.MustParseAddr("127.0.0.1")},
	"registry-1.docker.io": {netip.MustParseAddr("127.0.0.1")},
	"auth.docker.io":       {netip.MustParseAddr("127.0.0.1")},
}

// TestRealm: where a secret goes is not for the registry to say.
func TestRealm(t *testing.T) {
	type change = func(t *testing.T, realm string, reg *login.Registry, id *login.Identity)
	reachable := func(t *testing.T, realm string, reg *login.Registry, _ *login.Identity) {
		reg.Guard.Allowed = []credential.Origin{origin(t, realm)}
	}
	named := func(t *testing.T, realm string, _ *login.Registry, id *login.Identity) {
		id.Realms = []credential.Origin{origin(t, realm)}
	}
	const none = "-" // no request
	for _, tc := range []struct {
		name     string
		registry string // scheme and host, and a port if it is not that of the realm
		realm    string // scheme and host
		change   change
		sent     string // the Authorization that the service saw
		problem  string
	}{
		{"the registry itself", "http://127.0.0.1", "http://127.0.0.1", nil, basic, ""},
		{"the registry itself by name", "https://registry.example", "https://registry.example", nil, basic, ""},
		{"the registry itself in upper case", "https://registry.example", "https://REGISTRY.Example", nil, basic, ""},
		{"another port of the registry's host", "https://registry.example:1", "https://registry.example", nil, basic, ""},
		{"another port of a loopback registry", "http://127.0.0.1:1", "http://127.0.0.1", nil, basic, ""},
		{"https from http, on the registry's own host", "http://registry.example:1", "https://registry.example", func(_ *testing.T, _ string, _ *login.Registry, id *login.Identity) { id.Secret.PlainHTTP = true }, basic, ""},
		{"another port of the registry's host, named for the identity", "https://registry.example:1", "https://registry.example", named, basic, ""},
		{"a foreign address", "http://127.0.0.1", "http://127.0.0.2", nil, none, "loopback"},
		{"a foreign host that may be contacted", "https://registry.example", "https://auth.example", reachable, none, "https://auth.example:"},
		{"a foreign host that is named for the identity", "https://registry.example", "https://auth.example", named, basic, ""},
		{"a foreign host of which another port is named", "https://registry.example", "https://auth.example", func(t *testing.T, realm string, reg *login.Registry, id *login.Identity) {
			reachable(t, realm, reg, id)
			id.Realms = []credential.Origin{origin(t, "https://auth.example")}
		}, none, "--allow-realm https://auth.example:"},
		{"a well-known service on another port", "https://registry-1.docker.io", "https://auth.docker.io", reachable, none, "not known to belong to it"},
		{"http from https, on the registry's own host and port", "https://registry.example", "http://registry.example", nil, none, "leaves https"},
		{"http from https, which may be contacted", "https://registry.example", "http://registry.example", reachable, none, "not known to belong to it"},
		{"http from https, named for the identity", "https://registry.example", "http://registry.example", named, none, "plain http"},
		{"http from https, named and allowed", "https://registry.example", "http://registry.example", func(t *testing.T, realm string, reg *login.Registry, id *login.Identity) {
			named(t, realm, reg, id)
			id.Secret.PlainHTTP = true
		}, basic, ""},
		{"the endpoint is none that the secret is bound to", "https://registry.example", "https://registry.example", func(t *testing.T, _ string, _ *login.Registry, id *login.Identity) {
			id.Secret.Origins = []credential.Origin{origin(t, "https://registry.example:2")}
		}, none, "not bound to https://registry.example:"},
		{"the realm is bound, the endpoint is not", "https://registry.example:1", "https://auth.example", func(t *testing.T, realm string, reg *login.Registry, id *login.Identity) {
			named(t, realm, reg, id)
			id.Secret.Origins = []credential.Origin{origin(t, realm)}
		}, none, "not bound to https://registry.example:1"},
		{"bound to nothing", "https://registry.example", "https://registry.example", func(_ *testing.T, _ string, _ *login.Registry, id *login.Identity) {
			id.Secret.Origins = nil
		}, none, "not bound"},
		{"anonymous asks a foreign host that may be contacted", "https://registry.example", "https://auth.example", func(t *testing.T, realm string, reg *login.Registry, id *login.Identity) {
			reachable(t, realm, reg, id)
			*id = login.Identity{Name: login.Anonymous}
		}, "", ""},
		{"anonymous does not ask what may not be contacted", "https://registry.example", "https://auth.example", func(_ *testing.T, _ string, _ *login.Registry, id *login.Identity) {
			*id = login.Identity{Name: login.Anonymous}
		}, none, "loopback"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			at := mustURL(t, tc.realm)
			address := "127.0.0.1"
			if at.Host == "127.0.0.2" {
				address = at.Host
			}
			s := serve(t, address, at.Scheme == "https", says(200, `{"token":"t1"}`))
			port := s.url[strings.LastIndexByte(s.url, ':'):]
			realm, registry := tc.realm+port, tc.registry
			if mustURL(t, registry).Port() == "" {
				registry += port
			}
			reg := login.Registry{URL: mustURL(t, registry), Guard: wire.Guard{Pinned: loopback}}
			id := bind(t, password(t), registry)
			if tc.change != nil {
				tc.change(t, realm, &reg, &id)
			}
			c, _ := newLogin(t)
			g := c.Authorize(t.Context(), reg, id, bearer(realm+"/token"), "repository:a:pull")
			if !strings.Contains(g.Problem, tc.problem) || (tc.problem == "") != (g.Problem == "") || (g.Header == "") != (tc.problem != "") {
				t.Errorf("problem %q, header %q; want a problem with %q", g.Problem, g.Header, tc.problem)
			}
			seen := s.requests()
			if tc.sent == none {
				if len(seen) > 0 {
					t.Errorf("the service was asked: %+v", seen)
				}
				return
			}
			if len(seen) != 1 || seen[0].Authorization != tc.sent {
				t.Errorf("the service saw %+v, want Authorization %q", seen, tc.sent)
			}
		})
	}
}

// TestTrusted lists the token services on other hosts that are known.
func TestTrusted(t *testing.T) {
	for _, tc := range []struct {
		registry, realm string
		want            bool
	}{
		{"https://registry-1.docker.io", "https://auth.docker.io/token", true},
		{"https://registry-1.docker.io", "https://auth.docker.io:444/token", false},
		{"https://registry-1.docker.io", "http://auth.docker.io/token", false},
		{"https://registry-1.docker.io", "https://auth.docker.io.evil.example/token", false},
		{"https://registry.gitlab.com", "https://gitlab.com/jwt/auth", true},
		{"https://registry.gitlab.com", "https://auth.docker.io/token", false},
		{"https://evil.example", "https://auth.docker.io/token", false},
		{"https://evil.example", "https://evil.example/token", true},
		{"https://evil.example", "https://evil.example:8443/token", true},
		{"https://registry-1.docker.io:8443", "https://auth.docker.io/token", false},
		{"https://evil.example", "https://sub.evil.example/token", false},
		{"https://evil.example", "", false},
		{"http://registry.example", "http://registry.example:80/token", true},
		{"http://registry.example", "http://registry.example:81/token", true},
		{"http://registry.example", "https://registry.example/token", true},
	} {
		u := mustURL(t, tc.realm)
		d := wire.Destination{URL: u}
		if u.Host != "" {
			d.Origin = origin(t, tc.realm)
		}
		if got := login.Trusted(login.Registry{URL: mustURL(t, tc.registry)}, login.Identity{}, d); got != tc.want {
			t.Errorf("%s sends to %q: trusted %v, want %v", tc.registry, tc.realm, got, tc.want)
		}
	}
}

// TestRedirect: a token service that redirects is followed by anonymous alone,
// where the guard lets it. A trap waits where it leads.
func TestRedirect(t *testing.T) {
	for _, tc := range []struct {
		name    string
		named   bool
		status  int
		allowed bool // the configuration names the trap
		home    bool // it leads back to the service itself
		trapped int  // requests that the trap saw
		header  string
		problem string
	}{
		{"anonymous, to a named place", false, 302, true, false, 1, "Bearer t2", ""},
		{"anonymous, elsewhere", false, 302, false, false, 0, "", "loopback"},
		{"anonymous, to itself", false, 307, false, true, 0, "Bearer t1", ""},
		{"named, to a named place", true, 302, true, false, 0, "", "where the secret of alice does not go"},
		{"named, 307", true, 307, true, false, 0, "", "where the secret of alice does not go"},
		{"named, 308", true, 308, true, false, 0, "", "where the secret of alice does not go"},
		{"named, elsewhere", true, 302, false, false, 0, "", "loopback"},
		{"named, to itself", true, 302, false, true, 0, "Bearer t1", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			trap := serve(t, "127.0.0.2", false, says(200, `{"token":"t2"}`))
			s := serve(t, "127.0.0.1", false, func(w http.ResponseWriter, r *http.Request) {
				if strings.HasPrefix(r.URL.Path, "/again") {
					says(200, `{"token":"t1"}`)(w, r)
					return
				}
				to := trap.url + "/trap?x=y"
				if tc.home {
					to = "/again?x=y"
				}
				w.Header().Set("Location", to)
				w.WriteHeader(tc.status)
			})
			reg := login.Registry{URL: mustURL(t, s.url), Headers: [][2]string{{"X-Test", "1"}}}
			if tc.allowed {
				reg.Guard.Allowed = []credential.Origin{origin(t, trap.url)}
			}
			id := login.Identity{Name: login.Anonymous}
			if tc.named {
				id = bind(t, password(t), s.url)
			}
			c, rec := newLogin(t)
			g := c.Authorize(t.Context(), reg, id, bearer(s.url+"/token"), "")
			if g.Header != tc.header || !strings.Contains(g.Problem, tc.problem) || (tc.problem == "") != (g.Problem == "") {
				t.Errorf("header %q, problem %q", g.Header, g.Problem)
			}
			if len(g.Evidence) != rec.Sent() {
				t.Errorf("evidence %v of %d exchanges", g.Evidence, rec.Sent())
			}
			seen := trap.requests()
			if len(seen) != tc.trapped {
				t.Errorf("the trap saw %+v, want %d requests", seen, tc.trapped)
			}
			for _, r := range seen {
				if r.Authorization != "" || r.Request != "GET /trap?x=y" {
					t.Errorf("the trap saw %+v", r)
				}
			}
		})
	}
	t.Run("for ever", func(t *testing.T) {
		s := serve(t, "127.0.0.1", false, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/again", http.StatusFound) })
		c, _ := newLogin(t)
		g := c.Authorize(t.Context(), login.Registry{URL: mustURL(t, s.url)}, login.Identity{}, bearer(s.url), "")
		if n := len(s.requests()); !strings.Contains(g.Problem, "more than 3 times") || n != 4 || len(g.Evidence) != 4 {
			t.Errorf("problem %q after %d requests, evidence %v", g.Problem, n, g.Evidence)
		}
	})
}
