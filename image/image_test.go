// SPDX-License-Identifier: Apache-2.0

package image_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/regproof/regproof/image"
	"github.com/regproof/regproof/oci"
	"github.com/regproof/regproof/wire"
)

// registry holds content by what it is asked for: the last part of a target.
type registry struct {
	content map[string][]byte
	types   map[string]string
	answer  map[string]func(image.Answer, image.Limits) image.Answer // changes an answer

	mu    sync.Mutex
	asked []string
	most  int // asked for at once
	now   int
}

func newRegistry() *registry {
	return &registry{content: map[string][]byte{}, types: map[string]string{}, answer: map[string]func(image.Answer, image.Limits) image.Answer{}}
}

// put stores content under its sha256, and under further names.
func (r *registry) put(b []byte, names ...string) oci.Digest {
	d := oci.SHA256(b)
	for _, n := range append(names, string(d)) {
		r.content[n] = b
	}
	return d
}

// fetch answers as a registry would, with the bounds of wire.
func (r *registry) fetch(_ context.Context, q oci.Request, limits image.Limits) image.Answer {
	r.mu.Lock()
	r.asked = append(r.asked, q.Method+" "+q.Target()+" "+strings.TrimSpace(limits.Range))
	n := len(r.asked)
	r.now++
	r.most = max(r.most, r.now)
	r.mu.Unlock()
	defer func() { r.mu.Lock(); r.now--; r.mu.Unlock() }()

	a := image.Answer{Trail: []string{"x" + strconv.Itoa(n)}}
	b, ok := r.content[q.Reference]
	if !ok {
		a.Status, a.Body = 404, []byte(`{"errors":[{"code":"BLOB_UNKNOWN"}]}`)
	} else {
		a.Status = 200
		if t := r.types[q.Reference]; t != "" {
			a.Header = append(a.Header, [2]string{"Content-Type", t})
		}
		if first, last, ok := strings.Cut(strings.TrimPrefix(limits.Range, "bytes="), "-"); ok {
			i, _ := strconv.Atoi(first)
			j, _ := strconv.Atoi(last)
			a.Status = 206
			a.Header = append(a.Header, [2]string{"Content-Range", fmt.Sprintf("bytes %d-%d/%d", i, j, len(b))})
			b = b[i : j+1]
		}
		a.Body = b
	}
	if change := r.answer[q.Reference]; change != nil {
		a = change(a, limits)
	}
	return bound(a, limits)
}

// bound does to a body what wire does.
func bound(a image.Answer, limits image.Limits) image.Answer {
	limit := limits.Limit
	if limit == 0 {
		limit = wire.DefaultLimit
	}
	if int64(len(a.Body)) > limit {
		a.Body, a.Truncated = a.Body[:limit], true
	}
	a.Size = int64(len(a.Body))
	sum := sha256.Sum256(a.Body)
	a.SHA256 = hex.EncodeToString(sum[:])
	from, keep := min(limits.KeepFrom, a.Size), limits.Keep
	if keep == 0 {
		keep = limit
	}
	a.Body = a.Body[from:min(from+keep, a.Size)]
	return a
}

func random(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(rand.Uint32())
	}
	return b
}

func marshal(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}

type descriptor = map[string]any

func describe(mediaType string, d oci.Digest, size int) descriptor {
	return descriptor{"mediaType": mediaType, "digest": d, "size": size}
}

// push stores an image of one config and these layers, and returns the digest
// of its manifest.
func (r *registry) push(mediaType string, layers [][]byte, names ...string) oci.Digest {
	config := marshal(descriptor{"os": "linux", "n": len(r.content)})
	m := descriptor{"schemaVersion": 2, "mediaType": mediaType, "config": describe("config", r.put(config), len(config))}
	list := []descriptor{}
	for _, l := range layers {
		list = append(list, describe("layer", r.put(l), len(l)))
	}
	m["layers"] = list
	return r.put(marshal(m), names...)
}

// line is what a test compares of one content.
func line(c *image.Content) string {
	problem := c.Problem
	if c.Verified {
		problem = "verified"
	}
	return fmt.Sprintf("%s %d %s", c.Kind, c.Size, problem)
}

func lines(k *image.Known) (out []string) {
	for _, c := range k.All() {
		out = append(out, line(c))
	}
	return out
}

func TestWalkOneImage(t *testing.T) {
	for _, mediaType := range []string{oci.MediaImageManifest, oci.MediaDockerManifest} {
		r := newRegistry()
		layers := [][]byte{random(100), random(5000)}
		d := r.push(mediaType, layers, "1.0")
		for _, reference := range []string{"1.0", string(d)} {
			k, evidence, err := image.Walk(t.Context(), r.fetch, "team/app", reference)
			if err != nil || len(evidence) != 1 {
				t.Fatalf("%v (evidence %v)", err, evidence)
			}
			if k.Root.Digest != d || k.Root.MediaType != mediaType || k.Root.Kind != image.Manifest || !k.Root.Verified || k.Repository != "team/app" || k.Reference != reference {
				t.Errorf("root %+v", k.Root)
			}
			if (k.Tag == "1.0") != (reference == "1.0") {
				t.Errorf("tag %q of %s", k.Tag, reference)
			}
			if len(k.Configs) != 1 || len(k.Layers) != 2 || len(k.Children) != 0 || len(k.All()) != 4 {
				t.Errorf("%d configs, %d layers, %d children", len(k.Configs), len(k.Layers), len(k.Children))
			}
			for i, c := range k.Layers {
				content := layers[i]
				if !c.Verified || c.Size != int64(len(content)) || len(c.Evidence) != 1 || k.Find(c.Digest) != c || k.Lookup(c.Digest.Encoded()) != c {
					t.Errorf("layer %d: %+v", i, c)
				}
				if want := content[c.Offset:min(int(c.Offset)+256, len(content))]; !bytes.Equal(c.Sample, want) {
					t.Errorf("layer %d: the sample is not the content at %d", i, c.Offset)
				}
			}
			if k.Layers[0].Offset != 0 || k.Layers[1].Offset < 1024 {
				t.Errorf("samples at %d and %d", k.Layers[0].Offset, k.Layers[1].Offset)
			}
		}
	}
}

func TestWalkIndex(t *testing.T) {
	for _, mediaType := range []string{oci.MediaImageIndex, oci.MediaDockerList} {
		r := newRegistry()
		shared := random(2000)
		a := r.push(oci.MediaImageManifest, [][]byte{shared, random(10)})
		b := r.push(oci.MediaDockerManifest, [][]byte{shared, random(20)})
		gone := oci.SHA256([]byte("gone"))
		lying := r.put([]byte(`{"schemaVersion":2}`))
		r.content[string(lying)] = []byte(`{"schemaVersion":2,"config":{}}`)
		inner := r.put(marshal(descriptor{"schemaVersion": 2, "manifests": []descriptor{describe(oci.MediaImageManifest, a, 1)}}))
		list := []descriptor{}
		for _, d := range []oci.Digest{a, b, gone, lying, inner} {
			list = append(list, describe(oci.MediaImageManifest, d, 7))
		}
		r.put(marshal(descriptor{"schemaVersion": 2, "mediaType": mediaType, "manifests": list}), "latest")

		k, _, err := image.Walk(t.Context(), r.fetch, "a", "latest")
		if err != nil {
			t.Fatal(err)
		}
		size := func(d oci.Digest) int { return len(r.content[string(d)]) }
		want := []string{
			fmt.Sprintf("index %d verified", len(r.content["latest"])),
			fmt.Sprintf("manifest %d verified", size(a)), fmt.Sprintf("manifest %d verified", size(b)),
			"manifest 7 the registry answered 404 BLOB_UNKNOWN", "manifest 7 the bytes do not have the digest",
			fmt.Sprintf("index %d verified", size(inner)),
			fmt.Sprintf("config %d verified", k.Configs[0].Size), fmt.Sprintf("config %d verified", k.Configs[1].Size),
			"layer 2000 verified", "layer 10 verified", "layer 20 verified", // the shared one once
		}
		if diff := cmp.Diff(want, lines(k)); diff != "" {
			t.Errorf("content (-want +got):\n%s", diff)
		}
		for _, c := range k.Children {
			if !c.Child || len(c.Evidence) != 1 || len(c.Sample) > 0 {
				t.Errorf("child %+v", c)
			}
		}
	}
}

// TestWalkSchema1: the layers of docker's first format.
func TestWalkSchema1(t *testing.T) {
	r := newRegistry()
	a, b := random(50), random(60)
	r.put(marshal(descriptor{"schemaVersion": 1, "name": "x", "fsLayers": []descriptor{{"blobSum": r.put(a)}, {"blobSum": r.put(b)}, {"blobSum": r.put(a)}}}), "old")
	r.types["old"] = oci.MediaDockerSchema1
	k, _, err := image.Walk(t.Context(), r.fetch, "a", "old")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{fmt.Sprintf("manifest %d verified", k.Root.Size), "layer 50 verified", "layer 60 verified"}, lines(k)); diff != "" {
		t.Errorf("content (-want +got):\n%s", diff)
	}
	if k.Root.MediaType != oci.MediaDockerSchema1 {
		t.Errorf("media type %q", k.Root.MediaType)
	}
}

// TestWalkRefuses: without a first manifest that can be believed nothing is known.
func TestWalkRefuses(t *testing.T) {
	r := newRegistry()
	d := r.push(oci.MediaImageManifest, [][]byte{random(10)}, "ok")
	other := r.push(oci.MediaImageManifest, [][]byte{random(11)})
	set := func(change func(*image.Answer)) func(image.Answer, image.Limits) image.Answer {
		return func(a image.Answer, _ image.Limits) image.Answer { change(&a); return a }
	}
	for _, tc := range []struct {
		name, reference string
		change          func(image.Answer, image.Limits) image.Answer
		want            string
	}{
		{"404", "none", nil, "answered 404 BLOB_UNKNOWN"},
		{"a failure", "ok", set(func(a *image.Answer) { a.Failure = wire.Timeout; a.Status = 0 }), "timeout"},
		{"a failure in the body", "ok", set(func(a *image.Answer) { a.Failure = wire.Closed }), "connection closed"},
		{"a problem", "ok", set(func(a *image.Answer) { a.Problem = "no token" }), "no token"},
		{"401 with another body", "ok", set(func(a *image.Answer) { a.Status, a.Body = 401, []byte("<html>") }), "answered 401"},
		{"a long code", "ok", set(func(a *image.Answer) {
			a.Status, a.Body = 403, []byte(`{"errors":[{"code":"`+strings.Repeat("x", 100_000)+`"}]}`)
		}), "answered 403 x"},
		{"302 that was not followed", "ok", set(func(a *image.Answer) { a.Status = 302 }), "answered 302"},
		{"HTML", "ok", set(func(a *image.Answer) { a.Body = []byte("<html>login</html>") }), "something else"},
		{"JSON of something else", "ok", set(func(a *image.Answer) { a.Body = []byte(`{"repositories":[]}`) }), "something else"},
		{"cut off", "ok", set(func(a *image.Answer) { a.Body = append(a.Body, bytes.Repeat([]byte(" "), wire.DefaultLimit)...) }), "larger than"},
		{"a malformed digest", "ok", set(func(a *image.Answer) {
			a.Body = []byte(`{"schemaVersion":2,"layers":[{"digest":"sha256:../../x"}]}`)
		}), "not a digest"},
		{"a digest with other bytes", string(d), set(func(a *image.Answer) { a.Body = r.content[string(other)] }), "do not have the digest " + d.Short()},
		{"a digest of an unknown algorithm", "blake3:abc", set(func(a *image.Answer) { a.Status, a.Body = 200, r.content["ok"] }), "do not have the digest"},
		{"a header that lies", "ok", set(func(a *image.Answer) {
			a.Header = append(a.Header, [2]string{"docker-content-digest", string(other)})
		}), "claims another digest"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r.answer = map[string]func(image.Answer, image.Limits) image.Answer{tc.reference: tc.change}
			k, evidence, err := image.Walk(t.Context(), r.fetch, "a", tc.reference)
			if k != nil || err == nil || !strings.Contains(err.Error(), tc.want) || len(err.Error()) > 300 {
				t.Errorf("got %v, %v; want an error with %q", k, err, tc.want)
			}
			if len(evidence) != 1 {
				t.Errorf("evidence %v", evidence)
			}
		})
	}
	t.Run("a header that is right", func(t *testing.T) {
		r.answer = map[string]func(image.Answer, image.Limits) image.Answer{"ok": set(func(a *image.Answer) {
			a.Header = append(a.Header, [2]string{"Docker-Content-Digest", string(d)})
		})}
		if _, _, err := image.Walk(t.Context(), r.fetch, "a", "ok"); err != nil {
			t.Error(err)
		}
	})
}

// TestWalkBlob: one layer that is not as it should be a row.
func TestWalkBlob(t *testing.T) {
	small, large := random(5000), random(image.SmallBlob+5000)
	set := func(change func(*image.Answer)) func(image.Answer, image.Limits) image.Answer {
		return func(a image.Answer, _ image.Limits) image.Answer { change(&a); return a }
	}
	for _, tc := range []struct {
		name    string
		content []byte
		change  func(image.Answer, image.Limits) image.Answer
		want    string // "" is verified
	}{
		{"small", small, nil, ""},
		{"exactly SmallBlob", large[:image.SmallBlob], nil, ""},
		{"large, sampled by Range", large, nil, ""},
		{"missing", small, set(func(a *image.Answer) { a.Status, a.Body = 404, nil }), "answered 404"},
		{"missing, with a long text", small, set(func(a *image.Answer) { a.Status, a.Body = 404, bytes.Repeat([]byte("x"), 3000) }), "answered 404"},
		{"other bytes", small, set(func(a *image.Answer) { a.Body = random(5000) }), "do not have the digest"},
		{"fewer bytes", small, set(func(a *image.Answer) { a.Body = a.Body[:10] }), "do not have the digest"},
		{"a failure", small, set(func(a *image.Answer) { a.Failure = wire.Closed }), "connection closed"},
		{"a problem", small, set(func(a *image.Answer) { a.Problem = "the redirect leads astray" }), "astray"},
		{"206 unasked", small, set(func(a *image.Answer) { a.Status = 206 }), "answered 206"},
		{"large, Range ignored", large, func(a image.Answer, _ image.Limits) image.Answer { a.Status, a.Body = 200, large; return a }, "does not answer a Range"},
		{"large, 416", large, set(func(a *image.Answer) { a.Status, a.Body = 416, nil }), "answered 416"},
		{"large, another total", large, set(func(a *image.Answer) {
			a.Header = wire.Header{{"Content-Range", strings.TrimSuffix(a.Header.Get("Content-Range"), strconv.Itoa(len(large))) + "99"}}
		}), "206"},
		{"large, another place", large, set(func(a *image.Answer) {
			a.Header, a.Body = wire.Header{{"Content-Range", fmt.Sprintf("bytes 0-255/%d", len(large))}}, large[:256]
		}), "206"},
		{"large, without Content-Range", large, set(func(a *image.Answer) { a.Header = nil }), "206"},
		{"large, too few bytes", large, set(func(a *image.Answer) { a.Body = a.Body[:100] }), "206"},
		{"large, too many bytes", large, set(func(a *image.Answer) { a.Body = large[:300] }), "206"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := newRegistry()
			r.push(oci.MediaImageManifest, [][]byte{tc.content}, "tag")
			d := oci.SHA256(tc.content)
			r.answer[string(d)] = tc.change
			k, _, err := image.Walk(t.Context(), r.fetch, "a", "tag")
			if err != nil {
				t.Fatal(err)
			}
			c := k.Layers[0]
			if c.Verified != (tc.want == "") || !strings.Contains(c.Problem, tc.want) || (c.Problem == "") != (tc.want == "") {
				t.Errorf("verified %v, problem %q, want %q", c.Verified, c.Problem, tc.want)
			}
			if c.Verified && (len(c.Sample) != 256 || c.Offset < 1024 || !bytes.Equal(c.Sample, tc.content[c.Offset:c.Offset+256])) {
				t.Errorf("the sample of %d bytes is not the content at %d", len(c.Sample), c.Offset)
			}
			if !c.Verified && (len(c.Sample) > 0 || c.Offset != 0) {
				t.Errorf("a sample of %d bytes at %d from content that was not seen", len(c.Sample), c.Offset)
			}
			if c.Verified && c.Size != int64(len(tc.content)) {
				t.Errorf("size %d", c.Size)
			}
		})
	}
}

// TestWalkOtherAlgorithm: a digest of sha512 is as good as one of sha256.
func TestWalkOtherAlgorithm(t *testing.T) {
	for _, size := range []int{100, 5000} {
		r := newRegistry()
		layer := random(size)
		sum := sha512.Sum512(layer)
		d := oci.Digest("sha512:" + hex.EncodeToString(sum[:]))
		r.content[string(d)] = layer
		r.put(marshal(descriptor{"schemaVersion": 2, "layers": []descriptor{describe("layer", d, size), describe("layer", "blake3:abc", size)}}), "tag")
		r.content["blake3:abc"] = layer
		k, _, err := image.Walk(t.Context(), r.fetch, "a", "tag")
		if err != nil {
			t.Fatal(err)
		}
		c := k.Layers[0]
		if !c.Verified || c.Size != int64(size) || len(c.Sample) != min(size, 256) || !bytes.Equal(c.Sample, layer[c.Offset:int(c.Offset)+len(c.Sample)]) {
			t.Errorf("%d: %s, a sample of %d bytes at %d", size, line(c), len(c.Sample), c.Offset)
		}
		if unknown := k.Layers[1]; unknown.Verified || strings.Contains(unknown.Problem, "do not have") || !strings.Contains(unknown.Problem, "blake3") {
			t.Errorf("an unknown algorithm: %s", line(unknown))
		}
	}
}

// TestWalkRedirect: where the registry sent the entitled is kept, without what
// may be a signature.
func TestWalkRedirect(t *testing.T) {
	r := newRegistry()
	layer := random(2000)
	r.push(oci.MediaImageManifest, [][]byte{layer}, "tag")
	r.answer[string(oci.SHA256(layer))] = func(a image.Answer, _ image.Limits) image.Answer {
		a.Redirect = "https://storage.example/blob?X-Amz-Signature=hidden#x"
		return a
	}
	k, _, err := image.Walk(t.Context(), r.fetch, "a", "tag")
	if err != nil {
		t.Fatal(err)
	}
	if c := k.Layers[0]; c.Redirect != "https://storage.example/blob" || !c.Verified {
		t.Errorf("redirect %q, %s", c.Redirect, line(c))
	}
	if k.Configs[0].Redirect != "" {
		t.Errorf("redirect of the config: %q", k.Configs[0].Redirect)
	}
}

// TestWalkIsBounded: what one hostile document names is not all asked for.
func TestWalkIsBounded(t *testing.T) {
	t.Run("children", func(t *testing.T) {
		r := newRegistry()
		var list []descriptor
		for i := range 1000 {
			list = append(list, describe(oci.MediaImageManifest, oci.SHA256(fmt.Append(nil, i)), 1))
		}
		r.put(marshal(descriptor{"schemaVersion": 2, "manifests": list}), "tag")
		k, _, err := image.Walk(t.Context(), r.fetch, "a", "tag")
		if err != nil || len(k.Children) != 64 || len(r.asked) != 65 {
			t.Errorf("%d children, %d requests, %v", len(k.Children), len(r.asked), err)
		}
	})
	t.Run("layers", func(t *testing.T) {
		r := newRegistry()
		var list []descriptor
		for i := range 9000 {
			list = append(list, describe("layer", oci.SHA256(fmt.Append(nil, i)), 1))
		}
		r.put(marshal(descriptor{"schemaVersion": 2, "layers": list}), "tag")
		k, _, err := image.Walk(t.Context(), r.fetch, "a", "tag")
		if err != nil || len(r.asked) != 1+image.MaxBlobsForTest {
			t.Fatalf("%d requests, %v", len(r.asked), err)
		}
		last := k.Layers[len(k.Layers)-1]
		if len(k.Layers) != 9000 || last.Verified || !strings.Contains(last.Problem, "not asked for") {
			t.Errorf("%d layers, the last %s", len(k.Layers), line(last))
		}
	})
}

// TestKnown: what is attached is found too, and Names tells what is shared.
func TestKnown(t *testing.T) {
	r := newRegistry()
	own, shared := random(10), random(20)
	r.push(oci.MediaImageManifest, [][]byte{own, shared}, "tag")
	k, _, err := image.Walk(t.Context(), r.fetch, "a", "tag")
	if err != nil {
		t.Fatal(err)
	}
	sbom := &image.Content{Kind: image.Layer, Digest: oci.SHA256([]byte("sbom"))}
	if k.Find(sbom.Digest) != nil || k.Lookup(sbom.Digest.Encoded()) != nil {
		t.Error("known before it was added")
	}
	k.Add(sbom)
	if k.Find(sbom.Digest) != sbom || k.Lookup(sbom.Digest.Encoded()) != sbom || len(k.All()) != 4 {
		t.Error("not known after it was added")
	}
	isOwn := func(d oci.Digest) bool { return d == oci.SHA256(own) }
	names := func(b ...[]byte) oci.Document {
		var d oci.Document
		for _, l := range b {
			d.Layers = append(d.Layers, oci.Descriptor{Digest: oci.SHA256(l)})
		}
		return d
	}
	for name, tc := range map[string]struct {
		doc  oci.Document
		want bool
	}{
		"its own layer":      {names(random(5), own), true},
		"a shared layer":     {names(shared), false},
		"another layer":      {names(random(5)), false},
		"nothing":            {oci.Document{}, false},
		"a layer as config":  {oci.Document{Config: &oci.Descriptor{Digest: oci.SHA256(own)}}, true},
		"a layer as a child": {oci.Document{Manifests: []oci.Descriptor{{Digest: oci.SHA256(own)}}}, true},
	} {
		if got := k.Names(tc.doc, isOwn); got != tc.want {
			t.Errorf("%s: named %v, want %v", name, got, tc.want)
		}
	}
}

// TestWalkAtOnce: what is independent is asked for at once, each piece once.
func TestWalkAtOnce(t *testing.T) {
	r := newRegistry()
	var layers [][]byte
	for range 20 {
		layers = append(layers, random(3000))
	}
	r.push(oci.MediaImageManifest, append(layers, layers...), "tag")
	var meet sync.WaitGroup
	meet.Add(20)
	for _, l := range layers {
		r.answer[string(oci.SHA256(l))] = func(a image.Answer, _ image.Limits) image.Answer {
			meet.Done()
			meet.Wait() // until all of them are asked for
			return a
		}
	}
	k, _, err := image.Walk(t.Context(), r.fetch, "a", "tag")
	if err != nil || len(k.Layers) != 20 || len(r.asked) != 22 || r.most < 20 {
		t.Errorf("%d layers, %d requests, %d at once, %v", len(k.Layers), len(r.asked), r.most, err)
	}
}

func TestStripQuery(t *testing.T) {
	for in, want := range map[string]string{"": "", "a": "a", "https://h/p?q#f": "https://h/p", "https://h/p#f?q": "https://h/p", "?": ""} {
		if got := image.StripQuery(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}
