// SPDX-License-Identifier: Apache-2.0

// Package image learns what an image is made of by reading it as someone who
// may: the known content against which every other answer is judged. It
// refuses to believe a digest that the bytes do not have.
package image

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"

	"github.com/regproof/regproof/evidence"
	"github.com/regproof/regproof/oci"
	"github.com/regproof/regproof/wire"
)

// Kind says what a piece of content is.
type Kind string

// The kinds.
const (
	Manifest Kind = "manifest"
	Index    Kind = "index"
	Config   Kind = "config"
	Layer    Kind = "layer"
)

// Content is one piece of an image, and how it was seen.
type Content struct {
	Kind      Kind
	Digest    oci.Digest
	MediaType string
	Size      int64 // bytes; -1 when no descriptor says
	Child     bool  // a manifest listed in an index
	Evidence  []string
	// Verified: bytes with this digest were read. Otherwise Problem says why not.
	Verified bool
	Problem  string
	// Sample is a part of a verified blob, to recognise it by: Offset is where
	// it begins. It is empty for manifests and for what was not verified.
	Sample []byte
	Offset int64
	// URLs are where the manifest says that clients may fetch it.
	URLs []string
	// Redirect is where the entitled were sent for the bytes, without query.
	Redirect string
}

// Known is an image as the entitled see it.
type Known struct {
	Repository, Reference string
	Root                  *Content   // what the reference names
	Children              []*Content // manifests of an index
	Configs, Layers       []*Content
	Document              oci.Document // of Root
	Tag                   string       // "" when the reference is a digest

	// Problem says what of the image could not be read, "" when all was.
	Problem string

	mu      sync.Mutex
	digests map[string]*Content // hex of sha256 -> content
	extra   []*Content
}

// SmallBlob is how much of a blob is read to verify it, in bytes. Of a larger
// one a sample is kept, and its size.
const SmallBlob = 8 << 20

// sampleSize is more than an accident explains.
const sampleSize = 256

// maxChildren bounds how many manifests of an index are read.
const maxChildren = 64

// maxDepth bounds how deep indexes of indexes are followed.
const maxDepth = 4

// maxBlobs bounds how many configs and layers of an image are read.
const maxBlobs = 1024

// Fetch asks as the entitled identity, with the login done and redirects to
// storage followed.
type Fetch func(ctx context.Context, r oci.Request, limit Limits) Answer

// Answer is the last answer of a fetch.
type Answer struct {
	wire.Response
	Trail    []string // the exchanges that led to it
	Redirect string   // where the registry sent the entitled, "" when it served itself
	Problem  string   // why it could not be asked as it should
}

// Limits says how much of a body to read and to keep, in bytes (wire.Request).
type Limits struct {
	Limit, KeepFrom, Keep int64
	Range                 string // the Range header
}

// Walk reads an image: the manifest that reference names, the children of an
// index, every config and every layer, all that is independent at once. It
// returns an error, with the exchange that shows it, when not even the first
// manifest can be read; what cannot be read later is marked on its Content.
func Walk(ctx context.Context, fetch Fetch, repository, reference string) (*Known, []string, error) {
	k := &Known{Repository: repository, Reference: reference, digests: map[string]*Content{}}
	if !strings.Contains(reference, ":") {
		k.Tag = reference
	}
	resp := fetch(ctx, oci.Request{Method: "GET", Kind: oci.Manifest, Repository: repository, Reference: reference, Accept: oci.AcceptManifests()}, Limits{})
	evidence := resp.Trail
	if resp.Problem != "" {
		return nil, evidence, errors.New(resp.Problem)
	}
	if resp.Failure != "" {
		return nil, evidence, errors.New(string(resp.Failure))
	}
	if resp.Status != 200 {
		return nil, evidence, fmt.Errorf("the registry answered %d%s", resp.Status, code(resp))
	}
	if resp.Truncated {
		return nil, evidence, fmt.Errorf("the registry answered 200 with something larger than %d MiB", wire.DefaultLimit>>20)
	}
	doc, err := oci.ParseDocument(resp.Body)
	if err != nil {
		return nil, evidence, fmt.Errorf("the registry answered 200 with something else: %w", err)
	}
	root, err := rootContent(reference, doc, resp)
	if err != nil {
		return nil, evidence, err
	}
	k.Root, k.Document = root, doc
	k.add(root)
	if doc.Index() {
		k.readChildren(ctx, fetch, doc)
	} else {
		k.blobs(doc)
	}
	k.readBlobs(ctx, fetch)
	return k, evidence, nil
}

// rootContent believes the bytes: their digest, and not what a header claims.
func rootContent(reference string, doc oci.Document, resp Answer) (*Content, error) {
	c := &Content{Kind: Manifest, Digest: oci.SHA256(resp.Body), MediaType: doc.Type(resp.Header.Get("Content-Type")), Size: resp.Size, Evidence: resp.Trail, Verified: true}
	if doc.Index() {
		c.Kind = Index
	}
	if strings.Contains(reference, ":") {
		if d := oci.Digest(reference); !d.Matches(resp.Body) {
			return nil, fmt.Errorf("the registry answered 200 with bytes that do not have the digest %s", d.Short())
		}
		c.Digest = oci.Digest(reference)
	}
	if claimed := resp.Header.Get("Docker-Content-Digest"); claimed != "" && c.Digest.Algorithm() == "sha256" && strings.HasPrefix(claimed, "sha256:") && claimed != string(c.Digest) {
		return nil, fmt.Errorf("the registry claims another digest in Docker-Content-Digest than the bytes have")
	}
	return c, nil
}

func (k *Known) readChildren(ctx context.Context, fetch Fetch, doc oci.Document) {
	list := doc.Manifests
	for depth := 0; len(list) > 0; depth++ {
		if room := maxChildren - len(k.Children); len(list) > room || depth == maxDepth {
			k.Problem = fmt.Sprintf("the index lists more than is read (%d manifests, %d deep)", maxChildren, maxDepth)
			list = list[:min(room, len(list))]
			if depth == maxDepth {
				return
			}
		}
		list = k.readManifests(ctx, fetch, list)
	}
}

// readManifests reads children at once, and returns those that the indexes
// among them list.
func (k *Known) readManifests(ctx context.Context, fetch Fetch, list []oci.Descriptor) []oci.Descriptor {
	var wg sync.WaitGroup
	first := len(k.Children)
	list = slices.DeleteFunc(slices.Clone(list), func(d oci.Descriptor) bool {
		return d.Digest == k.Root.Digest || slices.ContainsFunc(k.Children, func(c *Content) bool { return c.Digest == d.Digest })
	})
	docs := make([]oci.Document, len(list))
	for i, d := range list {
		c := &Content{Kind: Manifest, Digest: d.Digest, MediaType: d.MediaType, Size: d.Size, Child: true}
		k.Children = append(k.Children, c)
		wg.Go(func() {
			resp := fetch(ctx, oci.Request{Method: "GET", Kind: oci.Manifest, Repository: k.Repository, Reference: string(d.Digest), Accept: oci.AcceptManifests()}, Limits{})
			c.Evidence = resp.Trail
			if c.judge(resp); c.Verified {
				docs[i], _ = oci.ParseDocument(resp.Body)
				if docs[i].Index() {
					c.Kind = Index
				}
			}
		})
	}
	wg.Wait()
	var nested []oci.Descriptor
	for i, c := range k.Children[first:] {
		if c.Problem != "" && k.Problem == "" {
			k.Problem = fmt.Sprintf("the manifest %s in the index was not read: %s", c.Digest.Short(), c.Problem)
		}
		k.add(c)
		k.blobs(docs[i])
		nested = append(nested, docs[i].Manifests...)
	}
	return nested
}

// blobs lists the config and layers of a manifest, each digest once.
func (k *Known) blobs(doc oci.Document) {
	if doc.Config != nil {
		k.Configs = appendOnce(k.Configs, &Content{Kind: Config, Digest: doc.Config.Digest, MediaType: doc.Config.MediaType, Size: doc.Config.Size})
	}
	for _, l := range doc.Layers {
		k.Layers = appendOnce(k.Layers, &Content{Kind: Layer, Digest: l.Digest, MediaType: l.MediaType, Size: l.Size, URLs: l.URLs})
	}
}

func appendOnce(list []*Content, c *Content) []*Content {
	if slices.ContainsFunc(list, func(o *Content) bool { return o.Digest == c.Digest }) {
		return list
	}
	return append(list, c)
}

func (k *Known) readBlobs(ctx context.Context, fetch Fetch) {
	var wg sync.WaitGroup
	list := append(slices.Clone(k.Configs), k.Layers...)
	for i, c := range list {
		if i >= maxBlobs {
			c.Problem = fmt.Sprintf("not asked for: the image names more than %d blobs", maxBlobs)
			continue
		}
		wg.Go(func() { c.read(ctx, fetch, k.Repository) })
	}
	wg.Wait()
	for _, c := range list {
		k.add(c)
	}
}

func (c *Content) read(ctx context.Context, fetch Fetch, repository string) {
	r := oci.Request{Method: "GET", Kind: oci.Blob, Repository: repository, Reference: string(c.Digest)}
	limit := Limits{Limit: SmallBlob, Keep: sampleSize}
	if c.Size > 1024+sampleSize {
		c.Offset = 1024 + rand.Int64N(min(c.Size, SmallBlob)-1024-sampleSize+1)
		limit.KeepFrom = c.Offset
	}
	whole := c.Digest.Algorithm() != "sha256" // which wire does not compute
	switch {
	case c.Size > SmallBlob:
		limit.Range = fmt.Sprintf("bytes=%d-%d", c.Offset, c.Offset+sampleSize-1)
		limit.Limit, limit.KeepFrom, whole = sampleSize, 0, false
	case whole:
		limit.KeepFrom, limit.Keep = 0, SmallBlob
	}
	resp := fetch(ctx, r, limit)
	c.Evidence = resp.Trail
	c.Redirect = StripQuery(resp.Redirect)
	c.judge(resp)
	switch n := int64(len(resp.Body)); {
	case !c.Verified: // these bytes are not the content
		c.Offset = 0
	case whole:
		c.Sample = resp.Body[min(c.Offset, n):min(c.Offset+sampleSize, n)]
	default:
		c.Sample = resp.Body
	}
}

// judge decides whether an entitled answer is the content.
func (c *Content) judge(resp Answer) {
	switch {
	case resp.Problem != "":
		c.Problem = resp.Problem
	case resp.Failure != "":
		c.Problem = string(resp.Failure)
	case resp.Status == 206 && c.Kind == Layer && c.Size > SmallBlob && !resp.Truncated && len(resp.Body) == sampleSize &&
		resp.Header.Get("Content-Range") == fmt.Sprintf("bytes %d-%d/%d", c.Offset, c.Offset+sampleSize-1, c.Size):
		c.Verified = true // a large blob: its size and a part of it
	case resp.Status != 200:
		c.Problem = fmt.Sprintf("the registry answered %d%s", resp.Status, code(resp))
	case resp.Truncated:
		c.Problem = fmt.Sprintf("larger than %d MiB, and the registry does not answer a Range", SmallBlob>>20)
	case c.Digest.Hash() == nil:
		c.Problem = fmt.Sprintf("a digest of %s cannot be verified here", c.Digest.Algorithm())
	case c.Digest.Algorithm() == "sha256" && "sha256:"+resp.SHA256 == string(c.Digest):
		c.Verified = true
		c.Size = resp.Size
	case c.Digest.Algorithm() != "sha256" && int64(len(resp.Body)) == resp.Size && c.Digest.Matches(resp.Body):
		c.Verified = true
		c.Size = resp.Size
	default:
		c.Problem = "the bytes do not have the digest"
	}
}

func code(resp Answer) string {
	if e := oci.ParseErrors(resp.Body); len(e) > 0 {
		return " " + evidence.Printable(e[0].Code, 64)
	}
	return ""
}

// Add makes further content known: what is attached to the image.
func (k *Known) Add(c *Content) {
	k.add(c)
	k.mu.Lock()
	defer k.mu.Unlock()
	k.extra = append(k.extra, c)
}

// Find returns the content of this digest, or nil.
func (k *Known) Find(d oci.Digest) *Content {
	k.mu.Lock()
	extra := k.extra
	k.mu.Unlock()
	for _, c := range append(k.All(), extra...) {
		if c.Digest == d {
			return c
		}
	}
	return nil
}

func (k *Known) add(c *Content) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if c.Digest.Algorithm() == "sha256" {
		k.digests[c.Digest.Encoded()] = c
	}
}

// Lookup finds the content whose bytes have this SHA-256, in hex.
func (k *Known) Lookup(sha256 string) *Content {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.digests[sha256]
}

// Names says whether a document names a layer or config of this image that is
// in own: what is shared with others proves nothing.
func (k *Known) Names(d oci.Document, own func(oci.Digest) bool) bool {
	list := slices.Clone(d.Layers)
	if d.Config != nil {
		list = append(list, *d.Config)
	}
	list = append(list, d.Manifests...)
	return slices.ContainsFunc(list, func(l oci.Descriptor) bool {
		return own(l.Digest) && slices.ContainsFunc(k.All(), func(c *Content) bool { return c.Digest == l.Digest })
	})
}

// All lists every piece of the image, the root first.
func (k *Known) All() []*Content {
	out := []*Content{k.Root}
	out = append(out, k.Children...)
	out = append(out, k.Configs...)
	return append(out, k.Layers...)
}

// StripQuery drops query and fragment of a URL.
func StripQuery(u string) string {
	if i := strings.IndexAny(u, "?#"); i >= 0 {
		return u[:i]
	}
	return u
}
