// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"encoding/hex"
	"strings"
)

// The shapes of the image-spec, as far as the lab writes them.
type (
	descriptor struct {
		MediaType    string            `json:"mediaType"`
		Digest       string            `json:"digest"`
		Size         int64             `json:"size"`
		ArtifactType string            `json:"artifactType,omitempty"`
		Platform     *target           `json:"platform,omitempty"`
		Annotations  map[string]string `json:"annotations,omitempty"`
	}
	target struct {
		Architecture string `json:"architecture"`
		OS           string `json:"os"`
	}
	imageManifest struct {
		SchemaVersion int               `json:"schemaVersion"`
		MediaType     string            `json:"mediaType"`
		ArtifactType  string            `json:"artifactType,omitempty"`
		Config        descriptor        `json:"config"`
		Layers        []descriptor      `json:"layers"`
		Subject       *descriptor       `json:"subject,omitempty"`
		Annotations   map[string]string `json:"annotations,omitempty"`
	}
	imageIndex struct {
		SchemaVersion int          `json:"schemaVersion"`
		MediaType     string       `json:"mediaType"`
		Manifests     []descriptor `json:"manifests"`
	}
	imageConfig struct {
		Created      string `json:"created"`
		Architecture string `json:"architecture"`
		OS           string `json:"os"`
		Config       struct {
			Env []string `json:"Env"`
			Cmd []string `json:"Cmd"`
		} `json:"config"`
		RootFS struct {
			Type    string   `json:"type"`
			DiffIDs []string `json:"diff_ids"`
		} `json:"rootfs"`
		History []history `json:"history"`
	}
	history struct {
		Created   string `json:"created"`
		CreatedBy string `json:"created_by"`
	}
)

// blob adds a blob to a repository and describes it.
func (b *builder) blob(repository, mediaType string, data []byte) descriptor {
	o := object{repository: repository, mediaType: mediaType, digest: digestOf(data), data: data}
	o.reference = o.digest
	b.content.blobs = append(b.content.blobs, o)
	return descriptor{MediaType: mediaType, Digest: o.digest, Size: int64(len(data))}
}

// manifest adds a manifest under a tag, or under its digest when tag is empty.
func (b *builder) manifest(repository, tag, mediaType string, data []byte) descriptor {
	o := object{repository: repository, reference: tag, mediaType: mediaType, digest: digestOf(data), data: data}
	if tag == "" {
		o.reference = o.digest
	}
	b.content.manifests = append(b.content.manifests, o)
	return descriptor{MediaType: mediaType, Digest: o.digest, Size: int64(len(data))}
}

// described is the descriptor of a manifest that was added before.
func (b *builder) described(digest string) descriptor {
	for _, o := range b.content.manifests {
		if o.digest == digest {
			return descriptor{MediaType: o.mediaType, Digest: digest, Size: int64(len(o.data))}
		}
	}
	return descriptor{Digest: digest}
}

// artifact attaches a bill of materials to a tagged image: by its subject for a
// registry with the referrers API, by the fallback tag (distribution-spec,
// "Unavailable Referrers API") for one without.
func (b *builder) artifact(repository, tag string) {
	for n := range b.content.images {
		i := &b.content.images[n]
		if i.Repository != repository || i.Tag != tag {
			continue
		}
		nonce := make([]byte, 16)
		_, _ = b.random.Read(nonce)
		subject := b.described(i.Digest)
		d := b.manifest(repository, "", ociManifest, b.json(imageManifest{
			SchemaVersion: 2, MediaType: ociManifest, ArtifactType: sbomType,
			Config:      b.blob(repository, ociEmpty, []byte("{}")),
			Layers:      []descriptor{b.blob(repository, sbomType, b.json(map[string]string{"name": "app", "serial": hex.EncodeToString(nonce)}))},
			Subject:     &subject,
			Annotations: map[string]string{"org.opencontainers.image.created": created},
		}))
		d.ArtifactType = sbomType
		i.Referrers = append(i.Referrers, d.Digest)
		i.ReferrersTag = strings.Replace(i.Digest, ":", "-", 1)
		list := b.json(imageIndex{SchemaVersion: 2, MediaType: ociIndex, Manifests: []descriptor{d}})
		b.content.fallback = append(b.content.fallback, object{
			repository: repository, reference: i.ReferrersTag, mediaType: ociIndex, digest: digestOf(list), data: list,
		})
	}
}
