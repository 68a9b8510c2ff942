// SPDX-License-Identifier: Apache-2.0

package main_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/regproof/regproof/internal/peer"
)

// mirrorAccuracy are registries that fetch from another one, distribution
// v3.1.2 with a token service, with a credential of their own.
func mirrorAccuracy() []accuracyCase {
	open := func(name, registry, software string) accuracyCase {
		at := func(known bool) half {
			return func(t *testing.T, w *accuracyWorld) site {
				s := w.tokenRegistry(t)
				var auth peer.Auth
				if known {
					auth = peer.Htpasswd(t, peerUser, peerPassword)
				}
				s.other, s.entitledThere = w.mirror(t, registry, s.dial, auth), false
				s.args, s.untouched = append(s.args, "--endpoint", "http://"+s.other), []string{s.dial}
				return s
			}
		}
		return accuracyCase{name: name, weakness: "mirror-private-anon", software: software + " as a mirror, distribution v3.1.2, token service", setup: "the mirror has a credential for the upstream and no auth", sound: "the mirror has htpasswd",
			needs: []string{peer.Registry, peer.Nginx}, leak: leak{other: true}, fails: anon("manifest-by-tag", "manifest-by-digest", "layer"), may: []string{"anonymous/*"}, weak: at(false), twin: at(true)}
	}
	return []accuracyCase{
		open("mirror-2.8.2", peer.DockerRegistry, "docker-registry 2.8.2"),
		open("mirror-3.1.2", peer.Registry, "distribution v3.1.2"),
		revoked("revoked-mirror", "docker-registry 2.8.2 as a mirror", peer.DockerRegistry, func(t *testing.T, w *accuracyWorld, upstream string, weak bool) string {
			if weak {
				return w.mirror(t, peer.DockerRegistry, upstream, peer.Htpasswd(t, peerUser, peerPassword))
			}
			return inNginx.start(t, w, upstream, `location / { {PASS} }`).dial // who asks brings a token
		}),
		revoked("revoked-nginx", "nginx 1.22 as a cache", peer.Nginx, func(t *testing.T, w *accuracyWorld, upstream string, weak bool) string {
			if !weak {
				return inNginx.start(t, w, upstream, `location / { {AUTH} {PASS} }`).dial
			}
			return inNginx.start(t, w, upstream, "proxy_cache_path {DIR} keys_zone=z:1m;\n---\nproxy_cache z; proxy_cache_valid 200 1h; proxy_cache_key $uri$is_args$args; "+
				"location / { {AUTH} proxy_pass http://{BACKEND}; proxy_set_header Host $http_host; proxy_set_header Authorization \"Basic {BASIC}\"; }").dial
		}),
	}
}

// tokenRegistry is distribution v3.1.2 with its token service on the same
// host and port, which is where mirrors send credentials to.
func (w *accuracyWorld) tokenRegistry(t *testing.T) site {
	t.Helper()
	service := peer.NewTokenService(t, peerUser, peerPassword, peer.Nothing)
	s := w.newSite(t, plain)
	backend := peer.Local(peer.Port(t))
	peer.StartRegistryWith(t, peer.Registry, backend, service.Auth("http://"+s.dial+"/token"), func(config map[string]any) { section(config, "http")["relativeurls"] = true })
	w.nginxAt(t, s.dial, backend, "listen "+s.dial+";", "location = /token { proxy_pass "+service.URL+"; } location / { {PASS} }")
	w.fill(t, s.dial, peerUser+":"+peerPassword)
	s.token = service.URL
	return s
}

// mirror is a registry that fetches what it does not have.
func (w *accuracyWorld) mirror(t *testing.T, registry, upstream string, auth peer.Auth) string {
	t.Helper()
	return peer.StartRegistryWith(t, registry, peer.Local(peer.Port(t)), auth, func(config map[string]any) {
		section(config, "http")["relativeurls"] = true
		config["proxy"] = map[string]any{"remoteurl": "http://" + upstream, "username": peerUser, "password": peerPassword}
	})
}

// revoked is a cache with its own password before a registry where an image
// was deleted after it had been pulled through the cache. The image is asked
// by digest, on the registry and on the cache; another one is still there.
func revoked(name, software, front string, start func(t *testing.T, w *accuracyWorld, upstream string, weak bool) string) accuracyCase {
	const creds = peerUser + ":" + peerPassword
	at := func(weak bool) half {
		return func(t *testing.T, w *accuracyWorld) site {
			gone := peer.NewImage(t, "gone")
			s := w.upstream(t, front)
			gone.Push(t, s.dial+"/"+peerRepository+":gone", creds)
			w.fill(t, s.dial, creds)
			s.other = start(t, w, s.dial, weak)
			path := "/v2/" + peerRepository + "/manifests/" + gone.Digest
			s.vars = map[string]string{"{GONE}": path, "{AS}": "Basic {BASIC}"}
			if s.token != "" && !weak {
				s.vars["{AS}"] = w.bearer(t, s, "pull")
			}
			a, err := w.send(s, leak{other: true}, get(path, "Host: {OTHER}", "Authorization: {AS}"), true)
			if err != nil || a.status != 200 {
				t.Fatalf("the cache does not serve: %d, %v", a.status, err)
			}
			w.delete(t, s, path)
			file := filepath.Join(t.TempDir(), "regproof.yaml")
			text := strings.NewReplacer("FIRST", s.dial, "SECOND", s.other, "DIGEST", gone.Digest).Replace(`version: 1
registries:
  - name: corp
    url: http://FIRST
    endpoints: ["http://SECOND"]
identities:
  - name: ci
    origins: ["http://SECOND"]
    from: {env: [CI_USER, CI_PASSWORD]}
images:
  - {registry: corp, repository: team/app, reference: "1.4"}
  - {registry: corp, repository: team/app, reference: "DIGEST"}
`)
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			s.target = target{args: []string{"-f", file, "--active"}, env: []string{"CI_USER=" + peerUser, "CI_PASSWORD=" + peerPassword}}
			return s
		}
	}
	return accuracyCase{name: name, weakness: "cache-survives-revocation", software: software, setup: "a manifest that the registry has deleted is still served by digest", sound: "every request goes to the registry",
		needs: []string{peer.Registry, front, peer.Nginx}, leak: leak{request: get("{GONE}", "Host: {OTHER}", "Authorization: {AS}"), other: true, holds: says(200, `"manifests"`)},
		fails: []string{"cache/revoked-content"}, cause: "deleted|revoked|no longer|cache", exits: 3, weak: at(true), twin: at(false)}
}

// upstream is a registry that deletes what it is told to. A mirror fetches
// from one with tokens, a cache passes a password on.
func (w *accuracyWorld) upstream(t *testing.T, front string) site {
	t.Helper()
	deletes := func(config map[string]any) {
		section(config, "http")["relativeurls"] = true
		section(config, "storage")["delete"] = map[string]any{"enabled": true}
	}
	s := w.newSite(t, plain)
	if front == peer.Nginx {
		peer.StartRegistryWith(t, peer.Registry, s.dial, peer.Htpasswd(t, peerUser, peerPassword), deletes)
		return s
	}
	service := peer.NewTokenService(t, peerUser, peerPassword, peer.Nothing)
	backend := peer.Local(peer.Port(t))
	peer.StartRegistryWith(t, peer.Registry, backend, service.Auth("http://"+s.dial+"/token"), deletes)
	w.nginxAt(t, s.dial, backend, "listen "+s.dial+";", "location = /token { proxy_pass "+service.URL+"; } location / { {PASS} }")
	s.token = service.URL
	return s
}

// bearer is a token of the entitled, as a header has it.
func (w *accuracyWorld) bearer(t *testing.T, s site, actions string) string {
	t.Helper()
	token, err := s.fetchToken(peerUser, peerPassword, actions)
	if err != nil {
		t.Fatal(err)
	}
	return "Bearer " + token
}

// delete removes a manifest as its owner.
func (w *accuracyWorld) delete(t *testing.T, s site, path string) {
	t.Helper()
	header := "Authorization: Basic {BASIC}"
	if s.token != "" {
		header = "Authorization: " + w.bearer(t, s, "pull,delete")
	}
	a, err := w.send(s, leak{}, ask("DELETE", path, header), true)
	if err == nil && a.status != 202 {
		err = fmt.Errorf("status %d: %.200s", a.status, a.body)
	}
	if err != nil {
		t.Fatalf("DELETE: %v", err)
	}
}
