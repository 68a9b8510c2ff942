// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"slices"

	"github.com/regproof/regproof/image"
	"github.com/regproof/regproof/oci"
)

// ForeignLayer is a layer of a known image that its manifest says is at a URL.
type ForeignLayer struct {
	Repository, Reference string
	Layer                 oci.Digest
	URL                   string
	Evidence              []string // in which the image was read
}

// foreign keeps the layers of an image that are said to be elsewhere.
func (s *seen) foreign(k *image.Known) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range k.Layers {
		if len(l.URLs) == 0 || len(s.elsewhere) >= maxSeen || slices.ContainsFunc(s.elsewhere, func(e ForeignLayer) bool { return e.Layer == l.Digest && e.Repository == k.Repository }) {
			continue
		}
		evidence := slices.Clone(k.Root.Evidence)
		for _, c := range k.Children {
			evidence = append(evidence, c.Evidence...)
		}
		s.elsewhere = append(s.elsewhere, ForeignLayer{Repository: k.Repository, Reference: k.Reference, Layer: l.Digest, URL: l.URLs[0], Evidence: evidence})
	}
}

// ForeignLayers are the layers at foreign URLs of the images that this run has read.
func (t *Trial) ForeignLayers() []ForeignLayer {
	s := t.door.target.seen
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.elsewhere)
}
