// SPDX-License-Identifier: Apache-2.0

package product_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/regproof/regproof/internal/peer"
	"github.com/regproof/regproof/product"
)

// hold is a weakness and its fix before a backend. What stands in weak leaks
// to the attack, and the fix denies it.
type hold struct {
	product, control string
	guarded          bool // the backend asks for the password
	weak             string
	before           string // asked first by somebody entitled, "" for nothing
	attack           string
	want             []int // statuses of the attack at the fix
}

const (
	manifest = "/v2/private/app/manifests/1.0"
	layer    = "/v2/private/app/blobs/sha256:00"
)

// weakProxy is a location of nginx without a guard of its own.
const weakProxy = "proxy_pass http://127.0.0.1:5000; proxy_set_header Host $http_host;"

// asks is the guard that weak locations of nginx have somewhere.
const asks = `auth_basic_user_file /etc/nginx/registry.htpasswd; `

func holds() []hold {
	denied := []int{401}
	weakNginx := func(http, server string) string { return http + "\nserver { {listen}\n" + server + "\n}" }
	mapped := func(variable, values string) string {
		return weakNginx("map "+variable+" $realm { "+values+" }", "location / { auth_basic $realm; "+asks+weakProxy+" }")
	}
	weakHaproxy := func(rules string) string {
		return "userlist registry\n  user ci insecure-password right\nfrontend registry\n  bind :80\n  acl known http_auth(registry)\n  " + rules +
			"\n  default_backend registry\nbackend registry\n  server one 127.0.0.1:5000\n"
	}
	weakVarnish := func(rules string) string {
		return "vcl 4.1;\nbackend default { .host = \"127.0.0.1\"; .port = \"5000\"; }\n" + rules
	}
	weakSquid := func(rules string) string {
		return rules + "\nhttp_port 80 accel defaultsite=registry.example no-vhost\ncache_peer 127.0.0.1 parent 5000 0 no-query originserver login=PASSTHRU\nhttp_access allow all\n"
	}
	weakCaddy := func(rules, guard string) string {
		return "registry.example {\n" + rules + "\nbasicauth " + guard + " {\nci $2a$14$HASH\n}\nreverse_proxy 127.0.0.1:5000\n}\n"
	}
	return []hold{
		{product: "nginx", control: "path-spelling", attack: "/v2/%70rivate/app/manifests/1.0", want: denied,
			weak: weakNginx("", "location / { if ($request_uri ~ ^/v2/private/) { return 401; } "+weakProxy+" }")},
		{product: "nginx", control: "mount-path", attack: "/dockerv2/private/app/manifests/1.0", want: denied,
			weak: weakNginx("", `location /docker { proxy_pass http://127.0.0.1:5000/; } location / { auth_basic r; `+asks+weakProxy+" }")},
		{product: "nginx", control: "query", attack: manifest + "?x=1", want: denied,
			weak: mapped("$args", `default off; "" registry;`)},
		{product: "nginx", control: "method", attack: "OPTIONS " + manifest, want: denied,
			weak: mapped("$request_method", `default off; GET registry; HEAD registry;`)},
		{product: "nginx", control: "host", attack: manifest + "\nHost: other.example", want: []int{0},
			weak: weakNginx("server { {listen} server_name x; }", "") + " server { {listen} server_name other.example; location / { " + weakProxy + " } }"},
		{product: "nginx", control: "client-address", attack: manifest + "\nX-Forwarded-For: 192.0.2.7", want: []int{403},
			weak: weakNginx("", "set_real_ip_from 0.0.0.0/0; real_ip_header X-Forwarded-For; location / { satisfy any; allow 192.0.2.0/24; deny all; auth_basic r; "+asks+weakProxy+" }")},
		{product: "nginx", control: "original-request", attack: manifest + "\nX-Original-URI: /v2/public/x", want: denied,
			weak: weakNginx("", "location = /authorise { internal; proxy_pass http://127.0.0.1:9000; } location / { auth_request /authorise; "+weakProxy+" }")},
		{product: "nginx", control: "original-request", attack: manifest + "\nX-Forwarded-Uri: /v2/public/x", want: denied,
			weak: weakNginx("", "location = /authorise { internal; proxy_pass http://127.0.0.1:9000; } location / { auth_request /authorise; "+weakProxy+" }")},
		{product: "nginx", control: "authorization", attack: manifest + "\nAuthorization: Bearer x", want: denied,
			weak: weakNginx("", `location / { if ($http_authorization = "") { return 401; } `+weakProxy+" }")},
		{product: "nginx", control: "user-agent", attack: manifest + "\nUser-Agent: GoogleHC/1.0", want: denied,
			weak: mapped("$http_user_agent", "default registry; ~^GoogleHC off;")},
		{product: "nginx", control: "accept", attack: manifest + "\nAccept: application/vnd.oci.image.index.v1+json", want: denied,
			weak: mapped("$http_accept", "default off; ~docker registry;")},
		{product: "nginx", control: "conditional", attack: manifest + "\nIf-None-Match: \"x\"", want: denied,
			weak: mapped("$http_if_none_match", `default off; "" registry;`)},
		{product: "nginx", control: "range", attack: layer + "\nRange: bytes=0-9", want: denied,
			weak: mapped("$http_range", `default off; "" registry;`)},
		{product: "nginx", control: "depth", attack: "/v2/private/a/b/manifests/1.0", want: denied,
			weak: weakNginx("", `location ~ ^/v2/[^/]+/[^/]+/manifests/ { auth_basic r; `+asks+weakProxy+" } location / { "+weakProxy+" }")},
		{product: "nginx", control: "static-extension", attack: "/v2/private/app/manifests/app.js", want: denied,
			weak: weakNginx("", `location ~ \.js$ { `+weakProxy+" } location / { auth_basic r; "+asks+weakProxy+" }")},
		{product: "nginx", control: "cached-content", guarded: true, before: layer, attack: layer, want: denied,
			weak: weakNginx("", "location / { "+weakProxy+" proxy_cache registry; }")},
		{product: "nginx", control: "stale-tag", guarded: true, before: layer, attack: layer, want: denied,
			weak: weakNginx("", "location / { "+weakProxy+" proxy_cache registry; }")},
		{product: "nginx", control: "revoked-content", guarded: true, before: layer, attack: layer, want: denied,
			weak: weakNginx("", "location / { "+weakProxy+" proxy_cache registry; }")},

		{product: "nginx", control: "delete-disabled", attack: "DELETE " + manifest, want: []int{405},
			weak: weakNginx("", "location / { "+weakProxy+" }")},
		{product: "nginx", control: "authz-push", attack: "PUT " + manifest + "\n" + entitled, want: []int{403},
			weak: weakNginx("", "location / { auth_basic r; "+asks+weakProxy+" }")},
		{product: "nginx", control: "token-query", attack: manifest + "?jwt=x", want: []int{400},
			weak: weakNginx("", "location / { "+weakProxy+" }")},
		{product: "haproxy", control: "delete-disabled", attack: "DELETE " + manifest, want: []int{405},
			weak: weakHaproxy("")},
		{product: "haproxy", control: "authz-push", attack: "PUT " + manifest + "\n" + entitled, want: []int{403},
			weak: weakHaproxy("http-request auth realm r unless known")},
		{product: "haproxy", control: "token-query", attack: manifest + "?x=1&token=x", want: []int{400},
			weak: weakHaproxy("")},
		{product: "caddy", control: "delete-disabled", attack: "DELETE " + manifest, want: []int{405},
			weak: weakCaddy("@g method GET", "@g")},
		{product: "caddy", control: "authz-push", attack: "PUT " + manifest + "\n" + entitled, want: []int{405},
			weak: weakCaddy("", "*")},
		{product: "caddy", control: "token-query", attack: manifest + "?access_token=x&" + "a=b", want: []int{400},
			weak: weakCaddy("@g method PUT", "@g")},
		{product: "squid", control: "authz-push", attack: "PUT " + manifest, want: []int{403},
			weak: weakSquid("")},
		{product: "varnish", control: "delete-disabled", attack: "DELETE " + manifest, want: []int{405},
			weak: weakVarnish("sub vcl_recv { return (pass); }")},

		{product: "haproxy", control: "path-spelling", attack: "/v2/%70rivate/app/manifests/1.0", want: denied,
			weak: weakHaproxy("http-request auth realm r if { path_beg /v2/private/ } !known")},
		{product: "haproxy", control: "mount-path", attack: "/%76%32/private/app/manifests/1.0", want: denied,
			weak: weakHaproxy("http-request auth realm r if { path_beg /v2/ } !known")},
		{product: "haproxy", control: "method", attack: "OPTIONS " + manifest, want: denied,
			weak: weakHaproxy("http-request auth realm r if METH_GET !known")},
		{product: "haproxy", control: "host", attack: manifest + "\nHost: registry.example:443", want: denied,
			weak: weakHaproxy("http-request auth realm r if { hdr(host) -i registry.example } !known")},
		{product: "haproxy", control: "host", attack: manifest + "\nHost: other.example", want: []int{421},
			weak: weakHaproxy("http-request auth realm r if { hdr(host) -i registry.example } !known")},
		{product: "haproxy", control: "protocol", attack: manifest + "\nUpgrade: websocket", want: denied,
			weak: weakHaproxy("http-request auth realm r if !{ req.hdr(Upgrade) -m found } !known")},
		{product: "haproxy", control: "client-address", attack: manifest + "\nX-Forwarded-For: 192.0.2.7", want: []int{403},
			weak: weakHaproxy("acl office req.hdr_ip(x-forwarded-for) 192.0.2.0/24\n  http-request deny unless office")},
		{product: "haproxy", control: "authorization", attack: manifest + "\nAuthorization:", want: denied,
			weak: weakHaproxy("http-request auth realm r unless { req.hdr(Authorization) -m found }")},
		{product: "haproxy", control: "conditional", attack: manifest + "\nIf-None-Match: \"x\"", want: denied,
			weak: weakHaproxy("http-request auth realm r unless { req.hdr(If-None-Match) -m found } || known")},
		{product: "haproxy", control: "debug", attack: "/%64ebug/vars", want: []int{404},
			weak: weakHaproxy("http-request deny if { path_beg /debug/ }")},

		{product: "varnish", control: "cached-content", guarded: true, before: layer, attack: layer, want: denied,
			weak: weakVarnish("sub vcl_recv { return (hash); }")},
		{product: "varnish", control: "stale-tag", guarded: true, before: layer, attack: layer, want: denied,
			weak: weakVarnish("sub vcl_recv { return (hash); }")},
		{product: "varnish", control: "path-spelling", guarded: true, attack: "/v2/%70rivate/app/manifests/1.0", want: denied,
			weak: weakVarnish(`sub vcl_recv { if (req.url ~ "^/v2/private/") { return (synth(401)); } set req.http.Authorization = "Basic Y2k6cmlnaHQ="; return (pass); }`)},
		{product: "varnish", control: "host", guarded: true, attack: manifest + "\nHost: other.example", want: []int{421},
			weak: weakVarnish(`sub vcl_recv { if (req.http.Host != "registry.example") { set req.http.Authorization = "Basic Y2k6cmlnaHQ="; } return (pass); }`)},
		{product: "varnish", control: "client-address", attack: manifest + "\nX-Forwarded-For: 192.0.2.7", want: []int{403},
			weak: weakVarnish(`sub vcl_recv { if (req.http.X-Forwarded-For !~ "^192\.0\.2\.") { return (synth(403)); } return (pass); }`)},

		{product: "squid", control: "cached-content", guarded: true, before: layer, attack: layer, want: denied,
			weak: weakSquid("")},
		{product: "squid", control: "stale-tag", guarded: true, before: layer, attack: layer, want: denied,
			weak: weakSquid("")},
		{product: "squid", control: "client-address", attack: manifest + "\nX-Forwarded-For: 192.0.2.7", want: []int{403},
			weak: weakSquid("follow_x_forwarded_for allow all\nacl_uses_indirect_client on\nacl office src 192.0.2.0/24\nhttp_access deny !office")},
		{product: "squid", control: "authorization", attack: manifest + "\nAuthorization: Bearer x", want: denied,
			weak: weakSquid("acl known req_header Authorization .\nhttp_access deny !known")},

		{product: "caddy", control: "path-spelling", attack: "/v2/other/app/manifests/1.0", want: denied,
			weak: weakCaddy("", "/v2/private/*")},
		{product: "caddy", control: "authorization", attack: manifest + "\nAuthorization: Bearer x", want: denied,
			weak: weakCaddy("@guarded not header Authorization *", "@guarded")},
		{product: "caddy", control: "conditional", attack: manifest + "\nIf-None-Match: \"x\"", want: denied,
			weak: weakCaddy("@guarded not header If-None-Match *", "@guarded")},
		{product: "caddy", control: "method", attack: "OPTIONS " + manifest, want: denied,
			weak: weakCaddy("@guarded method GET", "@guarded")},
		{product: "caddy", control: "client-address", attack: manifest + "\nX-Forwarded-For: 192.0.2.7", want: []int{401, 403},
			weak: weakCaddy("@outside not remote_ip forwarded 192.0.2.0/24", "@outside")},
	}
}

// TestFixesHold shows each weakness at a front, and that the fix ends it.
func TestFixesHold(t *testing.T) {
	for _, tc := range holds() {
		t.Run(tc.product+" "+tc.control, func(t *testing.T) {
			t.Parallel()
			peer.Need(t, loaders[tc.product].binary)
			back := backend(t, tc.guarded)
			text, ok := product.Fix(tc.control, tc.product)
			if !ok {
				t.Fatal("no fix")
			}
			weak := start(t, tc.product, tc.weak, back)
			if status := tc.try(t, weak); status != 200 {
				t.Errorf("the weak front answers %d to the attack", status)
			}
			sound := start(t, tc.product, whole(tc.product, text), back)
			if status := tc.try(t, sound); !slices.Contains(tc.want, status) {
				t.Errorf("the fixed front answers %d to the attack, want one of %v", status, tc.want)
			}
			if slices.ContainsFunc(tc.want, func(s int) bool { return s == 400 || s == 403 || s == 405 }) || tc.control == "debug" {
				return // nobody here has the address, or the right, that it takes; or the fix is a rule alone
			}
			if status, _, body := ask(t, sound, manifest+"\n"+entitled); status != 200 || !strings.Contains(body, "Path: "+manifest) {
				t.Errorf("the fixed front answers %d to the entitled: %s", status, body)
			}
		})
	}
}

// whole is the configuration to start a fix with.
func whole(name string, text product.Text) string {
	if name != "nginx" {
		return text.Whole()
	}
	if text.In == "the http block" { // what begins and ends it is the peer's
		return text.Snippet
	}
	return "server { {listen}\n" + text.Snippet + "\n}"
}

// try sends what the attack takes, and returns the status of its last answer.
func (h hold) try(t *testing.T, addr string) int {
	t.Helper()
	if h.before != "" {
		if status, _, _ := ask(t, addr, h.before+"\n"+entitled); status != 200 {
			t.Errorf("the entitled get %d", status)
		}
	}
	status, _, _ := ask(t, addr, h.attack)
	return status
}
