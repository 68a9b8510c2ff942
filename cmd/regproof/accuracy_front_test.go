// SPDX-License-Identifier: Apache-2.0

package main_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/regproof/regproof/internal/peer"
)

// site is one half of a case, running.
type site struct {
	target                          // how regproof is called on it
	dial          string            // where raw requests go
	host          string            // their Host header
	other         string            // a second way in
	otherPlain    bool              // which speaks no TLS
	entitledThere bool              // where the entitled are served, too
	secure        bool              // TLS
	mutual        bool              // the entitled show a client certificate
	token         string            // URL of the token service
	vars          map[string]string // more names in requests
}

// behind is a registry for a front.
type behind struct {
	name string
	need string
	addr func(*accuracyWorld) string
}

// The registries behind fronts: open ones that the front must guard, and ones
// that know the password.
var (
	debian     = behind{"docker-registry 2.8.2", peer.DockerRegistry, func(w *accuracyWorld) string { return w.open }}
	debianAuth = behind{"docker-registry 2.8.2 with htpasswd", peer.DockerRegistry, func(w *accuracyWorld) string { return w.guarded }}
	v3         = behind{"distribution v3.1.2", peer.Registry, func(w *accuracyWorld) string { return w.open3 }}
	v3Auth     = behind{"distribution v3.1.2 with htpasswd", peer.Registry, func(w *accuracyWorld) string { return w.guarded3 }}
)

// kind is a front with a place for a few lines of its configuration.
type kind struct {
	name  string
	need  string
	start func(t *testing.T, w *accuracyWorld, backend, text string) site
}

// The fronts: on an address, with TLS and HTTP/2, and by a name.
var (
	inNginx      = kind{"nginx 1.22", peer.Nginx, startNginx(plain)}
	inNginxTLS   = kind{"nginx 1.22 (TLS, HTTP/2)", peer.Nginx, startNginx(secure)}
	byNginx      = kind{"nginx 1.22", peer.Nginx, startNginx(named)}
	byNginxTLS   = kind{"nginx 1.22 (TLS, HTTP/2)", peer.Nginx, startNginx(both)}
	inHaproxy    = kind{"haproxy 2.6", peer.Haproxy, startHaproxy(plain)}
	inHaproxyTLS = kind{"haproxy 2.6 (TLS, HTTP/2)", peer.Haproxy, startHaproxy(secure)}
	byHaproxy    = kind{"haproxy 2.6", peer.Haproxy, startHaproxy(named)}
	inCaddy      = kind{"caddy 2.6", peer.Caddy, startCaddy(plain)}
	inCaddyTLS   = kind{"caddy 2.6 (TLS, HTTP/2)", peer.Caddy, startCaddy(secure)}
	byCaddy      = kind{"caddy 2.6", peer.Caddy, startCaddy(named)}
	inVarnish    = kind{"varnish 7.1", peer.Varnish, startVarnish(plain, quietVarnish)}
	byVarnish    = kind{"varnish 7.1", peer.Varnish, startVarnish(named, quietVarnish)}
	cacheVarnish = kind{"varnish 7.1", peer.Varnish, startVarnish(plain, "")}
	inSquid      = kind{"squid 5.7", peer.Squid, startSquid(plain, quietSquid)}
	bySquid      = kind{"squid 5.7", peer.Squid, startSquid(named, quietSquid)}
	cacheSquid   = kind{"squid 5.7", peer.Squid, startSquid(plain, "")}
)

// pair is a case of a front before a registry. The texts differ in the
// weakness alone.
func (k kind) pair(c accuracyCase, b behind, weak, sound string) accuracyCase {
	c.software = k.name + ", " + b.name
	c.needs = append(c.needs, k.need, b.need)
	at := func(text string) half {
		return func(t *testing.T, w *accuracyWorld) site { return k.start(t, w, b.addr(w), text) }
	}
	if weak != "" {
		c.weak = at(weak)
	}
	c.twin = at(sound)
	return c
}

// way is how a front is reached.
type way int

const (
	plain  way = iota // http on an address
	secure            // https with HTTP/2 on an address
	named             // http by a name
	both              // https with HTTP/2 by a name
)

// theName is the name of named fronts, in their certificate too.
const theName = "registry.test"

// newSite gives a front a place and tells how regproof gets there.
func (w *accuracyWorld) newSite(t *testing.T, by way) site {
	t.Helper()
	s := site{dial: peer.Local(peer.Port(t))}
	return w.at(s, by)
}

// at is newSite for a place that is there already.
func (w *accuracyWorld) at(s site, by way) site {
	s.host = s.dial
	s.target.args = slices.Clone(activeFlag)
	switch by {
	case secure:
		s.secure = true
		s.target.args = append(s.target.args, "--ca-file", w.ca.CA)
	case named, both:
		address, port, _ := strings.Cut(s.dial, ":")
		s.host = theName + ":" + port
		s.target.args = append(s.target.args, "--resolve", theName+":"+address)
		if by == named {
			s.target.args = append(s.target.args, "--plain-http")
			break
		}
		s.secure = true
		s.target.args = append(s.target.args, "--ca-file", w.ca.CA)
	}
	s.target.image = s.host + "/" + peerImage
	return s
}

// port is what stands behind the last colon.
func port(addr string) string { return addr[strings.LastIndex(addr, ":")+1:] }

// startNginx fills a server block, as peers_nginx_test.go does.
func startNginx(by way) func(*testing.T, *accuracyWorld, string, string) site {
	return func(t *testing.T, w *accuracyWorld, backend, text string) site {
		s := w.newSite(t, by)
		listen := "listen " + s.dial + ";"
		if s.secure {
			listen = fmt.Sprintf("listen %s ssl http2; ssl_certificate %s; ssl_certificate_key %s;", s.dial, w.ca.Cert, w.ca.Key)
		}
		w.nginxAt(t, s.dial, backend, listen, w.places(t, s, backend, text))
		return s
	}
}

// places replaces what texts of all fronts may name.
func (w *accuracyWorld) places(t *testing.T, s site, backend, text string) string {
	t.Helper()
	return strings.NewReplacer("{ADDR}", s.dial, "{PORT}", port(s.dial), "{HOST}", s.host, "{BACKEND}", backend, "{ELSEWHERE}", w.elsewhere, "{OPEN}", w.open, "{GUARDED}", w.guarded,
		"{CA}", w.ca.CA, "{CERT}", w.ca.Cert, "{KEY}", w.ca.Key, "{PEM}", w.pem, "{BASIC}", w.basic, "{DIR}", t.TempDir(), "{PASSWD}", w.passwd).Replace(text)
}

// startHaproxy fills a frontend. Behind a line "---" stand sections instead of
// the usual backend b; before a line "===" stands more of the bind line.
func startHaproxy(by way) func(*testing.T, *accuracyWorld, string, string) site {
	return func(t *testing.T, w *accuracyWorld, backend, text string) site {
		s := w.newSite(t, by)
		bind := ""
		if s.secure {
			bind = "ssl crt {PEM} alpn h2,http/1.1"
		}
		if more, rest, ok := strings.Cut(text, "===\n"); ok {
			bind, text = bind+" "+strings.TrimSpace(more), rest
		}
		rules, rest, ok := strings.Cut(text, "---\n")
		if !ok {
			rest = "backend b\n  server s {BACKEND}\n"
		}
		text = "userlist users\n  user " + peerUser + " insecure-password " + peerPassword + "\nfrontend f\n  bind {ADDR} " + bind + "\n" + rules + "\n  default_backend b\n" + rest
		peer.StartHaproxy(t, s.dial, w.places(t, s, backend, strings.ReplaceAll(text, "{KNOWN}", "{ http_auth(users) }")))
		return s
	}
}

// startCaddy fills a site block. In its text {USERS} is the block of basicauth,
// {PASS} goes on; before a line "===" stand global options; behind a line
// "---" stand more sites.
func startCaddy(by way) func(*testing.T, *accuracyWorld, string, string) site {
	return func(t *testing.T, w *accuracyWorld, backend, text string) site {
		s := w.newSite(t, by)
		options := ""
		if more, rest, ok := strings.Cut(text, "===\n"); ok {
			options, text = more, rest
		}
		block, sites, _ := strings.Cut(text, "---\n")
		head := "http://:{PORT} {\nbind 127.0.0.1\n"
		switch by {
		case secure:
			head = "https://:{PORT} {\nbind 127.0.0.1\ntls {CERT} {KEY}\n"
		case named:
			head = "http://" + theName + ":{PORT} {\nbind 127.0.0.1\n"
		}
		if strings.HasPrefix(block, "http") { // it has a head of its own
			head = ""
		} else {
			block += "\n}"
		}
		fill := func(text string) string {
			text = strings.NewReplacer("{USERS}", "{\n"+peerUser+" "+peer.Bcrypt(t, peerPassword)+"\n}", "{PASS}", "reverse_proxy {BACKEND}").Replace(text)
			return w.places(t, s, backend, text)
		}
		peer.StartCaddy(t, s.dial, fill(options), fill(head+block+"\n"+sites))
		return s
	}
}

// Where these are no caches, they do not look like one: regproof sends no
// credential through a cache without being told to.
const (
	quietVarnish = "sub vcl_deliver { unset resp.http.X-Varnish; unset resp.http.Via; unset resp.http.Age; }\nsub vcl_synth { unset resp.http.X-Varnish; }\n"
	quietSquid   = "via off\nreply_header_access X-Cache deny all\nreply_header_access X-Cache-Lookup deny all\nreply_header_access Cache-Status deny all\n"
)

// startVarnish fills a VCL file. In its text {UNKNOWN} is the condition that
// the password is not given, {DENY} asks for it.
func startVarnish(by way, quiet string) func(*testing.T, *accuracyWorld, string, string) site {
	return func(t *testing.T, w *accuracyWorld, backend, text string) site {
		s := w.newSite(t, by)
		if by == plain { // it closes the connection of who tries TLS
			s.target.args = append(s.target.args, "--plain-http")
		}
		host, port, _ := strings.Cut(backend, ":")
		text = fmt.Sprintf("import std;\nbackend b { .host = %q; .port = %q; }\n", host, port) + quiet + text + `
sub vcl_synth { if (resp.status == 401) { set resp.http.WWW-Authenticate = {"Basic realm="R""}; } }`
		text = strings.NewReplacer("{UNKNOWN}", `req.http.Authorization != "Basic {BASIC}"`, "{DENY}", "return (synth(401));").Replace(text)
		peer.StartVarnish(t, s.dial, w.places(t, s, backend, text))
		return s
	}
}

// startSquid fills the rules of an accelerator. The acl known is who gives the
// password.
func startSquid(by way, quiet string) func(*testing.T, *accuracyWorld, string, string) site {
	return func(t *testing.T, w *accuracyWorld, backend, text string) site {
		s := w.newSite(t, by)
		host, port, _ := strings.Cut(backend, ":")
		peer.StartSquid(t, s.dial, fmt.Sprintf("http_port %s accel defaultsite=%s vhost\ncache_peer %s parent %s 0 no-query originserver login=PASS\nacl known req_header Authorization ^Basic.%s$\nnever_direct allow all\n%s%s",
			s.dial, s.host, host, port, w.basic, quiet, w.places(t, s, backend, text)))
		return s
	}
}
