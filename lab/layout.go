// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// layoutRoot is where distribution's tree begins in a storage.
const layoutRoot = "docker/registry/v2"

// layOut writes the content as distribution stores it (storage/paths.go there).
// Pushing it through the API makes the same files, which a test compares, but
// syncs each one to the disk: a second on a busy machine instead of 20 ms.
func layOut(dir string, c *content) error {
	root := filepath.Join(dir, filepath.FromSlash(layoutRoot))
	for _, b := range c.blobs {
		link := filepath.Join(root, "repositories", b.repository, "_layers", byAlgorithm(b.digest), "link")
		if err := store(root, b, link); err != nil {
			return err
		}
	}
	for _, m := range append(c.manifests[:len(c.manifests):len(c.manifests)], c.fallback...) {
		at := filepath.Join(root, "repositories", m.repository, "_manifests")
		links := []string{filepath.Join(at, "revisions", byAlgorithm(m.digest), "link")}
		if m.reference != m.digest {
			tag := filepath.Join(at, "tags", m.reference)
			links = append(links, filepath.Join(tag, "current", "link"), filepath.Join(tag, "index", byAlgorithm(m.digest), "link"))
		}
		if err := store(root, m, links...); err != nil {
			return err
		}
	}
	return nil
}

// store writes an object's bytes and the links to it, which hold its digest.
func store(root string, o object, links ...string) error {
	if err := write(filepath.Join(root, filepath.FromSlash(dataPath(o.digest))), o.data); err != nil {
		return err
	}
	for _, l := range links {
		if err := write(l, []byte(o.digest)); err != nil {
			return err
		}
	}
	return nil
}

// dataPath is where the bytes of a digest are, below root.
func dataPath(digest string) string {
	algorithm, hex, _ := strings.Cut(digest, ":")
	return path.Join("blobs", algorithm, hex[:min(2, len(hex))], hex, "data")
}

func byAlgorithm(digest string) string {
	return strings.Replace(digest, ":", string(filepath.Separator), 1)
}

func write(file string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return err
	}
	return os.WriteFile(file, data, 0o600)
}

// pushManifest is end-7.
func pushManifest(ctx context.Context, h http.Handler, m object) error {
	a, err := call(ctx, h, http.MethodPut, "/v2/"+m.repository+"/manifests/"+m.reference, http.Header{"Content-Type": {m.mediaType}}, m.data)
	if err != nil {
		return err
	}
	if a.status != http.StatusCreated {
		return fmt.Errorf("manifest %s of %s: status %d, want 201: %s", m.reference, m.repository, a.status, a.body.Bytes())
	}
	return nil
}
