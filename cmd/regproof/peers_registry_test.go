// SPDX-License-Identifier: Apache-2.0

package main_test

import (
	"strings"
	"testing"

	"github.com/regproof/regproof/internal/peer"
)

// What fails on a registry that is open to everybody.
var (
	everything = []string{"manifest-by-tag", "manifest-by-digest", "index-child", "config", "layer", "referrers-tag", "tags", "catalog"}
	andUpload  = append([]string{"upload"}, everything...)
)

var activeFlag = []string{"--active"}

// registryCases are registries without anything in front.
func registryCases() []peerCase {
	v3 := []string{peer.Registry}
	token := func(stranger peer.Stranger) func(*testing.T, *peerWorld) target {
		return func(t *testing.T, w *peerWorld) target {
			service := peer.NewTokenService(t, peerUser, peerPassword, stranger)
			at := peer.StartRegistry(t, peer.Registry, service.Auth(""))
			w.fill(t, at, peerUser+":"+peerPassword)
			return target{image: at + "/" + peerImage, args: append([]string{"--allow-realm", strings.TrimSuffix(service.URL, "/token")}, activeFlag...)}
		}
	}
	return []peerCase{
		{
			name: "registry-open", software: "docker-registry 2.8.2", setup: "no auth section", twin: "registry-htpasswd",
			exit: 1, fails: andUpload, curl: true,
			build: func(_ *testing.T, w *peerWorld) target {
				return target{image: w.open + "/" + peerImage, args: activeFlag}
			},
		},
		{
			name: "registry-htpasswd", software: "docker-registry 2.8.2", setup: "htpasswd",
			build: func(_ *testing.T, w *peerWorld) target {
				return target{image: w.guarded + "/" + peerImage, args: activeFlag}
			},
		},
		{
			name: "v3-open", software: "distribution v3.1.2", setup: "no auth section", twin: "v3-htpasswd", needs: v3,
			exit: 1, fails: andUpload,
			build: func(t *testing.T, w *peerWorld) target {
				at := peer.StartRegistry(t, peer.Registry, nil)
				w.fill(t, at, "")
				return target{image: at + "/" + peerImage, args: activeFlag}
			},
		},
		{
			name: "v3-htpasswd", software: "distribution v3.1.2", setup: "htpasswd", needs: v3,
			build: func(t *testing.T, w *peerWorld) target {
				at := peer.StartRegistry(t, peer.Registry, peer.Htpasswd(t, peerUser, peerPassword))
				w.fill(t, at, peerUser+":"+peerPassword)
				return target{image: at + "/" + peerImage, args: activeFlag}
			},
		},
		{
			name: "v3-tls", software: "distribution v3.1.2", setup: "htpasswd, TLS and HTTP/2 by the registry itself", needs: v3,
			build: func(t *testing.T, w *peerWorld) target {
				at := peer.StartRegistryTLS(t, peer.Registry, peer.Htpasswd(t, peerUser, peerPassword), w.ca)
				w.fill(t, at, peerUser+":"+peerPassword)
				return target{image: at + "/" + peerImage, args: append([]string{"--ca-file", w.ca.CA}, activeFlag...)}
			},
		},
		{
			name: "v3-tls-open", software: "distribution v3.1.2", setup: "no auth section, TLS and HTTP/2", twin: "v3-tls", needs: v3,
			exit: 1, fails: everything,
			build: func(t *testing.T, w *peerWorld) target {
				at := peer.StartRegistryTLS(t, peer.Registry, nil, w.ca)
				w.fill(t, at, "")
				return target{image: at + "/" + peerImage, args: []string{"--ca-file", w.ca.CA}}
			},
		},
		{
			name: "v3-token-wrong-password", software: "distribution v3.1.2, token service", setup: "the credential is wrong", needs: v3, exit: 3,
			build: func(t *testing.T, w *peerWorld) target {
				a := token(peer.Nothing)(t, w)
				a.password = "wrong"
				return a
			},
		},
		{
			name: "v3-token-refuses", software: "distribution v3.1.2, token service", setup: "the token service answers 401 to strangers", needs: v3,
			build: token(peer.Refuse),
		},
		{
			name: "v3-token-empty", software: "distribution v3.1.2, token service", setup: "strangers get a token without rights", needs: v3,
			build: token(peer.Nothing),
		},
		{
			name: "v3-token-other-port", software: "distribution v3.1.2, token service", setup: "the token service is on the registry's own host, other port, without --allow-realm", needs: v3,
			build: func(t *testing.T, w *peerWorld) target {
				a := token(peer.Nothing)(t, w)
				a.args = activeFlag
				return a
			},
		},
		{
			name: "v3-token-path", software: "nginx 1.22, distribution v3.1.2, token service", setup: "the token service is a path of the registry's own host", needs: []string{peer.Registry, peer.Nginx},
			build: func(t *testing.T, w *peerWorld) target {
				service := peer.NewTokenService(t, peerUser, peerPassword, peer.Nothing)
				front := peer.Local(peer.Port(t))
				at := peer.StartRegistry(t, peer.Registry, service.Auth("http://"+front+"/token"))
				w.nginxAt(t, front, at, "listen "+front+";", "location = /token { proxy_pass "+service.URL+"; } location / { {PASS} }")
				w.fill(t, front, peerUser+":"+peerPassword)
				return target{image: front + "/" + peerImage, args: activeFlag}
			},
		},
		{
			name: "v3-token-anonymous-pull", software: "distribution v3.1.2, token service", setup: "strangers get a token that may pull", twin: "v3-token-empty", needs: v3,
			exit: 1, fails: []string{"token/stranger", "manifest-by-tag", "manifest-by-digest", "index-child", "config", "layer", "referrers-tag", "tags"}, curl: true,
			build: token(peer.Pull),
		},
	}
}
