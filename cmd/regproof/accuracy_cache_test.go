// SPDX-License-Identifier: Apache-2.0

package main_test

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"

	"github.com/regproof/regproof/internal/peer"
)

// cacheAccuracy are shared caches in front of a registry that asks for the
// password itself.
func cacheAccuracy() []accuracyCase {
	blind := func(name, what, setup, sound, request string) accuracyCase {
		return accuracyCase{name: name, weakness: "cache-auth-blind-" + what, setup: setup, sound: sound,
			leak: leak{request: get(request), prime: true}, fails: []string{"cache/cached-content"}, may: []string{"anonymous/*", "ingress/*", "cache/cache-key"}, cause: "cache"}
	}
	const keep = "proxy_cache_path {DIR} keys_zone=z:1m;\n---\nproxy_cache z; "
	const bypass = "proxy_no_cache $http_authorization; proxy_cache_bypass $http_authorization; "
	const pass = "location / { {PASS} }"
	return []accuracyCase{
		inNginx.pair(blind("cached-blob-nginx", "blob", "proxy_cache without proxy_cache_valid keeps blobs", "what is asked with a password is neither kept nor taken from the cache", "{LAYER}"), debianAuth,
			keep+pass, keep+bypass+pass),
		inNginxTLS.pair(blind("cached-manifest-nginx", "manifest", "proxy_cache_valid 200 10m keeps manifests and listings", "proxy_cache_key has the Authorization in it", "{MANIFEST}"), v3Auth,
			keep+"proxy_cache_valid 200 10m; "+pass, keep+"proxy_cache_valid 200 10m; proxy_cache_key $uri$is_args$args$http_authorization$http_accept; "+pass),
		cacheVarnish.pair(blind("cached-manifest-varnish", "manifest", "vcl_recv hashes GET and HEAD though there is an Authorization", "the builtin VCL passes what has an Authorization", "{MANIFEST}"), debianAuth,
			`sub vcl_recv { if (req.method == "GET" || req.method == "HEAD") { return (hash); } return (pass); }`, `sub vcl_deliver { set resp.http.X-Cache = "builtin"; }`).primed(),
		cacheVarnish.pair(blind("cached-blob-varnish", "blob", "vcl_recv hashes blobs though there is an Authorization", "the builtin VCL passes what has an Authorization", "{LAYER}"), v3Auth,
			`sub vcl_recv { if ((req.method == "GET" || req.method == "HEAD") && req.url ~ "/blobs/sha256:") { return (hash); } return (pass); }`, `sub vcl_deliver { set resp.http.X-Cache = "builtin"; }`).primed(),
		publicSquid(blind("cached-manifest-squid", "manifest", "the registry's http.headers say Cache-Control: public, which squid keeps though there was an Authorization", "they say private", "{MANIFEST}")).primed(),
		staleTag("stale-tag-nginx", "nginx 1.22, docker-registry 2.8.2", "proxy_cache_valid keeps manifests by tag for an hour", "only blobs are kept", peer.Nginx, peer.DockerRegistry, func(t *testing.T, w *accuracyWorld, backend string, weak bool) site {
			text := "proxy_cache_path {DIR} keys_zone=z:1m;\n---\nproxy_cache_key $uri$is_args$args$http_authorization; location ~ /blobs/ { proxy_cache z; {PASS} } location / { {PASS} }"
			if weak {
				text = strings.Replace(text, "location / {", "location / { proxy_cache z; proxy_cache_valid 200 1h;", 1)
			}
			return inNginx.start(t, w, backend, text)
		}),
		staleTag("stale-tag-varnish", "varnish 7.1, distribution v3.1.2", "manifests by tag are kept for an hour, by Authorization", "they are passed", peer.Varnish, peer.Registry, func(t *testing.T, w *accuracyWorld, backend string, weak bool) site {
			text := `sub vcl_recv { if (req.method != "GET" && req.method != "HEAD") { return (pass); } {TAGS} return (hash); } sub vcl_hash { hash_data(req.http.Authorization); } sub vcl_backend_response { if (beresp.status == 200) { set beresp.ttl = 1h; } }`
			tags := `if (req.url !~ "sha256:") { return (pass); }`
			if weak {
				tags = ""
			}
			return inVarnish.start(t, w, backend, strings.ReplaceAll(text, "{TAGS}", tags))
		}),
	}
}

// with adds arguments of regproof.
func (c accuracyCase) with(args ...string) accuracyCase {
	c.args = append(c.args, args...)
	return c
}

// primed lets regproof read through a door that says it is a cache.
func (c accuracyCase) primed() accuracyCase {
	c.prime = true
	return c
}

// publicSquid is squid before a registry that says how long answers are good.
func publicSquid(c accuracyCase) accuracyCase {
	at := func(scope string) half {
		return func(t *testing.T, w *accuracyWorld) site {
			backend := w.registry(t, peer.DockerRegistry, peer.Htpasswd(t, peerUser, peerPassword), func(config map[string]any) {
				section(config, "http")["headers"] = map[string]any{"Cache-Control": []string{scope + ", max-age=600"}}
			})
			return cacheSquid.start(t, w, backend, "http_access allow all")
		}
	}
	c.software, c.needs = "squid 5.7, docker-registry 2.8.2 with htpasswd", []string{peer.Squid}
	c.weak, c.twin = at("public"), at("private")
	return c
}

// throughCache is what the entitled ask a cache that is a second way in.
var throughCache = get("{MANIFEST}", "Host: {OTHER}", "Authorization: Basic {BASIC}")

// staleTag is a cache that knows the passwords apart, before a registry where
// the tag was moved after the entitled had pulled it through the cache.
func staleTag(name, software, setup, sound, front, registry string, start func(t *testing.T, w *accuracyWorld, backend string, weak bool) site) accuracyCase {
	const creds = peerUser + ":" + peerPassword
	at := func(weak bool) half {
		return func(t *testing.T, w *accuracyWorld) site {
			old := peer.NewImage(t, peerTag)
			origin := peer.Local(peer.Port(t))
			peer.StartRegistryWith(t, registry, origin, peer.Htpasswd(t, peerUser, peerPassword), func(config map[string]any) { section(config, "http")["relativeurls"] = true })
			old.Push(t, origin+"/"+peerImage, creds)
			s := start(t, w, origin, weak)
			s.other, s.dial = s.dial, origin
			s = w.at(s, plain)
			s.args = append(s.args, "--endpoint", "http://"+s.other)
			if _, err := w.send(s, leak{other: true}, throughCache, true); err != nil {
				t.Fatal(err)
			}
			w.fill(t, origin, creds)
			return s
		}
	}
	return accuracyCase{name: name, weakness: "cache-stale-tag", software: software, setup: setup, sound: sound, needs: []string{front, registry},
		leak: leak{request: throughCache, other: true, holds: otherImage}, fails: []string{"cache/stale-tag"}, may: []string{"cache/cache-key"}, cause: "tag", weak: at(true), twin: at(false)}
}

// otherImage holds if the answer is an index that the tag does not name now.
func otherImage(w *accuracyWorld, a answer) error {
	sum := fmt.Sprintf("sha256:%x", sha256.Sum256(a.body))
	if a.status != 200 || sum == w.content.index || !strings.Contains(string(a.body), `"manifests"`) {
		return fmt.Errorf("status %d with %s, the tag names %s", a.status, sum, w.content.index)
	}
	return nil
}
