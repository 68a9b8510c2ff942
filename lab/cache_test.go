// SPDX-License-Identifier: Apache-2.0

package lab_test

import (
	"bytes"
	"testing"

	"github.com/regproof/regproof/lab"
)

// TestCaches: cold, everybody is denied; once the entitled have read, strangers
// and wrong passwords get what the cache keeps, with some query another copy.
func TestCaches(t *testing.T) {
	l := open(t)
	app := image(t, l, "team-a/app:1.4")
	blob := "/v2/team-a/app/blobs/" + app.Private[0]
	manifest := "/v2/team-a/app/manifests/" + app.Digest
	targets := []string{blob, manifest, manifest14, "/v2/team-a/app/tags/list", "/v2/_catalog"}
	for _, row := range []struct {
		cache string
		kept  []string
		tells bool
	}{
		{"cache-blobs-open", []string{blob}, true}, {"cache-silent-open", []string{blob}, false},
		{"cache-manifests-open", targets, true}, {"cache-accept-open", nil, true}, {"cache-sound", nil, false}, {"sound-basic", nil, false},
	} {
		t.Run(row.cache, func(t *testing.T) {
			stranger := ask(t, l, door(t, l, lab.DoorOptions{Weaknesses: []string{row.cache}}), false)
			wrong, ci := *stranger, stranger.as(l)
			wrong.auth = "Basic eDp5"
			for n, target := range targets {
				leaks := n < len(row.kept)
				if g := stranger.do("GET", target); g.status != 401 || (row.tells && g.header.Get("X-Cache") != "MISS") {
					t.Errorf("%s, cold: %d, X-Cache %q", target, g.status, g.header.Get("X-Cache"))
				}
				first := ci.do("GET", target)
				if first.status != 200 {
					t.Fatalf("%s, the entitled: %d", target, first.status)
				}
				for who, a := range map[string]*asker{"a stranger": stranger, "a wrong password": &wrong} {
					g := a.do("GET", target)
					if got := g.status == 200 && bytes.Equal(g.body, first.body); got != leaks || (!leaks && g.status != 401) {
						t.Errorf("%s, warm, %s: %d, want a leak: %v", target, who, g.status, leaks)
					}
					if hit := g.header.Get("X-Cache") == "HIT"; hit != (leaks && row.tells) {
						t.Errorf("%s, warm, %s: X-Cache %q", target, who, g.header.Get("X-Cache"))
					}
				}
				if again := ci.do("GET", target); again.status != 200 || !bytes.Equal(again.body, first.body) {
					t.Errorf("%s, the entitled again: %d", target, again.status)
				}
				if g := stranger.do("GET", target+"?x=1"); g.status != 401 {
					t.Errorf("%s, with a query of its own: %d", target, g.status)
				}
			}
			if g := ci.do("GET", blob, "Range", "bytes=2000-2099"); g.status != 206 || len(g.body) != 100 {
				t.Errorf("range of what is kept: %d, %d bytes", g.status, len(g.body))
			}
			if g := ci.do("HEAD", blob); g.status != 200 || len(g.body) != 0 || g.header.Get("Docker-Content-Digest") != app.Private[0] {
				t.Errorf("HEAD of what is kept: %d %v", g.status, g.header)
			}
		})
	}
}

// TestCacheKey: to a client that names no index the registry answers a tag with
// an image. The cache must not answer it with what another client got before.
func TestCacheKey(t *testing.T) {
	l := open(t)
	app := image(t, l, "team-a/app:1.4")
	const single = "application/vnd.oci.image.manifest.v1+json"
	for name, want := range map[string]string{"cache-accept-open": app.Digest, "cache-sound": app.Children[0]} {
		ci := ask(t, l, door(t, l, lab.DoorOptions{Weaknesses: []string{name}}), false).as(l)
		if g := ci.do("GET", manifest14+"?x=1", "Accept", single); g.digest() != app.Children[0] {
			t.Errorf("%s, cold: %d %s", name, g.status, g.digest())
		}
		if g := ci.do("GET", manifest14); g.status != 200 || g.digest() != app.Digest {
			t.Errorf("%s, first: %d %s", name, g.status, g.digest())
		}
		if g := ci.do("GET", manifest14, "Accept", single); g.status != 200 || g.digest() != want {
			t.Errorf("%s, then: %d %s, want %s", name, g.status, g.digest(), want)
		}
	}
}

// TestCacheForgets: what is deleted through the cache is gone from it.
func TestCacheForgets(t *testing.T) {
	l := open(t)
	single := image(t, l, "team-a/app:1.3")
	manifest := "/v2/team-a/app/manifests/" + single.Digest
	ci := ask(t, l, door(t, l, lab.DoorOptions{Weaknesses: []string{"cache-sound"}}), false).as(l)
	ci.do("GET", manifest)
	if g := ci.do("GET", manifest); g.header.Get("X-Cache") != "HIT" {
		t.Errorf("before: %v", g.header)
	}
	if g := ci.do("DELETE", manifest); g.status != 202 {
		t.Fatalf("delete: %d %s", g.status, g.body)
	}
	if g := ci.do("GET", manifest); g.status != 404 {
		t.Errorf("after: %d %v", g.status, g.header)
	}
}
