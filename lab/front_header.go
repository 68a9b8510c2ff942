// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// Guards that believe what a client writes into a header.

// nginx: set_real_ip_from 0.0.0.0/0; real_ip_header X-Forwarded-For; satisfy any;
// allow 10.0.0.0/8. The last address of the list counts.
func claimsAddress(r *http.Request, _ *Door) bool {
	list := strings.Split(r.Header.Get("X-Forwarded-For"), ",")
	a, err := netip.ParseAddr(strings.TrimSpace(list[len(list)-1]))
	return err == nil && (a.Unmap().IsPrivate() || a.Unmap().IsLoopback())
}

// nginx: auth_request without proxy_set_header X-Original-URI. The service lets
// everybody at what is not the API, and at public repositories.
func claimsOriginalURI(r *http.Request, _ *Door) bool {
	for _, name := range []string{"X-Original-Uri", "X-Forwarded-Uri"} {
		u, err := url.Parse(r.Header.Get(name))
		if err != nil || u.Path == "" {
			continue
		}
		if strings.HasPrefix(u.Path, "/v2/public/") || (u.Path != "/v2" && !strings.HasPrefix(u.Path, "/v2/")) {
			return true
		}
	}
	return false
}

// A guard on /v2/, and behind it a rewrite to what a header names, as IIS has it.
func rewritesURL(r *http.Request, _ *Door) (*url.URL, bool) {
	if isAPI(r) {
		return nil, false
	}
	for _, name := range []string{"X-Original-Url", "X-Rewrite-Url"} {
		if u, err := url.Parse(r.Header.Get(name)); err == nil && strings.HasPrefix(u.Path, "/v2/") {
			return &url.URL{Path: u.Path, RawPath: u.RawPath, RawQuery: u.RawQuery}, true
		}
	}
	return nil, false
}

// Gitea with REVERSE_PROXY_TRUSTED_PROXIES = *, and its kin.
func claimsIdentity(r *http.Request, _ *Door) bool {
	return slices.ContainsFunc([]string{"X-Webauth-User", "X-Remote-User", "X-Forwarded-User"},
		func(name string) bool { return r.Header.Get(name) != "" })
}

// nginx: ssl_verify_client optional, without proxy_set_header X-SSL-Client-Verify.
func claimsCertificate(r *http.Request, _ *Door) bool {
	return r.Header.Get("X-Ssl-Client-Verify") == "SUCCESS"
}

// nginx: if ($http_authorization = "") { return 401; } and nothing else.
func anyAuthorization(r *http.Request, _ *Door) bool { return !anonymous(r) }

// haproxy: unless { req.hdr(Authorization) -m found }, before something that
// checks what is not empty.
func emptyAuthorization(r *http.Request, _ *Door) bool {
	return len(r.Header.Values("Authorization")) > 0 && anonymous(r)
}

// nginx: a map of User-Agent that switches auth_basic off for health checks.
func healthAgent(r *http.Request, _ *Door) bool {
	return slices.ContainsFunc([]string{"GoogleHC/1.0", "kube-probe/", "ELB-HealthChecker/"},
		func(prefix string) bool { return strings.HasPrefix(r.UserAgent(), prefix) })
}

// allowOrigin answers as a server that foreign web pages may ask. Which page may
// read with its user's credentials is what reflect is about.
func allowOrigin(reflect bool) front {
	return func(next http.Handler, _ *Door) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			h, origin := w.Header(), r.Header.Get("Origin")
			switch {
			case !reflect:
				h.Set("Access-Control-Allow-Origin", "*")
			case origin != "":
				h.Set("Access-Control-Allow-Origin", origin)
				h.Set("Access-Control-Allow-Credentials", "true")
				h.Set("Vary", "Origin")
			}
			if r.Method != http.MethodOptions {
				next.ServeHTTP(w, r)
				return
			}
			h.Set("Access-Control-Allow-Methods", strings.Join(apiMethods, ", "))
			h.Set("Access-Control-Allow-Headers", "Authorization, Accept, Cache-Control")
			w.WriteHeader(http.StatusNoContent)
		})
	}
}
