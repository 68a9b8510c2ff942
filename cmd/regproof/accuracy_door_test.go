// SPDX-License-Identifier: Apache-2.0

package main_test

import (
	"fmt"
	"slices"
	"strconv"
	"testing"

	"github.com/regproof/regproof/internal/peer"
)

// replicaAccuracy are fronts with several registries behind one address.
func replicaAccuracy() []accuracyCase {
	replicas := func(name, setup string) accuracyCase {
		return accuracyCase{name: name, weakness: "lb-inconsistent-backends", setup: setup, sound: "all four ask for the password",
			leak: leak{times: 30}, fails: []string{"ingress/replicas"}, may: []string{"anonymous/*"}, cause: "replica|backend|of "}
	}
	return []accuracyCase{
		inHaproxy.pair(replicas("replicas-haproxy", "roundrobin over four registries, one without htpasswd"), debian,
			"---\nbackend b\n  balance roundrobin\n  server s1 {GUARDED}\n  server s2 {GUARDED}\n  server s3 {GUARDED}\n  server s4 {OPEN}\n",
			"---\nbackend b\n  balance roundrobin\n  server s1 {GUARDED}\n  server s2 {GUARDED}\n  server s3 {GUARDED}\n  server s4 {GUARDED}\n"),
		inNginx.pair(replicas("replicas-nginx", "an upstream of four registries, one without htpasswd"), debian,
			"upstream u { server {GUARDED} weight=3; server {OPEN}; }\n---\nlocation / { proxy_pass http://u; proxy_set_header Host $http_host; }",
			"upstream u { server {GUARDED} weight=3; server {GUARDED}; }\n---\nlocation / { proxy_pass http://u; proxy_set_header Host $http_host; }"),
		inCaddyTLS.pair(replicas("replicas-caddy", "random choice of four registries, one without htpasswd"), debian,
			"reverse_proxy {GUARDED} {GUARDED} {GUARDED} {OPEN} {\nlb_policy random\n}", "reverse_proxy {GUARDED} {GUARDED} {GUARDED} {GUARDED} {\nlb_policy random\n}"),
	}
}

// doorAccuracy are registries with a way in that has no guard.
func doorAccuracy() []accuracyCase {
	return []accuracyCase{
		{name: "ipv6-open", weakness: "ipv6-only-hole", software: "nginx 1.22 twice, docker-registry 2.8.2", setup: "the name has two addresses, ::1 is open", sound: "both are guarded",
			needs: []string{peer.Nginx}, leak: leak{other: true}, fails: allAnonymous, may: []string{"anonymous/upload", "ingress/replicas"}, weak: dualStack(openFront), twin: dualStack(guard)},
		{name: "plain-port-named", weakness: "alt-plain-http-port", software: "nginx 1.22 (TLS, HTTP/2), docker-registry 2.8.2", setup: "an endpoint on http serves everybody", sound: "it sends everybody to https",
			needs: []string{peer.Nginx}, leak: leak{other: true}, fails: append(slices.Clone(withUpload), "transport/plain-http"), may: []string{"exposure/redirected-port"}, weak: plainPort(openFront), twin: plainPort("return 301 https://{SECURE}$request_uri;")},
		{name: "backend-named", weakness: "backend-direct", software: "nginx 1.22, distribution v3.1.2", setup: "the registry behind the front is an endpoint, and open", sound: "it has htpasswd",
			needs: []string{peer.Nginx, peer.Registry}, leak: leak{other: true}, fails: withUpload, weak: direct(false), twin: direct(true)},
		{name: "backend-found", weakness: "backend-direct", software: "nginx 1.22 (TLS, HTTP/2), docker-registry 2.8.2", setup: "the registry behind the front listens on port 5000 of the same address", sound: "it listens on another address",
			needs: []string{peer.Nginx}, leak: leak{other: true}, fails: []string{"exposure/doors"}, args: []string{"--discover"}, cause: "5000", weak: found(true), twin: found(false)},
		{name: "plain-port-found", weakness: "alt-plain-http-port", software: "nginx 1.22 (TLS, HTTP/2), distribution v3.1.2", setup: "port 8080 of the same address serves the registry on http", sound: "it sends everybody to https",
			needs: []string{peer.Nginx, peer.Registry}, leak: leak{other: true}, fails: []string{"exposure/doors"}, args: []string{"--discover"}, cause: "8080", weak: foundPlain(openFront), twin: foundPlain("return 301 https://{SECURE}$request_uri;")},
	}
}

// dualStack is a name with a guarded IPv4 address and an IPv6 one.
func dualStack(second string) half {
	return func(t *testing.T, w *accuracyWorld) site {
		s := w.newSite(t, named)
		s.other, s.otherPlain = "[::1]:"+port(s.dial), true
		w.nginxAt(t, s.dial, w.open, "listen "+s.dial+";", guard)
		w.nginxAt(t, s.other, w.open, "listen "+s.other+";", second)
		s.args = append(s.args, "--resolve", theName+":::1")
		return s
	}
}

// plainPort is an https registry with an endpoint on http.
func plainPort(text string) half {
	return func(t *testing.T, w *accuracyWorld) site {
		s := inNginxTLS.start(t, w, w.open, guard)
		s.other, s.otherPlain = startNginx(plain)(t, w, w.open, replaceSecure(text, s.dial)).dial, true
		s.args, s.untouched = append(s.args, "--endpoint", "http://"+s.other), []string{"https://" + s.dial}
		return s
	}
}

// direct is a front, and the registry behind it as an endpoint.
func direct(known bool) half {
	return func(t *testing.T, w *accuracyWorld) site {
		backend, text := w.open3, guard
		if known {
			backend, text = w.guarded3, `location / { {PASS} }`
		}
		s := inNginx.start(t, w, backend, text)
		s.other = backend
		s.args, s.untouched = append(s.args, "--endpoint", "http://"+backend), []string{s.dial}
		return s
	}
}

// found is a front on an address of its own, with the registry behind it on
// the same address or on another.
func found(same bool) half {
	return func(t *testing.T, w *accuracyWorld) site {
		address := peer.Address(t)
		backend := address + ":5000"
		if !same {
			backend = peer.Local(peer.Port(t))
		}
		w.registryAt(t, peer.DockerRegistry, backend, nil)
		s := w.frontAt(t, address+":5443", backend)
		s.other, s.otherPlain = address+":5000", true
		return s
	}
}

// foundPlain is a front on an address of its own, and port 8080 there.
func foundPlain(text string) half {
	return func(t *testing.T, w *accuracyWorld) site {
		address := peer.Address(t)
		s := w.frontAt(t, address+":5443", w.open3)
		s.other, s.otherPlain = address+":8080", true
		w.nginxAt(t, s.other, w.open3, "listen "+s.other+";", replaceSecure(text, s.host))
		return s
	}
}

// frontAt is a sound front with TLS and HTTP/2 at a place, called by name.
func (w *accuracyWorld) frontAt(t *testing.T, addr, backend string) site {
	t.Helper()
	s := w.at(site{dial: addr}, both)
	w.nginxAt(t, addr, backend, fmt.Sprintf("listen %s ssl http2; ssl_certificate %s; ssl_certificate_key %s;", addr, w.ca.Cert, w.ca.Key), guard)
	return s
}

// debugAt is a registry at an address of its own, with its debug server there
// or elsewhere.
func debugAt(name string, same bool) half {
	return func(t *testing.T, w *accuracyWorld) site {
		address := peer.Address(t)
		debug := address + ":5001"
		if !same {
			debug = peer.Local(peer.Port(t))
		}
		addr := w.registryAt(t, name, address+":5000", peer.Htpasswd(t, peerUser, peerPassword), debugServer(debug))
		s := w.at(site{dial: addr}, named)
		s.other = address + ":" + strconv.Itoa(5001)
		return s
	}
}

func debugServer(addr string) func(config map[string]any) {
	return func(config map[string]any) {
		section(config, "http")["debug"] = map[string]any{"addr": addr, "prometheus": map[string]any{"enabled": true, "path": "/metrics"}}
	}
}
