// SPDX-License-Identifier: Apache-2.0

package lab_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/regproof/regproof/lab"
)

// pusher writes to a repository of its own, as the entitled or as nobody.
type pusher struct {
	*asker
	repository string
}

func (p pusher) call(method, target, contentType string, body []byte) got {
	p.t.Helper()
	r, err := http.NewRequestWithContext(p.t.Context(), method, p.base+"/v2/"+p.repository+target, bytes.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	r.Header.Set("Accept", accept)
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	if p.auth != "" {
		r.Header.Set("Authorization", p.auth)
	}
	return p.send(r)
}

const index = "application/vnd.oci.image.index.v1+json"

// doc is an index that lists nothing, unlike any other of another n.
func doc(n int) []byte {
	return []byte(fmt.Sprintf(`{"schemaVersion":2,"mediaType":%q,"manifests":[],"annotations":{"n":"%d"}}`, index, n))
}

func digestOf(b []byte) string {
	sum := sha256.Sum256(b)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// names is the digest of what a tag names.
func (p pusher) names(reference string) string {
	g := p.call("GET", "/manifests/"+reference, "", nil)
	if g.status != 200 {
		return fmt.Sprint(g.status)
	}
	return g.digest()
}

// moved pushes to a tag, does something, and says whether the tag moved.
func (p pusher) moved(tag string, then func()) bool {
	p.t.Helper()
	if g := p.call("PUT", "/manifests/"+tag, index, doc(1)); g.status != 201 {
		p.t.Fatalf("first push: %d %s", g.status, g.body)
	}
	then()
	is := p.names(tag)
	return is != digestOf(doc(1))
}

// TestImmutable: what moves a tag, and what does not, on doors that hold tags
// immutable in their ways.
func TestImmutable(t *testing.T) {
	l := open(t)
	overwrite := func(tag string) func(pusher) func() {
		return func(p pusher) func() { return func() { p.call("PUT", "/manifests/"+tag, index, doc(2)) } }
	}
	ways := map[string]struct {
		tag  string
		then func(pusher) func()
	}{
		"overwrite": {"x", overwrite("x")},
		"latest":    {"latest", overwrite("latest")},
		"delete": {"y", func(p pusher) func() {
			return func() { p.call("DELETE", "/manifests/y", "", nil); overwrite("y")(p)() }
		}},
		"query": {"z", func(p pusher) func() {
			return func() { p.call("PUT", "/manifests/"+digestOf(doc(3))+"?tag=z", index, doc(3)) }
		}},
	}
	for name, moves := range map[string][]string{
		"immutable-sound":         nil,
		"immutable-lying":         nil,
		"immutable-race":          nil, // one after the other
		"tag-mutable":             {"overwrite", "latest", "delete"},
		"immutable-latest-exempt": {"latest"},
		"immutable-delete":        {"delete"},
		"immutable-by-query":      {"query"},
		"immutable-index-exempt":  {"overwrite", "latest", "query", "delete"},
	} {
		d := door(t, l, lab.DoorOptions{Weaknesses: []string{name}})
		for way, w := range ways {
			p := pusher{ask(t, l, d, false).as(l), "lab/" + name + "-" + way}
			if got, want := p.moved(w.tag, w.then(p)), bytes.Contains([]byte(strings.Join(moves, " ")), []byte(way)); got != want {
				t.Errorf("%s: %s moved the tag: %t", name, way, got)
			}
		}
	}
}

// TestAccepting: what these doors store or serve, their twins refuse.
func TestAccepting(t *testing.T) {
	l := open(t)
	wrong := digestOf([]byte("wrong"))
	both := []byte(fmt.Sprintf(`{"schemaVersion":2,"mediaType":%q,"manifests":[],"layers":[]}`, index))
	foreign := func(p pusher) []byte {
		config := []byte("{}")
		up := p.call("POST", "/blobs/uploads/", "", nil)
		at := strings.TrimPrefix(up.header.Get("Location"), "/v2/"+p.repository)
		p.call("PUT", at+"&digest="+digestOf(config), "application/octet-stream", config)
		return []byte(fmt.Sprintf(`{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.empty.v1+json","digest":%q,"size":2},"layers":[{"mediaType":"application/vnd.oci.image.layer.nondistributable.v1.tar+gzip","digest":%q,"size":9,"urls":["https://regproof.invalid/x"]}]}`, digestOf(config), wrong))
	}
	for _, row := range []struct {
		weakness string
		leaks    func(p, stranger pusher) bool
	}{
		{"digest-unchecked", func(p, _ pusher) bool {
			p.call("PUT", "/manifests/"+wrong, index, doc(1))
			return p.names(wrong) == digestOf(doc(1))
		}},
		{"type-confusion-accepted", func(p, _ pusher) bool {
			p.call("PUT", "/manifests/"+digestOf(both), index, both)
			return p.names(digestOf(both)) == digestOf(both)
		}},
		{"foreign-layers-accepted", func(p, _ pusher) bool {
			body := foreign(p)
			p.call("PUT", "/manifests/"+digestOf(body), "application/vnd.oci.image.manifest.v1+json", body)
			return p.names(digestOf(body)) == digestOf(body)
		}},
		{"deleted-still-served", func(p, _ pusher) bool {
			p.call("PUT", "/manifests/x", index, doc(1))
			p.names(digestOf(doc(1)))
			p.call("DELETE", "/manifests/"+digestOf(doc(1)), "", nil)
			return p.names(digestOf(doc(1))) == digestOf(doc(1))
		}},
		{"delete-tag-enabled", func(p, _ pusher) bool {
			p.call("PUT", "/manifests/x", index, doc(1))
			if g := p.call("DELETE", "/manifests/"+digestOf(doc(1)), "", nil); g.status != 405 && p.repository != "lab/twin-of-delete-tag-enabled" {
				t.Errorf("by digest: %d", g.status)
			}
			p.call("DELETE", "/manifests/x", "", nil)
			return p.names("x") == "404"
		}},
		{"anonymous-write", func(p, stranger pusher) bool {
			stranger.call("PUT", "/manifests/x", index, doc(1))
			return stranger.names("x") == "401" && p.names("x") == digestOf(doc(1))
		}},
	} {
		twin := ""
		for _, w := range lab.Weaknesses() {
			if w.Name == row.weakness {
				twin = w.Twin
			}
		}
		for name, want := range map[string]bool{row.weakness: true, twin: false} {
			d := door(t, l, lab.DoorOptions{Weaknesses: []string{name}})
			repository := "lab/" + row.weakness
			if !want {
				repository = "lab/twin-of-" + row.weakness
			}
			a := ask(t, l, d, false)
			if got := row.leaks(pusher{a.as(l), repository}, pusher{a, repository}); got != want {
				t.Errorf("%s at %s: %t", row.weakness, name, got)
			}
		}
	}
}
