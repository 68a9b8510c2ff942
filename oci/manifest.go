// SPDX-License-Identifier: Apache-2.0

package oci

import (
	"encoding/json"
	"fmt"
	"mime"
)

// Descriptor points at content (image-spec descriptor.md). Size is in bytes.
type Descriptor struct {
	MediaType    string    `json:"mediaType"`
	Digest       Digest    `json:"digest"`
	Size         int64     `json:"size"`
	ArtifactType string    `json:"artifactType,omitempty"`
	Platform     *Platform `json:"platform,omitempty"`
	URLs         []string  `json:"urls,omitempty"` // where else the content is said to be
}

// Platform says what an index child runs on.
type Platform struct {
	OS           string `json:"os"`
	Architecture string `json:"architecture"`
	Variant      string `json:"variant,omitempty"`
}

// Document is a manifest or an index, whichever it is.
type Document struct {
	SchemaVersion int          `json:"schemaVersion"`
	MediaType     string       `json:"mediaType"`
	ArtifactType  string       `json:"artifactType"`
	Config        *Descriptor  `json:"config"`
	Layers        []Descriptor `json:"layers"`
	Manifests     []Descriptor `json:"manifests"`
	Subject       *Descriptor  `json:"subject"`
	FSLayers      []struct {
		BlobSum Digest `json:"blobSum"`
	} `json:"fsLayers"` // schema 1
}

// maxDescriptors bounds what one document may point at.
const maxDescriptors = 10_000

// ParseDocument reads a manifest or an index. Every digest in it is checked;
// a document that points nowhere, or names a malformed digest, is an error.
func ParseDocument(body []byte) (Document, error) {
	var d Document
	if err := json.Unmarshal(body, &d); err != nil {
		return Document{}, fmt.Errorf("not a manifest: %w", err)
	}
	for _, l := range d.FSLayers {
		d.Layers = append(d.Layers, Descriptor{Digest: l.BlobSum, Size: -1})
	}
	all := append(append([]Descriptor{}, d.Layers...), d.Manifests...)
	if d.Config != nil {
		all = append(all, *d.Config)
	}
	if d.Subject != nil {
		all = append(all, *d.Subject)
	}
	if len(all) > maxDescriptors {
		return Document{}, fmt.Errorf("a manifest of %d descriptors, at most %d are read", len(all), maxDescriptors)
	}
	for _, c := range all {
		if _, err := ParseDigest(string(c.Digest)); err != nil {
			return Document{}, fmt.Errorf("a descriptor in the manifest: %w", err)
		}
	}
	switch {
	case d.SchemaVersion != 1 && d.SchemaVersion != 2:
		return Document{}, fmt.Errorf("not a manifest: schemaVersion is %d, expected 1 or 2", d.SchemaVersion)
	case d.Config == nil && d.Manifests == nil && d.Layers == nil:
		return Document{}, fmt.Errorf("not a manifest: no config, layers or manifests")
	}
	return d, nil
}

// Index says whether the document lists other manifests.
func (d Document) Index() bool { return d.Config == nil && d.Manifests != nil }

// Type is the document's own media type, or what a server said of it.
func (d Document) Type(contentType string) string {
	if d.MediaType != "" {
		return d.MediaType
	}
	if t, _, err := mime.ParseMediaType(contentType); err == nil {
		return t
	}
	if d.Index() {
		return MediaImageIndex
	}
	return MediaImageManifest
}
