// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	crand "crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

const (
	ociManifest    = "application/vnd.oci.image.manifest.v1+json"
	ociIndex       = "application/vnd.oci.image.index.v1+json"
	ociConfig      = "application/vnd.oci.image.config.v1+json"
	ociLayer       = "application/vnd.oci.image.layer.v1.tar+gzip"
	ociEmpty       = "application/vnd.oci.empty.v1+json"
	dockerManifest = "application/vnd.docker.distribution.manifest.v2+json"
	dockerList     = "application/vnd.docker.distribution.manifest.list.v2+json"
	dockerConfig   = "application/vnd.docker.container.image.v1+json"
	dockerLayer    = "application/vnd.docker.image.rootfs.diff.tar.gzip"
	sbomType       = "application/vnd.example.sbom.v1"
	created        = "2026-01-05T09:30:00Z"
)

// builder makes content piece by piece and keeps the first error.
type builder struct {
	content *content
	random  *rand.ChaCha8
	err     error
}

func newBuilder() *builder {
	var seed [32]byte
	_, _ = crand.Read(seed[:]) // documented never to fail
	return &builder{content: &content{}, random: rand.NewChaCha8(seed)}
}

// layer is a gzipped tar that is not in a repository yet.
type layer struct {
	digest, diffID string
	data           []byte
}

// platform is for whom an image is built, and in which of the two formats.
type platform struct{ arch, manifest, config, layer string }

func linux(arch string) platform  { return platform{arch, ociManifest, ociConfig, ociLayer} }
func docker(arch string) platform { return platform{arch, dockerManifest, dockerConfig, dockerLayer} }

func digestOf(data []byte) string {
	sum := sha256.Sum256(data)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// layer makes a tar of three files, one of them size random bytes so that the
// layer cannot be guessed and does not compress away.
func (b *builder) layer(name string, size int) layer {
	noise := make([]byte, size)
	_, _ = b.random.Read(noise)
	stamp, err := time.Parse(time.RFC3339, created)
	b.keep(err)
	var plain bytes.Buffer
	w := tar.NewWriter(&plain)
	for _, f := range []struct {
		name string
		data []byte
	}{
		{"etc/release", []byte("NAME=lab\nBUILD=" + hex.EncodeToString(noise[:8]) + "\n")},
		{"usr/share/doc/copyright", []byte(strings.Repeat("For testing alone.\n", 20))},
		{name, noise},
	} {
		b.keep(w.WriteHeader(&tar.Header{Name: f.name, Mode: 0o644, Size: int64(len(f.data)), ModTime: stamp}))
		_, err := w.Write(f.data)
		b.keep(err)
	}
	b.keep(w.Close())
	var packed bytes.Buffer
	z, err := gzip.NewWriterLevel(&packed, gzip.BestSpeed)
	b.keep(err)
	_, err = z.Write(plain.Bytes())
	b.keep(err)
	b.keep(z.Close())
	return layer{digest: digestOf(packed.Bytes()), diffID: digestOf(plain.Bytes()), data: packed.Bytes()}
}

// child stores one platform's image by digest and says what it holds.
func (b *builder) child(repository string, p platform, layers ...layer) Image {
	c := imageConfig{Created: created, Architecture: p.arch, OS: "linux"}
	c.Config.Env = []string{"PATH=/usr/bin"}
	c.Config.Cmd = []string{"/usr/bin/app"}
	c.RootFS.Type = "layers"
	m := imageManifest{SchemaVersion: 2, MediaType: p.manifest}
	image := Image{Repository: repository, MediaType: p.manifest, Public: strings.HasPrefix(repository, "public/")}
	for n, l := range layers {
		c.RootFS.DiffIDs = append(c.RootFS.DiffIDs, l.diffID)
		c.History = append(c.History, history{Created: created, CreatedBy: "COPY layer " + string(rune('0'+n))})
		m.Layers = append(m.Layers, b.blob(repository, p.layer, l.data))
		image.Layers = append(image.Layers, l.digest)
	}
	m.Config = b.blob(repository, p.config, b.json(c))
	image.Config, image.Configs = m.Config.Digest, []string{m.Config.Digest}
	image.Digest = b.manifest(repository, "", p.manifest, b.json(m)).Digest
	return image
}

// image stores a child and tags it.
func (b *builder) image(repository, tag string, p platform, layers ...layer) {
	i := b.child(repository, p, layers...)
	i.Tag = tag
	last := b.content.manifests[len(b.content.manifests)-1]
	b.manifest(repository, tag, p.manifest, last.data)
	b.content.images = append(b.content.images, i)
}

// index stores an image index over children and tags it.
func (b *builder) index(repository, tag string, children ...Image) {
	i := Image{Repository: repository, Tag: tag, MediaType: ociIndex, Index: true, Config: children[0].Config}
	x := imageIndex{SchemaVersion: 2, MediaType: ociIndex, Manifests: []descriptor{}}
	for n, c := range children {
		d := b.described(c.Digest)
		d.Platform = &target{Architecture: []string{"amd64", "arm64"}[n%2], OS: "linux"}
		x.Manifests = append(x.Manifests, d)
		i.Children = append(i.Children, c.Digest)
		i.Configs = append(i.Configs, c.Config)
		for _, l := range c.Layers {
			if !slices.Contains(i.Layers, l) {
				i.Layers = append(i.Layers, l)
			}
		}
	}
	i.Digest = b.manifest(repository, tag, ociIndex, b.json(x)).Digest
	b.content.images = append(b.content.images, i)
}

func (b *builder) keep(err error) {
	if b.err == nil {
		b.err = err
	}
}

func (b *builder) json(v any) []byte {
	data, err := json.Marshal(v)
	b.keep(err)
	return data
}
