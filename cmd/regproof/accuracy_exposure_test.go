// SPDX-License-Identifier: Apache-2.0

package main_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/regproof/regproof/internal/peer"
)

func replaceSecure(text, addr string) string { return strings.ReplaceAll(text, "{SECURE}", addr) }

// exposureAccuracy are registries that show or follow what they should not.
func exposureAccuracy() []accuracyCase {
	debug := func(name, software, setup, sound string) accuracyCase {
		return accuracyCase{name: name, weakness: "debug-port", software: software, setup: setup, sound: sound, fails: []string{"exposure/debug"}, may: []string{"exposure/metrics", "exposure/doors"}, cause: "debug"}
	}
	cors := func(name, setup, sound string) accuracyCase {
		return accuracyCase{name: name, weakness: "cors-wildcard-credentials", setup: setup, sound: sound,
			leak: leak{request: get("/v2/", "Origin: https://evil.example"), holds: foreignPage}, fails: []string{"ingress/cors"}, cause: "origin"}
	}
	location := func(name, registry string, b behind, sound string, change func(config map[string]any)) accuracyCase {
		at := func(change func(config map[string]any)) half {
			return func(t *testing.T, w *accuracyWorld) site {
				return w.at(site{dial: w.registry(t, registry, peer.Htpasswd(t, peerUser, peerPassword), change)}, plain)
			}
		}
		return accuracyCase{name: name, weakness: "location-host-reflection", software: b.name, setup: "no http.host: an upload's Location follows X-Forwarded-Host", sound: sound, needs: []string{registry},
			leak:  leak{request: ask("POST", "/v2/{REPO}/blobs/uploads/", "Content-Length: 0", "X-Forwarded-Host: evil.example", "Authorization: Basic {BASIC}"), holds: hasHeader("Location", "evil.example")},
			fails: []string{"ingress/location-host"}, cause: "Host", weak: at(absoluteURLs), twin: at(change)}
	}
	size := func(name, registry string, b behind) accuracyCase {
		at := func(change func(config map[string]any)) half {
			return func(t *testing.T, w *accuracyWorld) site {
				return w.at(site{dial: w.registry(t, registry, peer.Htpasswd(t, peerUser, peerPassword), change)}, plain)
			}
		}
		return accuracyCase{name: name, weakness: "catalog-unbounded", software: b.name, setup: "catalog.maxentries is a hundred million", sound: "the default", needs: []string{registry}, low: true,
			leak:  leak{request: get("/v2/_catalog?n=1000000", "Authorization: Basic {BASIC}"), holds: says(200, peerRepository)},
			fails: []string{"exposure/catalog-size"}, cause: "n=",
			weak: at(func(config map[string]any) { section(config, "catalog")["maxentries"] = 100_000_000 }), twin: at(func(map[string]any) {})}
	}
	port := func(c accuracyCase) accuracyCase {
		c.fails, c.may = []string{"exposure/debug-port"}, []string{"exposure/doors", "exposure/metrics"}
		return c.with("--discover")
	}
	port1 := debug("debug-2.8.2", "docker-registry 2.8.2", "the debug server is on port 5001 of the registry's address", "it is on another address")
	port1.leak, port1.weak, port1.twin = leak{other: true, request: get("/debug/pprof/cmdline"), holds: says(200, "serve")}, debugAt(peer.DockerRegistry, true), debugAt(peer.DockerRegistry, false)
	port2 := debug("debug-3.1.2", "distribution v3.1.2", "the debug server is on port 5001 of the registry's address", "it is on another address")
	port2.needs = []string{peer.Registry}
	port2.leak, port2.weak, port2.twin = leak{other: true, request: get("/debug/pprof/cmdline"), holds: says(200, "serve")}, debugAt(peer.Registry, true), debugAt(peer.Registry, false)
	path := debug("debug-nginx", "nginx 1.22, docker-registry 2.8.2", "location /debug/ goes to the debug server", "it asks for the password")
	path.leak, path.needs = leak{request: get("/debug/vars"), holds: says(200, "cmdline")}, []string{peer.Nginx}
	path.weak, path.twin = debugBehind(`location /debug/ { proxy_pass http://{DEBUG}; } `), debugBehind(`location /debug/ { {AUTH} proxy_pass http://{DEBUG}; } `)
	return []accuracyCase{
		port(port1), port(port2), path,
		{name: "metrics-nginx", weakness: "metrics-open", software: "nginx 1.22, docker-registry 2.8.2", setup: "location = /metrics goes to the debug server", sound: "it asks for the password", needs: []string{peer.Nginx}, low: true,
			leak: leak{request: get("/metrics"), holds: says(200, "# HELP")}, fails: []string{"exposure/metrics"}, cause: "metrics",
			weak: debugBehind(`location = /metrics { proxy_pass http://{DEBUG}; } `), twin: debugBehind(`location = /metrics { {AUTH} proxy_pass http://{DEBUG}; } `)},
		size("catalog-size-2.8.2", peer.DockerRegistry, debianAuth),
		size("catalog-size-3.1.2", peer.Registry, v3Auth),
		location("location-2.8.2", peer.DockerRegistry, debianAuth, "relativeurls: true", func(map[string]any) {}),
		location("location-3.1.2", peer.Registry, v3Auth, "http.host is set", func(config map[string]any) {
			absoluteURLs(config)
			section(config, "http")["host"] = "http://" + section(config, "http")["addr"].(string)
		}),
		inNginx.pair(cors("cors-nginx", "add_header Access-Control-Allow-Origin $http_origin, with credentials", "the origin is a fixed one"), v3,
			`add_header Access-Control-Allow-Origin $http_origin always; add_header Access-Control-Allow-Credentials true always; `+guard,
			`add_header Access-Control-Allow-Origin https://ui.example always; add_header Access-Control-Allow-Credentials true always; `+guard),
		inCaddy.pair(cors("cors-caddy", "header Access-Control-Allow-Origin {header.Origin}, with credentials", "the origin is a fixed one"), debian,
			"header Access-Control-Allow-Origin {header.Origin}\nheader Access-Control-Allow-Credentials true\n"+caddyGuard,
			"header Access-Control-Allow-Origin https://ui.example\nheader Access-Control-Allow-Credentials true\n"+caddyGuard),
		realmHost(),
	}
}

func absoluteURLs(config map[string]any) { section(config, "http")["relativeurls"] = false }

// foreignPage holds if a page of evil.example may read with the credentials of
// its visitor.
func foreignPage(w *accuracyWorld, a answer) error {
	return errors.Join(hasHeader("Access-Control-Allow-Origin", "evil.example")(w, a), hasHeader("Access-Control-Allow-Credentials", "true")(w, a))
}

// debugBehind is a front with a location for the registry's debug server.
func debugBehind(location string) half {
	return func(t *testing.T, w *accuracyWorld) site {
		debug := peer.Local(peer.Port(t))
		backend := w.registry(t, peer.DockerRegistry, nil, debugServer(debug))
		return inNginx.start(t, w, backend, strings.ReplaceAll(location, "{DEBUG}", debug)+guard)
	}
}

// realmHost is a registry whose realm follows the Host header.
func realmHost() accuracyCase {
	at := func(follow bool) half {
		return func(t *testing.T, w *accuracyWorld) site {
			service := peer.NewTokenService(t, peerUser, peerPassword, peer.Nothing)
			s := w.newSite(t, plain)
			auth := service.Auth("http://" + s.dial + "/auth/token")
			token := auth["token"].(map[string]any)
			if follow {
				token["autoredirect"], token["autoredirectpath"] = true, "/auth/token"
			}
			backend := peer.Local(peer.Port(t))
			peer.StartRegistryWith(t, peer.Registry, backend, auth, func(config map[string]any) { section(config, "http")["relativeurls"] = true })
			w.nginxAt(t, s.dial, backend, "listen "+s.dial+";", "location = /auth/token { proxy_pass "+service.URL+"; } location / { proxy_set_header X-Forwarded-Proto http; {PASS} }")
			w.fill(t, s.dial, peerUser+":"+peerPassword)
			s.token = service.URL
			return s
		}
	}
	return accuracyCase{name: "realm-host", weakness: "host-header-realm", software: "nginx 1.22, distribution v3.1.2, token service", setup: "auth.token.autoredirect: true", sound: "a fixed realm",
		needs: []string{peer.Nginx, peer.Registry}, low: true, leak: leak{request: get("/v2/", "Host: evil.example"), holds: hasHeader("Www-Authenticate", "://evil.example")},
		fails: []string{"ingress/realm-host"}, cause: "realm", weak: at(true), twin: at(false)}
}
