// SPDX-License-Identifier: Apache-2.0

package discover_test

import (
	"fmt"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/regproof/regproof/discover"
	"github.com/regproof/regproof/internal/peer"
	"github.com/regproof/regproof/oci"
)

func portOf(t *testing.T, at string) uint16 {
	t.Helper()
	n, err := strconv.ParseUint(at[strings.LastIndexByte(at, ':')+1:], 10, 16)
	if err != nil {
		t.Fatal(err)
	}
	return uint16(n)
}

// TestPeers: a registry behind nginx whose own port was left open, as software
// that is really used answers, also to the wrong scheme.
func TestPeers(t *testing.T) {
	peer.Need(t, peer.DockerRegistry, peer.Nginx, peer.Haproxy, peer.Skopeo)
	ca := peer.NewAuthority(t)
	backend := peer.StartRegistry(t, peer.DockerRegistry, nil)
	image := peer.NewImage(t, "1.4")
	image.Push(t, backend+"/"+repository+":1.4", "")
	own := peer.StartRegistryTLS(t, peer.DockerRegistry, peer.Htpasswd(t, "ci", "password"), ca)

	front, plain, guarded, balanced := peer.Local(peer.Port(t)), peer.Local(peer.Port(t)), peer.Local(peer.Port(t)), peer.Local(peer.Port(t))
	peer.StartNginx(t, front, fmt.Sprintf(`server { listen %s ssl; ssl_certificate %s; ssl_certificate_key %s; location / { return 401; } }
server { listen %s; return 301 https://registry.test:%d$request_uri; }
server { listen %s; auth_basic "x"; auth_basic_user_file %s; location / { proxy_pass http://%s; } }`,
		front, ca.Cert, ca.Key, plain, portOf(t, front), guarded, peer.HtpasswdFile(t, "ci", "password"), backend))
	peer.StartHaproxy(t, balanced, fmt.Sprintf("frontend f\n  bind %s ssl crt %s\n  default_backend b\nbackend b\n  server s %s\n", balanced, bundle(t, ca), backend))

	w := wanted(t)
	w.URL = &url.URL{Scheme: "https", Host: fmt.Sprintf("registry.test:%d", portOf(t, front))}
	w.Known = []discover.Known{{Origin: origin(t, w.URL.String())}}
	w.Digest = oci.Digest(image.Digest)
	w.Guard.Pinned = map[string][]netip.Addr{"registry.test": {netip.MustParseAddr("127.0.0.1")}}
	for _, at := range []string{backend, plain, guarded, own, balanced, front} {
		w.Ports.HTTP = append(w.Ports.HTTP, portOf(t, at))
		w.Ports.HTTPS = append(w.Ports.HTTPS, portOf(t, at))
	}
	survey := discover.Scan(t.Context(), client(t), w)
	for _, tc := range []struct {
		name, scheme, at string
		want             discover.State
		product          string
	}{
		{"the backend", "http", backend, discover.Serves, "distribution"},
		{"the backend", "https", backend, discover.SpeaksNoTLS, ""},
		{"the redirect of nginx", "http", plain, discover.Redirects, ""},
		{"the redirect of nginx", "https", plain, discover.SpeaksNoTLS, ""},
		{"Basic of nginx", "http", guarded, discover.Denies, ""},
		{"a registry with TLS", "https", own, discover.Denies, "distribution"},
		{"a registry with TLS", "http", own, discover.SpeaksTLS, ""},
		{"haproxy with TLS", "https", balanced, discover.Serves, "distribution"},
		{"haproxy with TLS", "http", balanced, discover.Unclear, ""}, // it closes
		{"nginx with TLS", "http", front, discover.SpeaksTLS, ""},
	} {
		d := find(survey, discover.Registry, fmt.Sprintf("%s://registry.test:%d", tc.scheme, portOf(t, tc.at)))
		if d == nil || d.State != tc.want || d.Product != tc.product {
			t.Errorf("%s, %s: %+v, want %s", tc.name, tc.scheme, d, tc.want)
		}
	}
	if d := find(survey, discover.Registry, w.URL.String()); d != nil {
		t.Errorf("the configured door was asked: %+v", d)
	}
}

// bundle is certificate and key in one file, as haproxy wants them.
func bundle(t *testing.T, ca peer.Authority) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "bundle.pem")
	var text []byte
	for _, p := range []string{ca.Cert, ca.Key} {
		b, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		text = append(text, b...)
	}
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
