// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"net/http"
	"net/url"
	"path"
	"strings"
)

// Guards that read a path in another way than what stands behind them.

// haproxy: acl v2 path_beg /v2/, and rules for single repositories. The registry
// decodes the path before it reads it.
func encoded(r *http.Request, _ *Door) bool { return r.URL.EscapedPath() != r.URL.Path }

// A proxy with strings.HasPrefix(path, "/v2/") before a server that tidies paths
// itself instead of redirecting.
func slashes(r *http.Request, _ *Door) (*url.URL, bool) {
	tidy := cleanPath(r.URL.Path)
	return at(r, tidy), !strings.HasPrefix(r.URL.EscapedPath(), "/v2/") && strings.HasPrefix(tidy, "/v2/")
}

// The same proxy before a server to which /V2/ is /v2/, as IIS is.
func anyCase(r *http.Request, _ *Door) (*url.URL, bool) {
	folded := foldAPI(r.URL.Path)
	return at(r, folded), folded != r.URL.Path
}

// nginx: location /docker { proxy_pass http://registry/; }, without the slash
// that would end the prefix. /docker/v2/ becomes //v2/, which is redirected.
func prefixWithoutSlash(r *http.Request, _ *Door) (*url.URL, bool) {
	rest, ok := strings.CutPrefix(r.URL.Path, "/docker")
	return at(r, "/"+rest), ok
}

// The same registry under another path, as path-prefix ingresses and Artifactory
// mount it. There /artifactory/api/docker/team-a/v2/app is team-a/app.
func otherMount(r *http.Request, _ *Door) (*url.URL, bool) {
	if rest, ok := strings.CutPrefix(r.URL.Path, "/registry/v2/"); ok {
		return at(r, "/v2/"+rest), true
	}
	rest, ok := strings.CutPrefix(r.URL.Path, "/artifactory/api/docker/")
	if !ok {
		return nil, false
	}
	if rest, ok := strings.CutPrefix(rest, "v2/"); ok {
		return at(r, "/v2/"+rest), true
	}
	key, rest, ok := strings.Cut(rest, "/v2/")
	return at(r, path.Join("/v2/", key, rest)), ok
}

// at is the request's target with another path.
func at(r *http.Request, path string) *url.URL {
	return &url.URL{Path: path, RawQuery: r.URL.RawQuery}
}

// cleanPath is path.Clean, but a slash at the end stays.
func cleanPath(p string) string {
	tidy := path.Clean("/" + p)
	if strings.HasSuffix(p, "/") && tidy != "/" {
		return tidy + "/"
	}
	return tidy
}

// foldAPI writes the prefix of the API as it is meant to be.
func foldAPI(p string) string {
	if len(p) >= 4 && strings.EqualFold(p[:4], "/v2/") {
		return "/v2/" + p[4:]
	}
	return p
}
