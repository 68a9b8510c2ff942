// SPDX-License-Identifier: Apache-2.0

package oci_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/regproof/regproof/oci"
)

const digest = "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"

// TestRequestBothWays writes each request and reads it back: the gate and the
// probes cannot disagree about a path.
func TestRequestBothWays(t *testing.T) {
	for target, want := range map[string]oci.Request{
		"/v2/":                                 {Method: "GET", Kind: oci.Ping},
		"/v2/_catalog?n=10&last=a":             {Method: "GET", Kind: oci.Catalog, Query: "n=10&last=a"},
		"/v2/a/tags/list":                      {Method: "GET", Kind: oci.Tags, Repository: "a"},
		"/v2/a/b_c/d__e/f-g/manifests/V1.0_x":  {Method: "HEAD", Kind: oci.Manifest, Repository: "a/b_c/d__e/f-g", Reference: "V1.0_x"},
		"/v2/a/manifests/" + digest:            {Method: "GET", Kind: oci.Manifest, Repository: "a", Reference: digest},
		"/v2/a/b/blobs/" + digest:              {Method: "GET", Kind: oci.Blob, Repository: "a/b", Reference: digest},
		"/v2/manifests/manifests/manifests":    {Method: "GET", Kind: oci.Manifest, Repository: "manifests", Reference: "manifests"},
		"/v2/tags/tags/list":                   {Method: "GET", Kind: oci.Tags, Repository: "tags"},
		"/v2/a/blobs/uploads/":                 {Method: "POST", Kind: oci.UploadStart, Repository: "a"},
		"/v2/a/blobs/uploads/?mount=x&from=b":  {Method: "POST", Kind: oci.UploadStart, Repository: "a", Query: "mount=x&from=b"},
		"/v2/a/blobs/uploads/0b7-UUID_x=":      {Method: "PATCH", Kind: oci.Upload, Repository: "a", Reference: "0b7-UUID_x="},
		"/v2/a/referrers/" + digest + "?n=1":   {Method: "GET", Kind: oci.Referrers, Repository: "a", Reference: digest, Query: "n=1"},
		"/v2/blobs/uploads/blobs/uploads/":     {Method: "POST", Kind: oci.UploadStart, Repository: "blobs/uploads"},
		"/v2/a/blobs/uploads/manifests/latest": {Method: "GET", Kind: oci.Manifest, Repository: "a/blobs/uploads", Reference: "latest"},
	} {
		if got := want.Target(); got != target {
			t.Errorf("Target() = %q, want %q", got, target)
		}
		got, err := oci.ParseRequest(want.Method, target)
		if err != nil {
			t.Errorf("ParseRequest(%q): %v", target, err)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("ParseRequest(%q) (-want +got):\n%s", target, d)
		}
	}
}

func TestParseRequestRefuses(t *testing.T) {
	for _, target := range []string{
		"", "/", "/v2", "/v1/", "/v2//", "/V2/", "/v2/a", "/v2/a/", "/v2/_catalog/", "//v2/", "/v2/./",
		"/v2/A/tags/list", "/v2/a//tags/list", "/v2/a/../b/tags/list", "/v2/a%2fb/tags/list", "/v2/%61/tags/list",
		"/v2/a/manifests/", "/v2/a/manifests/-x", "/v2/a/manifests/a b", "/v2/a/manifests/sha256:abc", "/v2/a/manifests/latest/",
		"/v2/a/blobs/latest", "/v2/a/blobs/sha256:" + strings.Repeat("A", 64), "/v2/a/blobs/uploads/..", "/v2/a/blobs/uploads",
		"/v2/a/referrers/latest", "/v2/_a/tags/list", "/v2/a;x/tags/list", "/v2/a/tags/list?%zz", "/v2/" + strings.Repeat("a", 300) + "/tags/list",
		"/v2/manifests/latest", "http://h/v2/",
	} {
		if r, err := oci.ParseRequest("GET", target); err == nil {
			t.Errorf("ParseRequest(%q) = %+v, want an error", target, r)
		}
	}
}

func TestParseName(t *testing.T) {
	for in, want := range map[string]oci.Name{
		"registry.corp.example":               {Host: "registry.corp.example"},
		"localhost":                           {Host: "localhost"},
		"registry:5000/":                      {Host: "registry:5000"},
		"localhost:5000/":                     {Host: "localhost:5000"},
		"[::1]:5000/app":                      {Host: "[::1]:5000", Repository: "app"},
		"Registry.Example/team/app:1.4":       {Host: "registry.example", Repository: "team/app", Tag: "1.4"},
		"r.example:5000/app@" + digest:        {Host: "r.example:5000", Repository: "app", Digest: digest},
		"r.example/app:1@" + digest:           {Host: "r.example", Repository: "app", Tag: "1", Digest: digest},
		"127.0.0.1:5000/team/app/deep:latest": {Host: "127.0.0.1:5000", Repository: "team/app/deep", Tag: "latest"},
	} {
		got, err := oci.ParseName(in)
		if err != nil {
			t.Errorf("ParseName(%q): %v", in, err)
		}
		if got != want {
			t.Errorf("ParseName(%q) = %+v, want %+v", in, got, want)
		}
	}
	for _, in := range []string{"", "alpine", "alpine:3", "library/alpine", "alpine@" + digest} {
		if _, err := oci.ParseName(in); !errors.Is(err, oci.ErrNoHost) {
			t.Errorf("ParseName(%q) = %v, want ErrNoHost", in, err)
		}
	}
	for _, in := range []string{"https://r.example/app", "r.example/App", "r.example/app:", "r.example/app@sha256:1", "r.example/a b", "r.example:x/app", "-r.example/a", "r.example/app:1:2"} {
		if n, err := oci.ParseName(in); err == nil {
			t.Errorf("ParseName(%q) = %+v, want an error", in, n)
		}
	}
}

func TestFallbackTag(t *testing.T) {
	d := oci.Digest(digest)
	if got, want := d.FallbackTag(), "sha256-"+d.Encoded(); got != want {
		t.Errorf("FallbackTag = %q, want %q", got, want)
	}
	long := oci.Digest("a+b:" + strings.Repeat("x=", 40))
	if got, want := long.FallbackTag(), "a-b-"+strings.Repeat("x-", 32); got != want {
		t.Errorf("FallbackTag = %q, want %q", got, want)
	}
}

func TestParseDocument(t *testing.T) {
	image := `{"schemaVersion":2,"config":{"digest":"` + digest + `","size":2},"layers":[{"digest":"` + digest + `","size":3}]}`
	d, err := oci.ParseDocument([]byte(image))
	if err != nil || d.Index() || len(d.Layers) != 1 || d.Type("") != oci.MediaImageManifest {
		t.Errorf("image: %+v, %v", d, err)
	}
	index := `{"schemaVersion":2,"manifests":[{"digest":"` + digest + `","size":2}]}`
	if d, err := oci.ParseDocument([]byte(index)); err != nil || !d.Index() || d.Type("") != oci.MediaImageIndex {
		t.Errorf("index: %+v, %v", d, err)
	}
	for name, body := range map[string]string{
		"nothing":     ``,
		"html":        `<html>`,
		"other json":  `{"a":1}`,
		"no version":  `{"layers":[]}`,
		"bad digest":  `{"schemaVersion":2,"layers":[{"digest":"../../etc/passwd"}]}`,
		"bad subject": `{"schemaVersion":2,"layers":[],"subject":{"digest":"x"}}`,
		"deep":        strings.Repeat("[", 200_000),
		"many":        `{"schemaVersion":2,"layers":[` + strings.Repeat(`{"digest":"`+digest+`"},`, 10_001) + `{}]}`,
	} {
		if d, err := oci.ParseDocument([]byte(body)); err == nil {
			t.Errorf("%s: %+v, want an error", name, d)
		}
	}
}

func TestNextLink(t *testing.T) {
	for header, want := range map[string]string{
		``:                                  "",
		`</v2/_catalog?last=b>; rel="next"`: "/v2/_catalog?last=b",
		`<https://x/a>; rel=prev, </b?c=,d>; title="x"; rel=next`: "/b?c=,d",
		`<a`:               "",
		`</a>`:             "",
		`</a>; rel="prev"`: "",
	} {
		if got := oci.NextLink(header); got != want {
			t.Errorf("NextLink(%q) = %q, want %q", header, got, want)
		}
	}
}

// FuzzParseRequest: what is accepted is written back to the same target.
func FuzzParseRequest(f *testing.F) {
	f.Add("/v2/a/manifests/latest")
	f.Add("/v2/a/blobs/uploads/?digest=" + digest)
	f.Fuzz(func(t *testing.T, target string) {
		r, err := oci.ParseRequest("GET", target)
		if err != nil {
			return
		}
		if got := r.Target(); got != target && got != strings.TrimSuffix(target, "?") {
			t.Errorf("%q was read as %+v, which is written %q", target, r, got)
		}
	})
}

// FuzzParseDocument: no document makes it panic, and every digest it returns
// is well-formed.
func FuzzParseDocument(f *testing.F) {
	f.Add([]byte(`{"schemaVersion":2,"manifests":[{"digest":"` + digest + `"}]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		d, err := oci.ParseDocument(body)
		if err != nil {
			return
		}
		for _, c := range append(d.Layers, d.Manifests...) {
			if _, err := oci.ParseDigest(string(c.Digest)); err != nil {
				t.Error(err)
			}
		}
	})
}
