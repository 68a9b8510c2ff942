// SPDX-License-Identifier: Apache-2.0

package oci

// Media types of manifests and configs (image-spec media-types.md; Docker
// image manifest V2 schema 2 and schema 1).
const (
	MediaImageManifest   = "application/vnd.oci.image.manifest.v1+json"
	MediaImageIndex      = "application/vnd.oci.image.index.v1+json"
	MediaDockerManifest  = "application/vnd.docker.distribution.manifest.v2+json"
	MediaDockerList      = "application/vnd.docker.distribution.manifest.list.v2+json"
	MediaDockerSchema1   = "application/vnd.docker.distribution.manifest.v1+json"
	MediaDockerSchema1JW = "application/vnd.docker.distribution.manifest.v1+prettyjws"
)

// EmptyConfig is the digest of {}, the config of artifacts (image-spec
// manifest.md). Everybody knows its bytes, so it proves nothing.
const EmptyConfig Digest = "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"

// wellKnown are blobs that any registry may hold: reading one leaks nothing.
var wellKnown = map[Digest]bool{
	EmptyConfig: true,
	// an empty tar (1,024 NUL bytes), plain and as gzipped by docker and by Go
	"sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef": true,
	"sha256:a3ed95caeb02ffe68cdd9fd84406680ae93d633cb16422d00e8a7c22955b46d4": true,
	"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855": true, // no bytes at all
}

// WellKnown says whether d is content that anybody has, such as the empty
// config.
func WellKnown(d Digest) bool { return wellKnown[d] }

// AcceptManifests lists every manifest media type a client may ask for, the
// most general last. It is always sent: without it distribution answers a
// misleading 404.
func AcceptManifests() []string {
	return []string{
		MediaImageIndex, MediaImageManifest, MediaDockerList, MediaDockerManifest,
		MediaDockerSchema1JW, MediaDockerSchema1, "*/*;q=0.1",
	}
}

// AcceptEach lists the Accept values that are tried one at a time. The empty
// string stands for no Accept header.
func AcceptEach() []string {
	return []string{
		MediaImageManifest, MediaImageIndex, MediaDockerManifest, MediaDockerList,
		MediaDockerSchema1, MediaDockerSchema1JW,
		"application/vnd.oci.artifact.manifest.v1+json", "application/json", "*/*", "",
	}
}
