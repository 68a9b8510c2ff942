// SPDX-License-Identifier: Apache-2.0

package product_test

import (
	"testing"

	"github.com/regproof/regproof/product"
)

// TestFront: a front is known by what it writes, and not by words that a
// registry could write.
func TestFront(t *testing.T) {
	for _, tc := range []struct {
		name    string
		headers [][2]string
		want    string
	}{
		{"nothing", nil, product.Unknown},
		{"nginx", [][2]string{{"Server", "nginx/1.22.1"}}, "nginx"},
		{"nginx without a version", [][2]string{{"server", "nginx"}}, "nginx"},
		{"openresty", [][2]string{{"Server", "openresty/1.21.4.1"}}, "nginx"},
		{"varnish", [][2]string{{"X-Varnish", "32770"}, {"Via", "1.1 host (Varnish/7.1)"}}, "varnish"},
		{"varnish before nginx", [][2]string{{"Server", "nginx"}, {"X-Varnish", "2"}}, "varnish"},
		{"varnish by Via", [][2]string{{"Via", "1.1 varnish"}}, "varnish"},
		{"squid", [][2]string{{"X-Cache", "MISS from host"}, {"Via", "1.1 host (squid/5.7)"}}, "squid"},
		{"squid's own answer", [][2]string{{"Server", "squid/5.7"}}, "squid"},
		{"caddy", [][2]string{{"Server", "Caddy"}}, "caddy"},
		{"newer caddy", [][2]string{{"Via", "1.1 Caddy"}}, "caddy"},
		{"apache", [][2]string{{"Server", "Apache/2.4.62 (Debian)"}}, "apache"},
		{"envoy", [][2]string{{"server", "envoy"}, {"x-envoy-upstream-service-time", "3"}}, "envoy"},
		{"envoy that hides its name", [][2]string{{"X-Envoy-Upstream-Service-Time", "3"}}, "envoy"},
		{"cloudflare", [][2]string{{"Server", "cloudflare"}, {"CF-RAY", "8f1-FRA"}}, "cloudflare"},
		{"cloudfront", [][2]string{{"X-Cache", "Miss from cloudfront"}, {"Via", "1.1 a.cloudfront.net (CloudFront)"}}, "cloudfront"},
		{"cloudfront before S3", [][2]string{{"Server", "AmazonS3"}, {"X-Amz-Cf-Id", "x"}}, "cloudfront"},
		{"akamai", [][2]string{{"Server", "AkamaiGHost"}}, "akamai"},
		{"a registry alone", [][2]string{{"Docker-Distribution-Api-Version", "registry/2.0"}, {"Content-Type", "application/json"}}, product.Unknown},
		{"a name within another", [][2]string{{"Server", "my-nginx-like"}}, product.Unknown},
		{"X-Cache alone", [][2]string{{"X-Cache", "HIT"}}, product.Unknown},
		{"a product in another header", [][2]string{{"X-Note", "nginx"}}, product.Unknown},
	} {
		if got := product.Front(tc.headers); got != tc.want {
			t.Errorf("%s: %q, want %q", tc.name, got, tc.want)
		}
	}
}
