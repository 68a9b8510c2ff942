// SPDX-License-Identifier: Apache-2.0

package product_test

import (
	"strings"
	"testing"

	"github.com/regproof/regproof/internal/peer"
	"github.com/regproof/regproof/product"
)

// TestFixesOverwrite sends claims of a client with a good password: none comes
// through to the registry.
func TestFixesOverwrite(t *testing.T) {
	claims := map[string]string{
		"realm-host":       "Host: evil.example",
		"location-host":    "X-Forwarded-Host: evil.example\nForwarded: host=evil.example;proto=http\nX-Forwarded-For: evil.example",
		"identity-header":  "X-Remote-User: evil\nX-Webauth-User: evil\nX-Forwarded-User: evil\nX-Forwarded-Email: evil\nX-SSL-Client-Verify: evil\nX-Forwarded-Client-Cert: evil",
		"original-request": "X-Original-URL: /evil\nX-Rewrite-URL: /evil",
	}
	for _, name := range []string{"nginx", "haproxy", "varnish", "squid", "caddy"} {
		for id, claim := range claims {
			t.Run(name+" "+id, func(t *testing.T) {
				t.Parallel()
				peer.Need(t, loaders[name].binary)
				text, ok := product.Fix(id, name)
				if !ok {
					t.Fatal("no fix")
				}
				addr := start(t, name, whole(name, text), backend(t, false))
				status, _, body := ask(t, addr, manifest+"\n"+entitled+"\n"+claim)
				if name == "caddy" && id == "realm-host" { // it knows no such site
					if strings.Contains(body, "Path: ") {
						t.Errorf("%d: %s", status, body)
					}
					return
				}
				if status != 200 || !strings.Contains(body, "Path: "+manifest) || strings.Contains(body, "evil") {
					t.Errorf("%d: %s", status, body)
				}
			})
		}
	}
}

// TestFixesRedirect asks the port of plain HTTP: it sends to https, and serves
// nothing.
func TestFixesRedirect(t *testing.T) {
	for _, name := range []string{"nginx", "haproxy", "varnish", "squid", "caddy"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			peer.Need(t, loaders[name].binary)
			text, ok := product.Fix("redirected-port", name)
			if !ok {
				t.Fatal("no fix")
			}
			addr := start(t, name, whole(name, text), backend(t, false))
			status, location, body := ask(t, addr, manifest)
			if status != 301 || location != "https://registry.example"+manifest || strings.Contains(body, "Path: ") {
				t.Errorf("%d to %q: %s", status, location, body)
			}
		})
	}
}

// TestFixesCacheKey: a cache with the fix answers each Accept with its own.
func TestFixesCacheKey(t *testing.T) {
	for _, name := range []string{"nginx", "varnish", "squid"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			peer.Need(t, loaders[name].binary)
			text, ok := product.Fix("cache-key", name)
			if !ok {
				t.Fatal("no fix")
			}
			addr := start(t, name, whole(name, text), backend(t, false))
			for _, accept := range []string{"application/one", "application/two"} {
				for range 2 { // the second may come from the cache
					if _, _, body := ask(t, addr, manifest+"\nAccept: "+accept); !strings.Contains(body, "Accept: "+accept) {
						t.Errorf("%s gets %s", accept, body)
					}
				}
			}
		})
	}
}
