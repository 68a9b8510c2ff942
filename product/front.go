// SPDX-License-Identifier: Apache-2.0

package product

import "strings"

// frontSigns are marks that a front leaves in an answer, the more special
// first: a header, and how its value begins or what it holds, in lower case.
// HAProxy and Traefik leave none.
var frontSigns = []struct {
	front, header string
	begins        bool
	value         string
}{
	{"cloudflare", "CF-Ray", false, ""},
	{"cloudflare", "Server", true, "cloudflare"},
	{"cloudfront", "X-Amz-Cf-Id", false, ""},
	{"cloudfront", "Server", true, "cloudfront"},
	{"cloudfront", "Via", false, "cloudfront"},
	{"akamai", "Server", true, "akamai"},
	{"akamai", "X-Akamai-Transformed", false, ""},
	{"akamai", "Akamai-Grn", false, ""},
	{"varnish", "X-Varnish", false, ""},
	{"varnish", "Via", false, "varnish"},
	{"squid", "X-Squid-Error", false, ""},
	{"squid", "Via", false, "(squid"},
	{"squid", "Server", true, "squid"},
	{"envoy", "Server", true, "envoy"},
	{"envoy", "X-Envoy-Upstream-Service-Time", false, ""},
	{"caddy", "Server", true, "caddy"},
	{"caddy", "Via", false, " caddy"},
	{"apache", "Server", true, "apache"},
	{"apache", "Via", false, "(apache"},
	{"nginx", "Server", true, "nginx"},
	{"nginx", "Server", true, "openresty"},
}

// Front names the front that an answer's headers point at, Unknown if none. It
// is the front whose fixes are most likely to help: a hint, like Detect. What
// stands before a registry can leave no mark, and can leave a false one.
func Front(headers [][2]string) string {
	for _, s := range frontSigns {
		for _, h := range headers {
			value := strings.ToLower(h[1])
			if strings.EqualFold(h[0], s.header) &&
				(s.begins && strings.HasPrefix(value, s.value) || !s.begins && strings.Contains(value, s.value)) {
				return s.front
			}
		}
	}
	return Unknown
}
