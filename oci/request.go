// SPDX-License-Identifier: Apache-2.0

package oci

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// Kind names a route of the API. The zero value is no route.
type Kind int

// The routes, with the end-points of distribution-spec they stand for.
const (
	Unknown     Kind = iota
	Ping             // end-1   /v2/
	Blob             // end-2, end-10
	Manifest         // end-3, end-7, end-9
	UploadStart      // end-4a, end-4b, end-11
	Upload           // end-5, end-6, end-13, end-14
	Tags             // end-8
	Referrers        // end-12
	Catalog          // Docker Registry HTTP API V2, not in the OCI specification
)

// String is the route's name in the specification's words.
func (k Kind) String() string {
	return [...]string{"unknown", "ping", "blob", "manifest", "upload start", "upload", "tags", "referrers", "catalog"}[k]
}

// Request is one call of the API, before it is put on a wire.
type Request struct {
	Method     string
	Kind       Kind
	Repository string
	Reference  string // tag, digest, or upload session, by Kind
	Query      string // raw, without the question mark
	Accept     []string
}

// Target is the canonical request target: path and query in origin form.
func (r Request) Target() string {
	var path string
	switch r.Kind {
	case Ping:
		path = "/v2/"
	case Catalog:
		path = "/v2/_catalog"
	case Tags:
		path = "/v2/" + r.Repository + "/tags/list"
	case Manifest:
		path = "/v2/" + r.Repository + "/manifests/" + r.Reference
	case Blob:
		path = "/v2/" + r.Repository + "/blobs/" + r.Reference
	case Referrers:
		path = "/v2/" + r.Repository + "/referrers/" + r.Reference
	case UploadStart:
		path = "/v2/" + r.Repository + "/blobs/uploads/"
	case Upload:
		path = "/v2/" + r.Repository + "/blobs/uploads/" + r.Reference
	}
	if r.Query != "" {
		return path + "?" + r.Query
	}
	return path
}

// Scope is the token scope that a registry asks for this request (Docker
// token specification; distribution's registry/handlers/app.go): "" for ping.
func (r Request) Scope() string {
	switch {
	case r.Kind == Ping || r.Kind == Unknown:
		return ""
	case r.Kind == Catalog:
		return "registry:catalog:*"
	case r.Method == http.MethodDelete:
		return "repository:" + r.Repository + ":delete"
	case r.Method == http.MethodGet || r.Method == http.MethodHead:
		return "repository:" + r.Repository + ":pull"
	}
	return "repository:" + r.Repository + ":pull,push"
}

// ErrRoute is returned by ParseRequest for a path that is no route of the API.
var ErrRoute = errors.New("not a route of the distribution API")

// ParseRequest reads a request target in origin form. It is strict: percent
// escapes, empty or dot components, trailing slashes, and names, tags or
// digests outside the grammar are errors, never cleaned.
func ParseRequest(method, target string) (Request, error) {
	path, query, _ := strings.Cut(target, "?")
	r := Request{Method: method, Query: query}
	if strings.Contains(path, "%") {
		return r, fmt.Errorf("path %q holds an escape: %w", clip(path), ErrRoute)
	}
	if _, err := url.ParseQuery(query); err != nil {
		return r, fmt.Errorf("query %q: %w", clip(query), ErrRoute)
	}
	switch path {
	case "/v2/":
		r.Kind = Ping
		return r, nil
	case "/v2/_catalog":
		r.Kind = Catalog
		return r, nil
	}
	rest, ok := strings.CutPrefix(path, "/v2/")
	if !ok {
		return r, fmt.Errorf("path %q: %w", clip(path), ErrRoute)
	}
	if repo, ok := strings.CutSuffix(rest, "/tags/list"); ok {
		r.Kind, r.Repository = Tags, repo
		return r, CheckRepository(repo)
	}
	if repo, ok := strings.CutSuffix(rest, "/blobs/uploads/"); ok {
		r.Kind, r.Repository = UploadStart, repo
		return r, CheckRepository(repo)
	}
	i := strings.LastIndexByte(rest, '/')
	if i < 0 {
		return r, fmt.Errorf("path %q: %w", clip(path), ErrRoute)
	}
	head, last := rest[:i], rest[i+1:]
	for _, route := range []struct {
		suffix string
		kind   Kind
		check  func(string) error
	}{
		{"/blobs/uploads", Upload, checkUpload},
		{"/blobs", Blob, checkDigest},
		{"/manifests", Manifest, CheckReference},
		{"/referrers", Referrers, checkDigest},
	} {
		repo, ok := strings.CutSuffix(head, route.suffix)
		if !ok {
			continue
		}
		r.Kind, r.Repository, r.Reference = route.kind, repo, last
		return r, errors.Join(CheckRepository(repo), route.check(last))
	}
	return r, fmt.Errorf("path %q: %w", clip(path), ErrRoute)
}

func checkDigest(s string) error {
	_, err := ParseDigest(s)
	return err
}

// checkUpload accepts the session names that registries make: opaque, one
// path component.
func checkUpload(s string) error {
	if s == "" || s == "." || s == ".." || strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.=-") != "" {
		return fmt.Errorf("%q is not an upload session", clip(s))
	}
	return nil
}
