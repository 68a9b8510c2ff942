// SPDX-License-Identifier: Apache-2.0

package lab

import "slices"

// Image is one tag of the store and everything it names. Digests are
// "sha256:" and 64 hexadecimal digits, always of the stored bytes.
type Image struct {
	Repository, Tag string
	Digest          string // of the manifest or index that the tag names
	MediaType       string // of the same
	Index           bool
	Children        []string // an index's manifests, in its order
	Layers          []string // every layer, of all children, each once
	Base            []string // the layers that the public repository holds too
	Private         []string // the layers that no other repository holds
	Config          string   // the image's config; of an index, the first child's
	Configs         []string // every config
	Referrers       []string // artifacts whose subject is Digest
	ReferrersTag    string   // the fallback tag listing them, "" without any
	Public          bool     // with token auth, anonymous may pull it
}

// Reference is the image as a client would name it, without a host.
func (i Image) Reference() string { return i.Repository + ":" + i.Tag }

// object is one thing to store: a blob, or a manifest under a reference.
type object struct {
	repository, reference string // reference is the digest unless it is tagged
	mediaType, digest     string
	data                  []byte
}

// content is all that goes into a store, in an order that a registry accepts:
// what is named comes before what names it.
type content struct {
	images    []Image
	blobs     []object
	manifests []object
	fallback  []object // only for a registry without a referrers API
}

// buildContent makes the images. Layers are random per call, so two labs never
// share a digest and a leak cannot be mistaken for a well-known blob.
func buildContent() (*content, error) {
	b := newBuilder()
	shared := b.layer("usr/lib/libbase.so", 96<<10)

	b.image("public/base", "1.0", linux("amd64"), shared, b.layer("etc/issue", 2<<10))
	amd := b.child("team-a/app", linux("amd64"), shared, b.layer("usr/bin/app", 160<<10), b.layer("srv/static.bin", 80<<10))
	arm := b.child("team-a/app", linux("arm64"), shared, b.layer("usr/bin/app", 150<<10), b.layer("srv/static.bin", 80<<10))
	b.index("team-a/app", "1.4", amd, arm)
	b.artifact("team-a/app", "1.4")
	b.image("team-a/app", "1.3", linux("amd64"), shared, b.layer("usr/bin/app", 140<<10), b.layer("srv/static.bin", 70<<10))
	b.image("team-b/tool", "2.0", docker("amd64"), b.layer("usr/bin/tool", 120<<10), b.layer("etc/tool.conf", 3<<10))

	b.settle()
	return b.content, b.err
}

// settle works out what only the whole shows: which layers are shared.
func (b *builder) settle() {
	var public []string
	for _, i := range b.content.images {
		if i.Public {
			public = append(public, i.Layers...)
		}
	}
	for n := range b.content.images {
		i := &b.content.images[n]
		for _, l := range i.Layers {
			if slices.Contains(public, l) {
				i.Base = append(i.Base, l)
			} else {
				i.Private = append(i.Private, l)
			}
		}
	}
}
