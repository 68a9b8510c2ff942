// SPDX-License-Identifier: Apache-2.0

package main_test

import (
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/regproof/regproof/internal/peer"
)

const openFront = `location / { {PASS} }`

// doorCases are registries with more than one way in.
func doorCases() []peerCase {
	return []peerCase{
		{
			name: "addresses", software: "nginx 1.22, docker-registry 2.8.2", setup: "two addresses of one name, both guarded", needs: []string{peer.Nginx},
			build: addresses(guard),
		},
		{
			name: "addresses-one-open", software: "nginx 1.22, docker-registry 2.8.2", setup: "two addresses of one name, 127.0.0.2 is open", needs: []string{peer.Nginx}, twin: "addresses",
			exit: 1, fails: andUpload[1:], curl: true, build: addresses(openFront),
		},
		{
			name: "endpoints", software: "nginx 1.22, docker-registry 2.8.2", setup: "a second --endpoint, guarded as the first", needs: []string{peer.Nginx},
			build: endpoints(guard),
		},
		{
			name: "endpoints-one-open", software: "nginx 1.22, docker-registry 2.8.2", setup: "a second --endpoint, open", needs: []string{peer.Nginx}, twin: "endpoints",
			exit: 1, fails: andUpload, build: endpoints(openFront),
		},
		{
			name: "file", software: "nginx 1.22, docker-registry 2.8.2", setup: "-f with two endpoints, identity from the environment; policy opens public/**, as nginx does", needs: []string{peer.Nginx},
			build: file(publicToo),
		},
		{
			name: "file-one-open", software: "nginx 1.22, docker-registry 2.8.2", setup: "the same, the second endpoint is open", needs: []string{peer.Nginx}, twin: "file",
			exit: 1, fails: andUpload, build: file(openFront),
		},
		{
			name: "file-redirect", software: "nginx 1.22, docker-registry 2.8.2", setup: "-f with https, and http that sends everybody there", needs: []string{peer.Nginx},
			build: redirected("return 301 https://SECURE$request_uri;"),
		},
		{
			name: "file-redirect-open", software: "nginx 1.22, docker-registry 2.8.2", setup: "the same, http serves everybody", needs: []string{peer.Nginx}, twin: "file-redirect",
			exit: 1, fails: andUpload, may: []string{"transport/plain-http"}, build: redirected(openFront),
		},
	}
}

// redirected has an https registry and its http port, which is meant to send
// everybody to https.
func redirected(plain string) func(*testing.T, *peerWorld) target {
	return func(t *testing.T, w *peerWorld) target {
		secure := peer.Local(peer.Port(t))
		w.nginxAt(t, secure, w.open, fmt.Sprintf("listen %s ssl http2; ssl_certificate %s; ssl_certificate_key %s;", secure, w.ca.Cert, w.ca.Key), guard)
		other := w.nginx(t, w.open, strings.ReplaceAll(plain, "SECURE", secure))
		text := strings.NewReplacer("FIRST", secure, "SECOND", other, "AUTHORITY", w.ca.CA).Replace(`version: 1
registries:
  - name: corp
    url: https://FIRST
    tls: {ca: AUTHORITY}
    endpoints:
      - "http://SECOND"
identities:
  - name: ci
    from: {env: [CI_USER, CI_PASSWORD]}
images:
  - {registry: corp, repository: team/app, reference: "1.4"}
`)
		return w.fromFile(t, text, secure)
	}
}

// fromFile calls regproof with a configuration file.
func (w *peerWorld) fromFile(t *testing.T, text string, untouched ...string) target {
	t.Helper()
	path := filepath.Join(t.TempDir(), "regproof.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return target{args: []string{"-f", path, "--active"}, env: []string{"CI_USER=" + peerUser, "CI_PASSWORD=" + peerPassword}, untouched: untouched}
}

const publicToo = `location /v2/public/ { limit_except GET { {AUTH} } {PASS} } location /v2/ { {AUTH} {PASS} }`

func addresses(second string) func(*testing.T, *peerWorld) target {
	return func(t *testing.T, w *peerWorld) target {
		port := peer.Port(t)
		one, two := fmt.Sprintf("127.0.0.1:%d", port), fmt.Sprintf("127.0.0.2:%d", port)
		w.nginxAt(t, one, w.open, "listen "+one+";", guard)
		w.nginxAt(t, two, w.open, "listen "+two+";", second)
		name := fmt.Sprintf("registry.test:%d", port)
		return target{image: name + "/" + peerImage, args: []string{"--active", "--plain-http", "--resolve", "registry.test:127.0.0.1", "--resolve", "registry.test:127.0.0.2"}}
	}
}

func endpoints(second string) func(*testing.T, *peerWorld) target {
	return func(t *testing.T, w *peerWorld) target {
		first := w.nginx(t, w.open, guard)
		return target{image: first + "/" + peerImage, args: []string{"--active", "--endpoint", "http://" + w.nginx(t, w.open, second)}, untouched: []string{first}}
	}
}

func file(second string) func(*testing.T, *peerWorld) target {
	return func(t *testing.T, w *peerWorld) target {
		first, other := w.nginx(t, w.open, publicToo), w.nginx(t, w.open, second)
		text := strings.NewReplacer("FIRST", first, "SECOND", other).Replace(`version: 1
registries:
  - name: corp
    url: http://FIRST
    endpoints: ["http://SECOND"]
identities:
  - name: ci
    origins: ["http://SECOND"]
    from: {env: [CI_USER, CI_PASSWORD]}
policy:
  rules:
    - {who: [anonymous], repos: ["public/**"], can: [pull, list]}
    - {who: [ci], repos: ["**"], can: [pull, push, delete, list, catalog]}
images:
  - {registry: corp, repository: team/app, reference: "1.4"}
  - {registry: corp, repository: public/base, reference: "1"}
`)
		return w.fromFile(t, text, first)
	}
}

// callCases are other ways to ask about the same registries.
func callCases() []peerCase {
	at := func(which func(*peerWorld) string, change func(*peerWorld, *target)) func(*testing.T, *peerWorld) target {
		return func(_ *testing.T, w *peerWorld) target {
			a := target{image: which(w) + "/" + peerImage}
			change(w, &a)
			return a
		}
	}
	open := func(w *peerWorld) string { return w.open }
	guarded := func(w *peerWorld) string { return w.guarded }
	byDigest := func(which func(*peerWorld) string) func(*testing.T, *peerWorld) target {
		return at(which, func(w *peerWorld, a *target) { a.image = which(w) + "/" + peerRepository + "@" + w.image.Digest })
	}
	stranger := func(_ *peerWorld, a *target) { a.stranger = true }
	const software = "docker-registry 2.8.2"
	return []peerCase{
		{name: "by-digest", software: software, setup: "htpasswd, the image named by digest", build: byDigest(guarded)},
		{
			name: "by-digest-open", software: software, setup: "open, the image named by digest", twin: "by-digest", exit: 1,
			fails: []string{"manifest-by-digest", "index-child", "config", "layer", "referrers-tag", "tags", "catalog"}, build: byDigest(open),
		},
		{
			name: "absent-image", software: software, setup: "htpasswd, a tag that does not exist", exit: 3, says: "not decided",
			build: at(guarded, func(w *peerWorld, a *target) { a.image = w.guarded + "/team/app:absent" }),
		},
		{
			name: "absent-image-open", software: software, setup: "open, a repository that does not exist", exit: 3, fails: []string{"catalog"},
			build: at(open, func(w *peerWorld, a *target) { a.image = w.open + "/team/absent:1" }),
		},
		{
			name: "wrong-password", software: software, setup: "htpasswd, the credential is wrong", exit: 3, says: "ci",
			build: at(guarded, func(_ *peerWorld, a *target) { a.password = "wrong" }),
		},
		{
			name: "wrong-password-open", software: software, setup: "open, the credential is wrong", twin: "wrong-password", exit: 1, fails: everything,
			build: at(open, func(_ *peerWorld, a *target) { a.password = "wrong" }),
		},
		{
			name: "authfile", software: software, setup: "htpasswd, the credential from --authfile",
			build: func(t *testing.T, w *peerWorld) target {
				path := filepath.Join(t.TempDir(), "auth.json")
				text := fmt.Sprintf(`{"auths": {%q: {"auth": %q}}}`, w.guarded, base64.StdEncoding.EncodeToString([]byte(peerUser+":"+peerPassword)))
				if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
				return target{image: w.guarded + "/" + peerImage, stranger: true, args: []string{"--authfile", path}}
			},
		},
		{name: "stranger", software: software, setup: "htpasswd, no credential given", exit: 3, says: "not proven private", build: at(guarded, stranger)},
		{name: "stranger-open", software: software, setup: "open, no credential given", twin: "stranger", exit: 1, fails: everything, build: at(open, stranger)},
		{
			name: "whole-registry", software: software, setup: "htpasswd, check HOST", build: at(guarded, func(w *peerWorld, a *target) { a.image = w.guarded }),
		},
		{
			name: "whole-registry-open", software: software, setup: "open, check HOST", twin: "whole-registry", exit: 1, fails: slices.DeleteFunc(slices.Clone(everything), func(p string) bool { return p == "referrers-tag" }), may: []string{"referrers-tag"},
			build: at(open, func(w *peerWorld, a *target) { a.image = w.open }),
		},
	}
}
