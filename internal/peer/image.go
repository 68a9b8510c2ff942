// SPDX-License-Identifier: Apache-2.0

package peer

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Image is an OCI layout on disk: an index of two platforms, each with a
// config and layers of its own, unlike any other.
type Image struct {
	Dir    string // the layout
	Tag    string // its name in the layout
	Digest string // of the index
}

type descriptor struct {
	MediaType   string            `json:"mediaType"`
	Digest      string            `json:"digest"`
	Size        int               `json:"size"`
	Platform    map[string]string `json:"platform,omitempty"`
	Annotations map[string]string `json:"annotations,omitempty"`
}

const (
	typeIndex    = "application/vnd.oci.image.index.v1+json"
	typeManifest = "application/vnd.oci.image.manifest.v1+json"
	typeConfig   = "application/vnd.oci.image.config.v1+json"
	typeLayer    = "application/vnd.oci.image.layer.v1.tar+gzip"
)

// NewImage makes an image for two platforms with two layers each.
func NewImage(tb testing.TB, tag string) Image {
	tb.Helper()
	l := layout{tb: tb, dir: tb.TempDir()}
	var children []descriptor
	for _, arch := range []string{"amd64", "arm64"} {
		children = append(children, l.platform(arch))
	}
	index := l.json(typeIndex, map[string]any{"schemaVersion": 2, "mediaType": typeIndex, "manifests": children})
	digest := index.Digest
	index.Annotations = map[string]string{"org.opencontainers.image.ref.name": tag}
	l.file("oci-layout", []byte(`{"imageLayoutVersion":"1.0.0"}`))
	top, _ := json.Marshal(map[string]any{"schemaVersion": 2, "manifests": []descriptor{index}})
	l.file("index.json", top)
	return Image{Dir: l.dir, Tag: tag, Digest: digest}
}

// Push copies the image by skopeo; creds is "user:password" or "".
func (i Image) Push(tb testing.TB, name, creds string) {
	tb.Helper()
	Need(tb, Skopeo)
	args := []string{"--insecure-policy", "copy", "-q", "--all", "--dest-tls-verify=false"}
	if creds != "" {
		args = append(args, "--dest-creds", creds)
	}
	cmd := exec.Command(Find(Skopeo), append(args, "oci:"+i.Dir+":"+i.Tag, "docker://"+name)...)
	home := tb.TempDir()
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + home, "XDG_RUNTIME_DIR=" + home}
	if out, err := cmd.CombinedOutput(); err != nil {
		tb.Fatalf("skopeo copy to %s: %v: %s", name, err, out)
	}
}

// layout writes blobs by their digest.
type layout struct {
	tb  testing.TB
	dir string
}

func (l layout) platform(arch string) descriptor {
	layers := []descriptor{l.layer(arch + "/bin"), l.layer(arch + "/lib")}
	var diffs []string
	for i := range layers {
		diffs = append(diffs, layers[i].Annotations["diff"])
		layers[i].Annotations = nil
	}
	config := l.json(typeConfig, map[string]any{
		"architecture": arch, "os": "linux",
		"config": map[string]any{"Env": []string{"TOKEN=" + fmt.Sprintf("%x", random(16))}},
		"rootfs": map[string]any{"type": "layers", "diff_ids": diffs},
	})
	m := l.json(typeManifest, map[string]any{"schemaVersion": 2, "mediaType": typeManifest, "config": config, "layers": layers})
	m.Platform = map[string]string{"architecture": arch, "os": "linux"}
	return m
}

// layer is a tar of one file that does not compress.
func (l layout) layer(name string) descriptor {
	data := random(64 << 10)
	var plain bytes.Buffer
	w := tar.NewWriter(&plain)
	err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o755, Size: int64(len(data))})
	if err == nil {
		_, err = w.Write(data)
	}
	if err == nil {
		err = w.Close()
	}
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	if err == nil {
		_, err = z.Write(plain.Bytes())
	}
	if err == nil {
		err = z.Close()
	}
	if err != nil {
		l.tb.Fatal(err)
	}
	d := l.blob(typeLayer, packed.Bytes())
	d.Annotations = map[string]string{"diff": digest(plain.Bytes())}
	return d
}

func (l layout) json(mediaType string, v any) descriptor {
	b, err := json.Marshal(v)
	if err != nil {
		l.tb.Fatal(err)
	}
	return l.blob(mediaType, b)
}

func (l layout) blob(mediaType string, b []byte) descriptor {
	d := digest(b)
	l.file(filepath.Join("blobs", "sha256", d[len("sha256:"):]), b)
	return descriptor{MediaType: mediaType, Digest: d, Size: len(b)}
}

func (l layout) file(name string, b []byte) {
	path := filepath.Join(l.dir, name)
	err := os.MkdirAll(filepath.Dir(path), 0o755)
	if err == nil {
		err = os.WriteFile(path, b, 0o644)
	}
	if err != nil {
		l.tb.Fatal(err)
	}
}

func digest(b []byte) string { return fmt.Sprintf("sha256:%x", sha256.Sum256(b)) }

func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails (crypto/rand)
	return b
}
