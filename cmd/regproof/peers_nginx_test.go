// SPDX-License-Identifier: Apache-2.0

package main_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/regproof/regproof/internal/peer"
)

// nginx starts a server block in front of a backend. In its text {AUTH} asks
// for the password, {PASS} goes on to the backend; what stands before a line
// "---" belongs to the http block.
func (w *peerWorld) nginx(t *testing.T, backend, text string) string {
	t.Helper()
	addr := peer.Local(peer.Port(t))
	w.nginxAt(t, addr, backend, "listen "+addr+";", text)
	return addr
}

func (w *peerWorld) nginxAt(t *testing.T, addr, backend, listen, text string) {
	t.Helper()
	text = strings.NewReplacer(
		"{AUTH}", "auth_basic R; auth_basic_user_file "+w.passwd+";",
		"{GUARDED}", w.guarded,
		"{OPEN}", w.open,
		"{FILE}", "auth_basic_user_file "+w.passwd+";",
		"{PASS}", "proxy_pass http://"+backend+"; proxy_set_header Host $http_host;",
	).Replace(text)
	head, server, ok := strings.Cut(text, "---\n")
	if !ok {
		head, server = "", text
	}
	peer.StartNginx(t, addr, fmt.Sprintf("%s\nserver {\n%s\n%s\n}", head, listen, server))
}

// front is a case of nginx before the open registry.
func front(c peerCase, text string, args ...string) peerCase {
	c.software, c.needs = "nginx 1.22, docker-registry 2.8.2", []string{peer.Nginx}
	if c.exit == 1 && c.twin == "" {
		c.twin = "nginx-sound"
	}
	c.build = func(t *testing.T, w *peerWorld) target {
		return target{image: w.nginx(t, w.open, text) + "/" + peerImage, args: slices.Concat(activeFlag, args)}
	}
	return c
}

// before is front with the registry that knows the password itself.
func before(c peerCase, text string, args ...string) peerCase {
	c = front(c, text)
	c.build = func(t *testing.T, w *peerWorld) target {
		return target{image: w.nginx(t, w.guarded, text) + "/" + peerImage, args: slices.Concat(activeFlag, args)}
	}
	return c
}

// guard is the rule that all the others get wrong.
const guard = `location /v2/ { {AUTH} {PASS} }`

func nginxCases() []peerCase {
	atMedium := []string{"--fail-on", "medium"}
	return []peerCase{
		front(peerCase{name: "nginx-sound", setup: "auth_basic on location /v2/", curl: false}, guard),
		before(peerCase{name: "nginx-pass", setup: "no auth in nginx, htpasswd in the registry"}, `location / { {PASS} }`),
		front(peerCase{name: "nginx-ping-only", setup: "auth on location = /v2/ only", exit: 1, fails: andUpload, curl: true},
			`location = /v2/ { {AUTH} {PASS} } location / { {PASS} }`),
		front(peerCase{name: "nginx-limit-except", setup: "limit_except GET HEAD", exit: 1, fails: everything},
			`location /v2/ { limit_except GET HEAD { {AUTH} } {PASS} }`),
		front(peerCase{name: "nginx-blobs-open", setup: "a regex guards manifests only", exit: 1, fails: []string{"config", "layer", "tags", "catalog", "upload"}, curl: true},
			`location = /v2/ { {AUTH} {PASS} } location ~ ^/v2/.+/manifests/ { {AUTH} {PASS} } location /v2/ { {PASS} }`),
		front(peerCase{name: "nginx-digest-open", setup: "a regex guards tags, not digests", exit: 1, fails: []string{"manifest-by-digest", "index-child"}},
			`location ~ ^/v2/.+/manifests/[^:]+$ { {AUTH} {PASS} } location ~ ^/v2/.+/manifests/ { {PASS} } location /v2/ { {AUTH} {PASS} }`),
		front(peerCase{name: "nginx-head-open", setup: "if ($request_method = GET), writes guarded", exit: 1, fails: []string{"head"}, curl: true},
			"map $request_method $realm { default R; HEAD off; }\n---\nlocation /v2/ { auth_basic $realm; {FILE} {PASS} }", atMedium...),
		front(peerCase{name: "nginx-get-only", setup: "if ($request_method = GET): HEAD and POST are open", exit: 1, fails: []string{"head", "upload"}},
			"map $request_method $realm { default off; GET R; }\n---\nlocation /v2/ { auth_basic $realm; {FILE} {PASS} }"),
		front(peerCase{name: "nginx-agent-exempt", setup: "docker's User-Agent needs no password", exit: 1, fails: everything, curl: true},
			"map $http_user_agent $realm { default R; ~^docker/ off; }\n---\nlocation /v2/ { auth_basic $realm; {FILE} {PASS} }"),
		front(peerCase{name: "nginx-accept", setup: "only an Accept with docker in it is guarded", exit: 1, fails: []string{"ingress/accept"}},
			"map $http_accept $realm { default off; ~docker R; }\n---\nlocation ~ /manifests/ { auth_basic $realm; {FILE} {PASS} } location /v2/ { {AUTH} {PASS} }"),
		front(peerCase{name: "nginx-conditional-open", setup: "no guard on requests with If-None-Match", exit: 1, fails: []string{"ingress/conditional"}, curl: true},
			"map $http_if_none_match $realm { default off; \"\" R; }\n---\nlocation /v2/ { auth_basic $realm; {FILE} {PASS} }"),
		front(peerCase{name: "nginx-range-open", setup: "no guard on requests with Range", exit: 1, fails: []string{"ingress/range"}, curl: true},
			"map $http_range $realm { default off; \"\" R; }\n---\nlocation /v2/ { auth_basic $realm; {FILE} {PASS} }"),
		front(peerCase{name: "nginx-any-password", setup: "any Authorization passes", exit: 1, fails: []string{"ingress/authorization"}, curl: true},
			"map $http_authorization $realm { default off; \"\" R; }\n---\nlocation /v2/ { auth_basic $realm; {FILE} {PASS} }"),
		front(peerCase{name: "nginx-gzip-open", setup: "no guard, answers are packed", exit: 1, fails: andUpload},
			`gzip on; gzip_types *; gzip_proxied any; location /v2/ { {PASS} }`),
		front(peerCase{name: "nginx-gzip", setup: "auth_basic on /v2/, answers are packed"},
			`gzip on; gzip_types *; gzip_proxied any; `+guard),
		before(peerCase{name: "nginx-no-challenge", setup: "htpasswd behind, WWW-Authenticate is taken away but at the ping", fails: []string{"challenge"}},
			`location = /v2/ { {PASS} } location / { proxy_hide_header WWW-Authenticate; {PASS} }`),
		front(peerCase{name: "nginx-existence", setup: "auth on the prefix /v2/team/ only", exit: 1, fails: []string{"existence", "catalog"}},
			`location = /v2/ { {AUTH} {PASS} } location /v2/team/ { {AUTH} {PASS} } location / { {PASS} }`, "--fail-on", "low"),
		front(peerCase{name: "nginx-auth-request", setup: "auth_request to a service that knows the password"},
			`location = /auth { internal; proxy_pass http://{GUARDED}/v2/; proxy_pass_request_body off; proxy_set_header Content-Length ""; } location /v2/ { auth_request /auth; {PASS} }`),
		front(peerCase{name: "nginx-tags-open", setup: "tags/list without a password", exit: 1, fails: []string{"tags"}, curl: true},
			`location ~ /tags/list$ { {PASS} } location /v2/ { {AUTH} {PASS} }`, atMedium...),
		front(peerCase{name: "nginx-catalog-open", setup: "_catalog without a password", exit: 1, fails: []string{"catalog"}, curl: true},
			`location = /v2/_catalog { {PASS} } location /v2/ { {AUTH} {PASS} }`, atMedium...),
		front(peerCase{name: "nginx-bot-filter-open", setup: "403 to agents that are no docker client; nothing else", exit: 1, fails: []string{"manifest-by-tag", "tags", "catalog"}, may: andUpload, twin: "nginx-bot-filter"},
			`if ($http_user_agent !~ ^(docker|containerd|skopeo)/) { return 403; } location / { {PASS} }`),
		before(peerCase{name: "nginx-bot-filter", setup: "403 to agents that are no docker client; htpasswd behind"},
			`if ($http_user_agent !~ ^(docker|containerd|skopeo)/) { return 403; } location / { {PASS} }`),
		front(peerCase{name: "nginx-bot-filter-strangers-open", setup: "403 to strangers that are no docker client; nothing else", exit: 1, fails: everything, may: []string{"upload"}, twin: "nginx-bot-filter-strangers"},
			strangersOnly+`location / { if ($bot = y) { return 403; } {PASS} }`),
		before(peerCase{name: "nginx-bot-filter-strangers", setup: "403 to strangers that are no docker client; htpasswd behind"},
			strangersOnly+`location / { if ($bot = y) { return 403; } {PASS} }`),
		front(peerCase{name: "nginx-login-redirect", setup: "error_page 401 = 302 to an HTML login, ping answers 401"},
			`location = /v2/ { {AUTH} {PASS} } location /v2/ { {AUTH} error_page 401 = @login; {PASS} } location @login { return 302 /login?rd=$request_uri; } `+loginPage),
		front(peerCase{name: "nginx-login-redirect-all", setup: "the same, the ping redirects too"},
			`location /v2/ { {AUTH} error_page 401 = @login; {PASS} } location @login { return 302 /login?rd=$request_uri; } `+loginPage),
		front(peerCase{name: "nginx-login-html", setup: "200 with an HTML login page, ping answers 401"},
			`location = /v2/ { {AUTH} {PASS} } location /v2/ { {AUTH} error_page 401 =200 /login; {PASS} } `+loginPage),
		front(peerCase{name: "nginx-login-html-all", setup: "the same, the ping gets the page too"},
			`location /v2/ { {AUTH} error_page 401 =200 /login; {PASS} } `+loginPage),
		front(peerCase{name: "nginx-hiding", setup: "404 to strangers, ping answers 401"},
			`location = /v2/ { {AUTH} {PASS} } location /v2/ { {AUTH} error_page 401 =404 /none; {PASS} } location = /none { internal; return 404; }`),
		front(peerCase{name: "nginx-ping-open", setup: "the ping is open to everybody, the rest is guarded"}, `location = /v2/ { {PASS} } `+guard),
		front(peerCase{name: "nginx-auth-delay", setup: "auth_basic on /v2/, every 401 takes a second"}, `auth_delay 1s; `+guard),
		front(peerCase{name: "nginx-444", setup: "the connection of strangers is closed, ping answers 401", exit: 3, says: "not decided"},
			`location = /v2/ { {AUTH} {PASS} } location /v2/ { {AUTH} error_page 401 = @drop; {PASS} } location @drop { return 444; }`),
		front(peerCase{name: "nginx-429", setup: "429 to everything", exit: 3, says: "not decided"}, `location / { return 429; }`),
		{
			name: "nginx-502", software: "nginx 1.22", setup: "the backend is down", needs: []string{peer.Nginx}, exit: 3, says: "not decided",
			build: func(t *testing.T, w *peerWorld) target {
				return target{image: w.nginx(t, peer.Local(peer.Port(t)), guard) + "/" + peerImage}
			},
		},
		tlsCase(peerCase{name: "nginx-tls", setup: "TLS and HTTP/2, auth_basic on /v2/"}, guard),
		tlsCase(peerCase{name: "nginx-tls-ping-only", setup: "TLS and HTTP/2, auth on location = /v2/ only", exit: 1, fails: andUpload, curl: true},
			`location = /v2/ { {AUTH} {PASS} } location / { {PASS} }`),
		mutual(peerCase{name: "nginx-mtls", setup: "ssl_verify_client on; --cert-file"}, "on"),
		mutual(peerCase{name: "nginx-mtls-optional", setup: "ssl_verify_client optional", exit: 1, fails: append([]string{anybodysCert}, andUpload...), twin: "nginx-mtls"}, "optional"),
		tlsCase(peerCase{name: "nginx-tls-http2-open", setup: "the guard does not see HTTP/2", exit: 1, fails: everything, curl: true},
			"map $server_protocol $realm { default R; HTTP/2.0 off; }\n---\nlocation /v2/ { auth_basic $realm; {FILE} {PASS} }"),
	}
}

// strangersOnly marks agents that are no docker client, without a credential.
const strangersOnly = "map $http_user_agent $agent { default y; ~^(docker|containerd|skopeo)/ n; }\nmap $http_authorization $bot { default n; \"\" $agent; }\n---\n"

const loginPage = `location = /login { default_type text/html; return 200 "<html><body><form action=/login method=post>Sign in <input name=user></form></body></html>"; }`

func tlsCase(c peerCase, text string) peerCase {
	c = front(c, text)
	if c.exit == 1 {
		c.twin = "nginx-tls"
	}
	c.build = func(t *testing.T, w *peerWorld) target {
		addr := peer.Local(peer.Port(t))
		w.nginxAt(t, addr, w.open, fmt.Sprintf("listen %s ssl http2; ssl_certificate %s; ssl_certificate_key %s;", addr, w.ca.Cert, w.ca.Key), text)
		return target{image: addr + "/" + peerImage, args: []string{"--active", "--ca-file", w.ca.CA}}
	}
	return c
}

// mutual is a case where the client certificate alone is the credential.
func mutual(c peerCase, verify string) peerCase {
	twin := c.twin
	c = tlsCase(c, "")
	c.twin = twin
	c.build = func(t *testing.T, w *peerWorld) target {
		addr := peer.Local(peer.Port(t))
		w.nginxAt(t, addr, w.open, fmt.Sprintf("listen %s ssl http2; ssl_certificate %s; ssl_certificate_key %s;", addr, w.ca.Cert, w.ca.Key),
			fmt.Sprintf("ssl_client_certificate %s; ssl_verify_client %s; location / { {PASS} }", w.ca.CA, verify))
		return target{image: addr + "/" + peerImage, stranger: true, args: []string{"--active", "--ca-file", w.ca.CA, "--cert-file", w.ca.Cert, "--key-file", w.ca.Key}}
	}
	return c
}
