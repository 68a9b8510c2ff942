// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"bytes"
	"context"
	"io"
	"log"
	"net/http"
	"strings"
	"sync"

	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// newReferrers makes the second registry: in memory, with the referrers API,
// holding the same images (but no fallback tags: it needs none).
func newReferrers(ctx context.Context, c *content) (http.Handler, error) {
	blobs := &repositoryBlobs{data: map[[2]string][]byte{}}
	for _, b := range c.blobs {
		blobs.data[[2]string{b.repository, b.digest}] = b.data
	}
	h := registry.New(
		registry.Logger(log.New(io.Discard, "", 0)),
		registry.WithReferrersSupport(true),
		registry.WithBlobHandler(blobs),
	)
	for _, m := range c.manifests {
		if err := pushManifest(ctx, h, m); err != nil {
			return nil, err
		}
	}
	return h, nil
}

// basicGuard stands in front of a registry that has no guard of its own, and
// answers as one would. That registry looks for its words anywhere in a path:
// what is not below /v2/ must not reach it.
func (k *keys) basicGuard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !isAPI(r) {
			http.NotFound(w, r)
			return
		}
		if !k.entitled(r) {
			w.Header().Set("WWW-Authenticate", `Basic realm="`+realmName+`"`)
			w.Header().Set("Docker-Distribution-Api-Version", "registry/2.0")
			deny(w, r, http.StatusUnauthorized, "UNAUTHORIZED", "authentication required")
			return
		}
		next.ServeHTTP(w, r)
	})
}

// repositoryBlobs keeps each repository's blobs apart. The registry's own store
// does not, so any repository would serve any blob and a sound registry of that
// kind would fail a cross-repository probe.
type repositoryBlobs struct {
	mu   sync.RWMutex
	data map[[2]string][]byte
}

func (s *repositoryBlobs) find(repository string, h v1.Hash) ([]byte, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	data, ok := s.data[[2]string{clip(repository), h.String()}]
	if !ok {
		return nil, registry.ErrNotFound
	}
	return data, nil
}

// clip undoes what the registry puts behind the name when an upload is closed:
// the handler sees "name/blobs" there.
func clip(repository string) string { return strings.TrimSuffix(repository, "/blobs") }

// Stat implements registry.BlobStatHandler.
func (s *repositoryBlobs) Stat(_ context.Context, repository string, h v1.Hash) (int64, error) {
	data, err := s.find(repository, h)
	return int64(len(data)), err
}

// Get implements registry.BlobHandler. The reader can be read at an offset, or
// the registry would not check a Range against the blob's end.
func (s *repositoryBlobs) Get(_ context.Context, repository string, h v1.Hash) (io.ReadCloser, error) {
	data, err := s.find(repository, h)
	if err != nil {
		return nil, err
	}
	return readAtCloser{bytes.NewReader(data)}, nil
}

// Put implements registry.BlobPutHandler; the reader verifies the digest.
func (s *repositoryBlobs) Put(_ context.Context, repository string, h v1.Hash, r io.ReadCloser) error {
	defer r.Close()
	data, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.data[[2]string{clip(repository), h.String()}] = data
	return nil
}

// Delete implements registry.BlobDeleteHandler.
func (s *repositoryBlobs) Delete(_ context.Context, repository string, h v1.Hash) error {
	if _, err := s.find(repository, h); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.data, [2]string{clip(repository), h.String()})
	return nil
}

type readAtCloser struct{ *bytes.Reader }

func (readAtCloser) Close() error { return nil }
