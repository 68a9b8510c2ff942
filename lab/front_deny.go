// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"net/http"
	"net/url"
	"strings"
)

// hide404 answers whatever is denied in a repository as if it were not there,
// as GitHub and GitLab do. The ping keeps its challenge, or no client could
// ever log in.
func hide404(next http.Handler, _ *Door) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if routeOf(r).repository == "" {
			next.ServeHTTP(w, r)
			return
		}
		next.ServeHTTP(&rewriter{ResponseWriter: w, on: func(w http.ResponseWriter, status int) bool {
			if status != http.StatusUnauthorized && status != http.StatusForbidden {
				return false
			}
			w.Header().Del("WWW-Authenticate")
			w.Header().Del("Content-Length")
			deny(w, r, http.StatusNotFound, "NAME_UNKNOWN", "repository name not known to registry")
			return true
		}}, r)
	})
}

// existenceOracle tells strangers apart what is there and what is not.
func existenceOracle(next http.Handler, d *Door) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		t := routeOf(r)
		if !anonymous(r) || t.repository == "" || d.exists(r, t.repository) {
			next.ServeHTTP(w, r)
			return
		}
		deny(w, r, http.StatusNotFound, "NAME_UNKNOWN", "repository name not known to registry")
	})
}

func (d *Door) exists(r *http.Request, repository string) bool {
	target := url.URL{Path: "/v2/" + repository + "/tags/list"}
	a, err := call(r.Context(), d.open, http.MethodGet, target.RequestURI(), nil, nil)
	return err == nil && a.status == http.StatusOK
}

// noChallenge drops what RFC 9110 15.5.2 demands of a 401.
func noChallenge(next http.Handler, _ *Door) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(&rewriter{ResponseWriter: w, on: func(w http.ResponseWriter, status int) bool {
			if status == http.StatusUnauthorized {
				w.Header().Del("WWW-Authenticate")
			}
			return false
		}}, r)
	})
}

func deny403(w http.ResponseWriter, r *http.Request, _ *Door) {
	deny(w, r, http.StatusForbidden, "DENIED", "requested access to the resource is denied")
}

func tooMany(w http.ResponseWriter, r *http.Request, _ *Door) {
	w.Header().Set("Retry-After", "30")
	deny(w, r, http.StatusTooManyRequests, "TOOMANYREQUESTS", "too many requests")
}

func broken(w http.ResponseWriter, r *http.Request, _ *Door) {
	deny(w, r, http.StatusInternalServerError, "UNKNOWN", "unknown error")
}

func emptyReferrers(w http.ResponseWriter, r *http.Request, _ *Door) {
	w.Header().Set("Content-Type", ociIndex)
	_, _ = w.Write([]byte(`{"schemaVersion":2,"mediaType":"` + ociIndex + `","manifests":[]}`))
}

func readsReferrers(r *http.Request) bool { return isRead(r) && routeOf(r).kind == referrer }

// clients are the agents that a bot filter lets through.
var clients = []string{
	"docker/", "Docker-Client/", "containerd/", "skopeo/", "kubelet/", "crane/", "podman/",
	"buildkit/", "buildah/", "cri-o/", "go-containerregistry/", "oras/", "regctl/", "Helm/",
}

// botFilter hides an open registry from whoever does not look like a client.
// Those who bring credentials are spared, as in the real ones, so that the
// positive control succeeds and the denial looks attributable.
func botFilter(next http.Handler, d *Door) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !isAPI(r) {
			next.ServeHTTP(w, r)
			return
		}
		known := !anonymous(r)
		for _, c := range clients {
			known = known || strings.HasPrefix(r.UserAgent(), c)
		}
		if !known {
			forbidden(w)
			return
		}
		d.open.ServeHTTP(w, r)
	})
}
