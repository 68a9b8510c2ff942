// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"context"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestLayout pushes the content through distribution's own API and compares:
// the same files with the same bytes, and nothing that it would refuse.
func TestLayout(t *testing.T) {
	c, err := buildContent()
	if err != nil {
		t.Fatal(err)
	}
	pushed, written := t.TempDir(), t.TempDir()
	a, err := newApp(t.Context(), pushed, "secret", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := a.close(); err != nil {
			t.Error(err)
		}
	}()
	for _, b := range c.blobs {
		pushBlob(t.Context(), t, a, b)
	}
	for _, m := range append(c.manifests, c.fallback...) {
		if err := pushManifest(t.Context(), a, m); err != nil {
			t.Fatal(err)
		}
	}
	if err := layOut(written, c); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(files(t, pushed), files(t, written)); diff != "" {
		t.Errorf("pushed (-), written (+): %s", diff)
	}
}

// pushBlob is the monolithic upload: POST (end-4a), then PUT (end-6).
func pushBlob(ctx context.Context, t *testing.T, h http.Handler, b object) {
	t.Helper()
	start, err := call(ctx, h, http.MethodPost, "/v2/"+b.repository+"/blobs/uploads/", nil, nil)
	if err != nil || start.status != http.StatusAccepted {
		t.Fatalf("start: %d %v", start.status, err)
	}
	at, err := url.Parse(start.header.Get("Location"))
	if err != nil {
		t.Fatal(err)
	}
	q := at.Query()
	q.Set("digest", b.digest)
	at.RawQuery = q.Encode()
	end, err := call(ctx, h, http.MethodPut, at.RequestURI(), http.Header{"Content-Type": {"application/octet-stream"}}, b.data)
	if err != nil || end.status != http.StatusCreated {
		t.Fatalf("end: %d %v", end.status, err)
	}
}

// files is the digest of each file below dir.
func files(t *testing.T, dir string) map[string]string {
	t.Helper()
	root, found := os.DirFS(dir), map[string]string{}
	err := fs.WalkDir(root, ".", func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		data, err := fs.ReadFile(root, path)
		found[path] = digestOf(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}
