// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"github.com/regproof/regproof/credential"
	"github.com/regproof/regproof/login"
	"github.com/regproof/regproof/sandbox"
	"github.com/regproof/regproof/wire"
)

const (
	boxed = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	other = "sha256:0000000000000000000000000000000000000000000000000000000000000000"
)

// boxFor is the sandbox "box" of a registry with a prefix, in which a tag, a
// manifest and a blob were written down.
func boxFor(effects ...Effect) (*box, *door) {
	u := &url.URL{Scheme: "https", Host: "r.example"}
	r := &run{opts: Options{Sandbox: "box", Effects: effects, Images: []ImageRef{{Registry: "r", Repository: "prod/app"}}}}
	d := &door{run: r, target: &Target{Name: "r"}, ep: Endpoint{URL: u, Prefix: "p/"}, addresses: []netip.AddrPort{netip.MustParseAddrPort("192.0.2.1:443")}}
	b := &box{run: r, name: "box", made: map[string]bool{}, sessions: map[string]bool{}}
	b.made[string(sandbox.Tag)+" t1"], b.made[string(sandbox.Manifest)+" "+boxed], b.made[string(sandbox.Blob)+" "+boxed] = true, true, true
	b.opened(d, wire.Destination{URL: &url.URL{Scheme: "https", Host: "r.example:443", Path: "/v2/p/box/blobs/uploads/s1"}, SameOrigin: true})
	b.opened(d, wire.Destination{URL: &url.URL{Scheme: "https", Host: "storage.example", Path: "/put/1"}})
	return b, d
}

// TestPermits: nothing is written outside of the sandbox, nor where nothing was
// written down before.
func TestPermits(t *testing.T) {
	for _, c := range []struct {
		method, target string
		ok             bool
		change         func(*wire.Request)
	}{
		{"POST", "/v2/p/box/blobs/uploads/", true, nil},
		{"PUT", "/v2/p/box/blobs/uploads/s1?_state=x&digest=" + boxed, true, nil},
		{"DELETE", "/v2/p/box/blobs/uploads/s1", true, nil},
		{"PUT", "/v2/p/box/manifests/t1", true, nil},
		{"PUT", "/v2/p/box/manifests/%741", true, nil},
		{"PUT", "/v2/p/box/manifests/" + boxed + "?tag=t1", true, nil},
		{"DELETE", "/v2/p/box/manifests/" + boxed, true, nil},
		{"DELETE", "/v2/p/box/blobs/" + boxed, true, nil},
		{"POST", "/v2/p/box/blobs/uploads/?mount=" + boxed, true, nil},
		{"POST", "/v2/p/box/blobs/uploads/?mount=" + boxed + "&from=p/prod/app", true, nil},
		{"PUT", "/put/1", true, func(r *wire.Request) { r.Host = "storage.example" }},

		{"POST", "/v2/box/blobs/uploads/", false, nil}, // without the prefix
		{"POST", "/v2/p/boxes/blobs/uploads/", false, nil},
		{"POST", "/v2/p/box/app/blobs/uploads/", false, nil},
		{"POST", "/v2/p/box/blobs/uploads/?mount=" + boxed + "&from=p/unknown", false, nil}, // of which nobody was told
		{"POST", "/v2/p/box/blobs/uploads/?mount=" + boxed + "&from=prod/app", false, nil},  // without the prefix
		{"POST", "/v2/p/box/blobs/uploads/?mount=" + boxed + "&from=p/prod/app&x=1", false, nil},
		{"POST", "/v2/p/box/blobs/uploads/?mount=" + boxed + "&mount=" + other, false, nil},
		{"PUT", "/v2/p/box/manifests/" + boxed + "?mount=" + boxed, false, nil},
		{"POST", "/v2/p/box/blobs/uploads/?mount=" + other + "&from=prod/app", false, nil},
		{"POST", "/v2/p/box/blobs/uploads/?mount=" + other, false, nil},
		{"POST", "/v2/p/box/manifests/t1", false, nil},
		{"PUT", "/v2/p/box/manifests/t2", false, nil},
		{"PUT", "/v2/prod/app/manifests/t1", false, nil},
		{"PUT", "/v2/p/box/../prod/manifests/t1", false, nil},
		{"PUT", "/v2/p/box/manifests/..%2f..%2fprod%2fmanifests%2ft1", false, nil},
		{"PUT", "/v2/p/box/manifests/../../../prod/manifests/t1", false, nil},
		{"PUT", "/v2/p/b%6fx/manifests/t1", false, nil},
		{"PUT", "//v2/p/box/manifests/t1", false, nil},
		{"PUT", "/v2/p/box/manifests/t1/", false, nil},
		{"PUT", "/v2/p/box/blobs/" + boxed, false, nil},
		{"PUT", "/v2/p/box/blobs/uploads/other", false, nil},
		{"PUT", "/v2/p/box/blobs/uploads/s1/../../../../../prod/manifests/t1", false, nil},
		{"DELETE", "/v2/p/box/manifests/t2", false, nil},
		{"DELETE", "/v2/p/box/blobs/" + strings.Replace(boxed, "e3", "f3", 1), false, nil},
		{"DELETE", "/v2/p/box/tags/t1", false, nil},
		{"PATCH", "/v2/p/box/manifests/t1", false, nil},
		{"PUT", "/v2/p/box/manifests/t1", false, func(r *wire.Request) { r.Host = "mirror.example" }},
		{"PUT", "/v2/p/box/manifests/t1", false, func(r *wire.Request) { r.Scheme = "http" }},
		{"PUT", "/v2/p/box/manifests/t1", false, func(r *wire.Request) { r.Address = netip.MustParseAddrPort("192.0.2.9:443") }},
		{"PUT", "/put/2", false, func(r *wire.Request) { r.Host = "storage.example" }},
		{"PUT", "/v2/p/box/manifests/t1?%zz", false, nil},
	} {
		b, d := boxFor(SandboxWrite)
		r := wire.Request{Method: c.method, Target: c.target, Scheme: "https", Host: "r.example", Address: d.addresses[0]}
		if c.change != nil {
			c.change(&r)
		}
		if err := b.permits(d, r); (err == nil) != c.ok {
			t.Errorf("%s %s%s: %v", c.method, r.Host, c.target, err)
		}
	}
	b, d := boxFor(CancelledWrite) // which does not allow it
	if err := b.permits(d, wire.Request{Method: http.MethodPost, Target: "/v2/p/box/blobs/uploads/", Scheme: "https", Host: "r.example", Address: d.addresses[0]}); err == nil {
		t.Error("permitted without --write-sandbox")
	}
}

// TestUploadPath: where a registry says that an upload lives is no way out of
// the sandbox.
func TestUploadPath(t *testing.T) {
	for raw, ok := range map[string]bool{
		"/v2/box/blobs/uploads/1":                         true,
		"/v2/box/blobs/uploads/1?_state=a%2Fb":            true,
		"/v2/box/blobs/upload/1":                          true, // ghcr.io
		"/artifacts-uploads/namespaces/p/uploads/1":       true,
		"https://storage.example/bucket/1?signature=x":    true,
		"/v2/box/blobs/uploads/":                          false,
		"/v2/box/blobs/upload/":                           false,
		"/v2/box/blobs/uploads/manifests/latest":          false, // of a repository below the sandbox
		"/v2/box/blobs/uploads/blobs/" + boxed:            false,
		"/v2/box/blobs/uploads/x/blobs/uploads/1":         false,
		"/v2/box/blobs/uploads/tags/latest":               false,
		"/v2/box/blobs/" + boxed:                          false,
		"/v2/prod/blobs/uploads/1":                        false,
		"/v2/prod/blobs/upload/1":                         false,
		"/v2/prod/manifests/latest":                       false,
		"/V2/prod/manifests/latest":                       false,
		"/x/v2/prod/manifests/latest":                     false,
		"/v2%2fprod/manifests/latest":                     false,
		"/v2/box/blobs/uploads/../../../prod/manifests/1": false,
		"/v2/box/blobs/uploads/%2e%2e/%2e%2e/manifests/1": false,
		"/v2/box/blobs/uploads//1":                        false,
		"/x;/v2/prod":                                     false,
		"/":                                               false,
		"":                                                false,
		"https://mirror.example/v2/prod/manifests/latest": false,
	} {
		u, err := url.Parse(raw)
		if err != nil {
			t.Fatal(err)
		}
		if err := uploadPath(u, "box"); (err == nil) != ok {
			t.Errorf("%s: %v", raw, err)
		}
	}
}

// TestPlace: an upload is followed to no host that the configuration does not name.
func TestPlace(t *testing.T) {
	pin := map[string][]netip.Addr{"r.example": {netip.MustParseAddr("192.0.2.1")}, "storage.example": {netip.MustParseAddr("192.0.2.2")}}
	const storage = credential.Origin("https://storage.example:443")
	for _, c := range []struct {
		location string
		allowed  []credential.Origin
		ok       bool
	}{
		{"/v2/p/box/blobs/uploads/1", nil, true},
		{"https://storage.example/bucket/1", nil, false},
		{"https://storage.example/bucket/1", []credential.Origin{storage}, true},
		{"https://r.example:8443/v2/p/box/blobs/uploads/1", nil, false},
	} {
		b, d := boxFor(SandboxWrite)
		d.reg = login.Registry{URL: d.ep.URL, Guard: wire.Guard{Allowed: c.allowed, Pinned: pin}}
		s := &Sandbox{box: b, g: &group{door: d}}
		if _, err := s.place(t.Context(), Answer{Response: wire.Response{Header: wire.Header{{"Location", c.location}}}}); (err == nil) != c.ok {
			t.Errorf("%s with %v: %v", c.location, c.allowed, err)
		}
	}
}
