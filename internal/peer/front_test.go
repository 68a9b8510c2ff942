// SPDX-License-Identifier: Apache-2.0

package peer_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/regproof/regproof/internal/peer"
)

// TestFronts starts every front before a server of this process, asks it once
// without and once with the password.
func TestFronts(t *testing.T) {
	if testing.Short() {
		t.Skip("starts real proxies")
	}
	behind := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "behind") }))
	t.Cleanup(behind.Close)
	backend := strings.TrimPrefix(behind.URL, "http://")
	host, port, _ := strings.Cut(backend, ":")
	basic := base64.StdEncoding.EncodeToString([]byte("ci:secret"))
	for _, c := range []struct {
		name  string
		start func(t *testing.T, addr string)
	}{
		{peer.Nginx, func(t *testing.T, addr string) {
			peer.StartNginx(t, addr, fmt.Sprintf("server { listen %s; auth_basic R; auth_basic_user_file %s; location / { proxy_pass %s; } }", addr, peer.HtpasswdFile(t, "ci", "secret"), behind.URL))
		}},
		{peer.Haproxy, func(t *testing.T, addr string) {
			peer.StartHaproxy(t, addr, fmt.Sprintf("userlist u\n  user ci insecure-password secret\nfrontend f\n  bind %s\n  http-request auth unless { http_auth(u) }\n  default_backend b\nbackend b\n  server s %s\n", addr, backend))
		}},
		{peer.Varnish, func(t *testing.T, addr string) {
			peer.StartVarnish(t, addr, fmt.Sprintf("backend b { .host = %q; .port = %q; }\nsub vcl_recv { if (req.http.Authorization != \"Basic %s\") { return (synth(401)); } return (pass); }", host, port, basic))
		}},
		{peer.Squid, func(t *testing.T, addr string) {
			peer.StartSquid(t, addr, fmt.Sprintf("http_port %s accel no-vhost defaultsite=%s\ncache_peer %s parent %s 0 no-query originserver login=PASS\nacl known req_header Authorization ^Basic.%s$\nhttp_access allow known\nhttp_access deny all", addr, addr, host, port, basic))
		}},
		{peer.Caddy, func(t *testing.T, addr string) {
			_, own, _ := strings.Cut(addr, ":")
			peer.StartCaddy(t, addr, "", fmt.Sprintf("http://:%s {\nbind 127.0.0.1\nbasicauth * {\nci %s\n}\nreverse_proxy %s\n}", own, peer.Bcrypt(t, "secret"), backend))
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			peer.Need(t, c.name)
			addr := peer.Local(peer.Port(t))
			c.start(t, addr)
			for _, known := range []bool{false, true} {
				r, err := http.NewRequestWithContext(t.Context(), "GET", "http://"+addr+"/", nil)
				if err != nil {
					t.Fatal(err)
				}
				if known {
					r.SetBasicAuth("ci", "secret")
				}
				a, err := http.DefaultClient.Do(r)
				if err != nil {
					t.Fatal(err)
				}
				a.Body.Close()
				if (a.StatusCode == 200) != known {
					t.Errorf("password given: %v, status %d", known, a.StatusCode)
				}
			}
		})
	}
}
