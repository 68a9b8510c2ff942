// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"net/http"
	"strings"
)

// kind says which row of the distribution-spec's endpoint table a path is.
type kind int

const (
	other    kind = iota // not the registry's API
	base                 // end-1
	catalog              // the Docker leftover
	manifest             // end-3, end-7, end-9
	blob                 // end-2, end-10
	upload               // end-4, end-5, end-6, end-11, end-13, end-14
	tags                 // end-8
	referrer             // end-12
)

// route is what a path means. Reference is a tag, a digest or an upload id.
type route struct {
	kind                  kind
	repository, reference string
}

// routeOf reads the decoded path as a registry behind a front would. It is
// deliberately not strict: fronts guess, that is what makes them weak.
func routeOf(r *http.Request) route {
	rest, ok := strings.CutPrefix(r.URL.Path, "/v2/")
	switch {
	case r.URL.Path == "/v2" || (ok && rest == ""):
		return route{kind: base}
	case !ok:
		return route{}
	case rest == "_catalog":
		return route{kind: catalog}
	}
	if name, id, found := strings.Cut(rest, "/blobs/uploads"); found {
		return route{kind: upload, repository: name, reference: strings.Trim(id, "/")}
	}
	parts := strings.Split(rest, "/")
	if len(parts) < 3 {
		return route{}
	}
	name, verb, ref := strings.Join(parts[:len(parts)-2], "/"), parts[len(parts)-2], parts[len(parts)-1]
	kinds := map[string]kind{"manifests": manifest, "blobs": blob, "tags": tags, "referrers": referrer}
	return route{kind: kinds[verb], repository: name, reference: ref}
}

// byDigest tells whether a reference is a digest: a tag cannot hold a colon.
func (t route) byDigest() bool { return strings.Contains(t.reference, ":") }

// content tells whether the route, read, answers with something worth guarding.
func (t route) content() bool {
	switch t.kind {
	case manifest, blob, tags, catalog, referrer:
		return true
	}
	return false
}

// isAPI tells whether the request is for the registry rather than for the
// token service or a login page at the same door.
func isAPI(r *http.Request) bool {
	return r.URL.Path == "/v2" || strings.HasPrefix(r.URL.Path, "/v2/")
}

func isRead(r *http.Request) bool {
	return r.Method == http.MethodGet || r.Method == http.MethodHead
}

// anonymous is what a front can know: no Authorization header was sent.
func anonymous(r *http.Request) bool { return r.Header.Get("Authorization") == "" }
