// SPDX-License-Identifier: Apache-2.0

package main_test

import (
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"github.com/regproof/regproof/internal/peer"
	"github.com/regproof/regproof/upstream"
)

// upstreamCases are pull-through caches of a lab whose upstream is regproof
// itself.
func upstreamCases() []peerCase {
	const setup = "pull-through cache with a credential, "
	debian, v3 := []string{peer.DockerRegistry}, []string{peer.Registry}
	return []peerCase{
		{
			name: "upstream-realm-2.8.2", software: "docker-registry 2.8.2", setup: setup + "any token service is sent it (CVE-2026-33540)", twin: "upstream-realm-3.1.2", needs: debian,
			exit: 1, fails: []string{"cache/upstream-realm"}, build: pullThrough(peer.DockerRegistry, "throw-away", nil),
		},
		{
			name: "upstream-realm-2.8.2-login", software: "docker-registry 2.8.2", setup: setup + "that asks its own users for a password", twin: "upstream-realm-3.1.2", needs: debian,
			exit: 1, fails: []string{"cache/upstream-realm"}, build: pullThrough(peer.DockerRegistry, "throw-away", peer.Htpasswd),
		},
		{
			name: "upstream-realm-3.0.0-rc.2", software: "distribution v3.0.0-rc.2", setup: setup + "any token service is sent it", twin: "upstream-realm-3.1.2", needs: []string{peer.RegistryRC2},
			exit: 1, fails: []string{"cache/upstream-realm"}, build: pullThrough(peer.RegistryRC2, "throw-away", nil),
		},
		{
			name: "upstream-realm-3.1.2", software: "distribution v3.1.2", setup: setup + "foreign token services are left alone", needs: v3,
			build: pullThrough(peer.Registry, "throw-away", nil),
		},
		{
			name: "upstream-realm-3.1.0", software: "distribution v3.1.0", setup: setup + "foreign token services are left alone", needs: []string{peer.Registry310},
			build: pullThrough(peer.Registry310, "throw-away", nil),
		},
		{
			name: "upstream-realm-no-credential", software: "docker-registry 2.8.2", setup: "pull-through cache without a credential", needs: debian,
			exit: 3, build: pullThrough(peer.DockerRegistry, "", nil),
		},
		{
			name: "upstream-realm-elsewhere", software: "docker-registry 2.8.2", setup: "no pull-through cache at all", needs: debian,
			exit: 3, build: func(t *testing.T, w *peerWorld) target { return w.throughFile(t, w.open, freeUpstream(t)) },
		},
	}
}

// pullThrough starts a cache whose upstream is, at its start, what regproof will
// be later: this software asks for the token services once.
func pullThrough(name, password string, auth func(testing.TB, string, string) peer.Auth) func(*testing.T, *peerWorld) target {
	return func(t *testing.T, w *peerWorld) target {
		at := freeUpstream(t)
		up := upstream.New(upstream.Options{
			Listen: netip.MustParseAddrPort(at), URL: &url.URL{Scheme: "http", Host: at},
			Foreign: &url.URL{Scheme: "http", Host: strings.Replace(at, "127.0.0.1", "localhost", 1)},
		})
		if err := up.Open(t.Context()); err != nil {
			t.Fatal(err)
		}
		var users peer.Auth
		if auth != nil {
			users = auth(t, peerUser, peerPassword)
		}
		cache := peer.StartRegistryWith(t, name, peer.Local(peer.Port(t)), users, func(config map[string]any) {
			proxy := map[string]any{"remoteurl": "http://" + at}
			if password != "" {
				proxy["username"], proxy["password"] = "reader", password
			}
			config["proxy"] = proxy
		})
		if err := up.Close(); err != nil {
			t.Fatal(err)
		}
		return w.throughFile(t, cache, at)
	}
}

func freeUpstream(t *testing.T) string { return peer.Local(peer.Port(t)) }

// throughFile names the cache and its upstream.
func (w *peerWorld) throughFile(t *testing.T, cache, upstream string) target {
	t.Helper()
	a := w.fromFile(t, strings.NewReplacer("FIRST", w.guarded, "CACHE", cache, "UPSTREAM", upstream).Replace(`version: 1
registries:
  - name: corp
    url: http://FIRST
    endpoints:
      - {url: "http://CACHE", role: cache}
identities:
  - name: ci
    origins: ["http://CACHE"]
    from: {env: [CI_USER, CI_PASSWORD]}
check:
  upstream: {listen: "UPSTREAM"}
`))
	a.args = append(a.args, "--only", "cache/upstream-realm")
	return a
}
