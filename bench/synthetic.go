// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
)

// The one entitled user of the synthetic registry, and the tag of its images. It holds nothing that is worth a secret.
const (
	syntheticUser     = "ci"
	syntheticPassword = "bench"
	syntheticTag      = "1.0"
	statsPath         = "/bench/requests"
)

// repository names the i-th repository.
func repository(i int) string { return fmt.Sprintf("team-%02d/app-%04d", i/50, i) }

// synthetic is a sound registry of many small images behind Basic authentication, with next to no cost of its own:
// every answer was made before.
type synthetic struct {
	grant    string
	answers  map[string]reply
	requests atomic.Int64
}

type reply struct{ mediaType, digest, body string }

// newSynthetic makes n repositories of one image each, the same in every process.
func newSynthetic(n int) *synthetic {
	s := &synthetic{
		grant:   "Basic " + base64.StdEncoding.EncodeToString([]byte(syntheticUser+":"+syntheticPassword)),
		answers: map[string]reply{"/v2/": {mediaType: "application/json", body: "{}"}},
	}
	var names []string
	for i := range n {
		names = append(names, repository(i))
		s.image(repository(i), uint64(i))
	}
	catalog, _ := json.Marshal(map[string]any{"repositories": names[:min(n, 100)]})
	s.answers["/v2/_catalog"] = reply{mediaType: "application/json", body: string(catalog)}
	return s
}

// image makes a config, a layer of 4 KiB and a manifest.
func (s *synthetic) image(name string, seed uint64) {
	random := rand.New(rand.NewPCG(seed, 1))
	data := make([]byte, 4<<10)
	for i := range data {
		data[i] = byte(random.Uint32())
	}
	var layer bytes.Buffer
	z, _ := gzip.NewWriterLevel(&layer, gzip.NoCompression)
	_, _ = z.Write(data)
	_ = z.Close()
	put := func(kind, mediaType, body string) map[string]any {
		digest := fmt.Sprintf("sha256:%x", sha256.Sum256([]byte(body)))
		s.answers["/v2/"+name+"/"+kind+"/"+digest] = reply{mediaType, digest, body}
		return map[string]any{"mediaType": mediaType, "digest": digest, "size": len(body)}
	}
	const manifestType = "application/vnd.oci.image.manifest.v1+json"
	manifest, _ := json.Marshal(map[string]any{
		"schemaVersion": 2, "mediaType": manifestType,
		"config": put("blobs", "application/vnd.oci.image.config.v1+json", fmt.Sprintf(`{"architecture":"amd64","os":"linux","config":{"Env":["APP=%s"]}}`, name)),
		"layers": []any{put("blobs", "application/vnd.oci.image.layer.v1.tar+gzip", layer.String())},
	})
	d := put("manifests", manifestType, string(manifest))
	s.answers["/v2/"+name+"/manifests/"+syntheticTag] = reply{manifestType, d["digest"].(string), string(manifest)}
	s.answers["/v2/"+name+"/tags/list"] = reply{mediaType: "application/json", body: fmt.Sprintf(`{"name":%q,"tags":[%q]}`, name, syntheticTag)}
}

// ServeHTTP implements http.Handler.
func (s *synthetic) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == statsPath {
		fmt.Fprint(w, s.requests.Load())
		return
	}
	s.requests.Add(1)
	h := w.Header()
	h.Set("Docker-Distribution-Api-Version", "registry/2.0")
	switch a, ok := s.answers[r.URL.Path]; {
	case !strings.HasPrefix(r.URL.Path, "/v2/"):
		http.NotFound(w, r)
	case r.Header.Get("Authorization") != s.grant:
		h.Set("Www-Authenticate", `Basic realm="bench"`)
		fail(w, r, http.StatusUnauthorized, `{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}`)
	case !ok:
		fail(w, r, http.StatusNotFound, `{"errors":[{"code":"NOT_FOUND","message":"not found"}]}`)
	default:
		if a.digest != "" {
			h.Set("Docker-Content-Digest", a.digest)
		}
		answer(w, r, http.StatusOK, a.mediaType, a.body)
	}
}

func fail(w http.ResponseWriter, r *http.Request, status int, body string) {
	answer(w, r, status, "application/json", body)
}

func answer(w http.ResponseWriter, r *http.Request, status int, mediaType, body string) {
	w.Header().Set("Content-Type", mediaType)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = w.Write([]byte(body))
	}
}
