// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"fmt"

	"github.com/regproof/regproof/oci"
)

// Label is the annotation of every manifest that is made in a sandbox: it says
// who made it and that it may go.
const Label = "io.regproof.sandbox"

// Doc is a manifest that is made in the sandbox.
type Doc struct {
	MediaType string
	Digest    oci.Digest
	Body      []byte
}

type blobOf struct {
	oci.Descriptor
	body []byte
}

// imageBase are the config and the one layer that the images of a run share.
type imageBase struct{ config, layer blobOf }

// newImageBase makes the blobs of a run: a layer of one small file, unlike that
// of any other run.
func newImageBase(run string) imageBase {
	text := []byte(fmt.Sprintf("Made by regproof in its sandbox (run %s). It may be deleted.\n%s\n", run, hexRandom(64)))
	var plain, packed bytes.Buffer
	w := tar.NewWriter(&plain)
	_ = w.WriteHeader(&tar.Header{Name: "regproof.txt", Mode: 0o444, Size: int64(len(text)), Format: tar.FormatUSTAR}) // into memory
	_, _ = w.Write(text)
	_ = w.Close()
	z := gzip.NewWriter(&packed)
	_, _ = z.Write(plain.Bytes())
	_ = z.Close()
	config := mustJSON(map[string]any{
		"architecture": "amd64", "os": "linux", "config": map[string]any{"Labels": map[string]string{Label: run}},
		"rootfs": map[string]any{"type": "layers", "diff_ids": []oci.Digest{oci.SHA256(plain.Bytes())}},
	})
	return imageBase{
		config: newBlob("application/vnd.oci.image.config.v1+json", config),
		layer:  newBlob("application/vnd.oci.image.layer.v1.tar+gzip", packed.Bytes()),
	}
}

func newBlob(mediaType string, body []byte) blobOf {
	return blobOf{oci.Descriptor{MediaType: mediaType, Digest: oci.SHA256(body), Size: int64(len(body))}, body}
}

// Document makes a manifest of fields, labelled and unlike any other.
func (s *Sandbox) Document(mediaType string, fields map[string]any) Doc {
	all := map[string]any{"schemaVersion": 2, "mediaType": mediaType, "annotations": s.labels()}
	for k, v := range fields {
		all[k] = v
	}
	body := mustJSON(all)
	return Doc{MediaType: mediaType, Digest: oci.SHA256(body), Body: body}
}

func (s *Sandbox) labels() map[string]string {
	return map[string]string{Label: s.box.run.opts.ID + " " + hexRandom(8)}
}

// Config and Layer describe the blobs that are there already.
func (s *Sandbox) Config() oci.Descriptor { return s.box.base.config.Descriptor }

// Layer is the one layer of the images.
func (s *Sandbox) Layer() oci.Descriptor { return s.box.base.layer.Descriptor }

// Image is the manifest of an image whose blobs are there, unlike any other.
func (s *Sandbox) Image() Doc {
	return s.Document(oci.MediaImageManifest, map[string]any{"config": s.Config(), "layers": []oci.Descriptor{s.Layer()}})
}

// Docker is the same image as docker writes it (image manifest V2, schema 2).
func (s *Sandbox) Docker() Doc {
	config, layer := s.Config(), s.Layer()
	config.MediaType = "application/vnd.docker.container.image.v1+json"
	layer.MediaType = "application/vnd.docker.image.rootfs.diff.tar.gzip"
	return s.Document(oci.MediaDockerManifest, map[string]any{"config": config, "layers": []oci.Descriptor{layer}})
}

// Index lists one manifest.
func (s *Sandbox) Index(mediaType string, child Doc) Doc {
	return s.Document(mediaType, map[string]any{"manifests": []oci.Descriptor{Describe(child)}})
}

// Describe is the descriptor of a manifest, for an index.
func Describe(d Doc) oci.Descriptor {
	return oci.Descriptor{MediaType: d.MediaType, Digest: d.Digest, Size: int64(len(d.Body)), Platform: &oci.Platform{OS: "linux", Architecture: "amd64"}}
}

// Own is an image that shares nothing with others, and its config and layer.
func (s *Sandbox) Own() (d Doc, config, layer []byte) {
	b := newImageBase(s.box.run.opts.ID)
	d = s.Document(oci.MediaImageManifest, map[string]any{"config": b.config.Descriptor, "layers": []oci.Descriptor{b.layer.Descriptor}})
	return d, b.config.body, b.layer.body
}
