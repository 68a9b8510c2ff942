// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"bytes"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/regproof/regproof/oci"
	"github.com/regproof/regproof/wire"
)

// inSandbox is what a path has after the sandbox, for a run that may write there.
func (r *run) inSandbox(path, prefix string) (string, bool) {
	if !r.allows(SandboxWrite) {
		return "", false
	}
	return strings.CutPrefix(path, "/v2/"+prefix+r.opts.Sandbox+"/")
}

// simulatedBox is the sandbox of a registry that holds every control: tags are
// immutable, and what is malformed is refused.
type simulatedBox struct {
	mu      sync.Mutex
	uploads int
	stored  map[string]doc        // manifests/REFERENCE, blobs/DIGEST
	sent    map[string][]byte     // the first part of uploads, by path
	tagged  map[oci.Digest]string // a tag of each manifest that has one
}

func (s *simulatedBox) answer(rest string, req wire.Request, resp wire.Response) wire.Response {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stored == nil {
		s.stored, s.tagged = map[string]doc{}, map[oci.Digest]string{}
	}
	route, last, _ := strings.Cut(rest, "/")
	if plain, err := url.PathUnescape(last); err == nil {
		last = plain
	}
	resp.Header = nil
	switch {
	case req.Method == http.MethodPost:
		s.uploads++
		resp.Status = http.StatusAccepted
		place, _, _ := strings.Cut(req.Target, "?")
		resp.Header = wire.Header{{"Location", fmt.Sprintf("%sregproof-%d", place, s.uploads)}}
	case strings.HasPrefix(rest, "blobs/uploads/") && req.Method == http.MethodPatch:
		if s.sent == nil {
			s.sent = map[string][]byte{}
		}
		s.sent[rest] = req.Body
		resp.Status, resp.Header = http.StatusAccepted, wire.Header{{"Location", req.Target}}
	case strings.HasPrefix(rest, "blobs/uploads/"):
		req.Body = slices.Concat(s.sent[rest], req.Body)
		resp.Status = s.finish(req)
	case req.Method == http.MethodPut:
		resp.Status = s.put(last, req)
	case req.Method == http.MethodDelete:
		resp.Status = s.remove(route, last)
	default:
		d, ok := s.stored[route+"/"+last]
		resp.Status = http.StatusNotFound
		if ok {
			resp.Status, resp.Body, resp.Size, resp.SHA256 = http.StatusOK, d.body, int64(len(d.body)), oci.SHA256(d.body).Encoded()
			resp.Header = wire.Header{{"Content-Type", d.mediaType}}
		}
	}
	return resp
}

func (s *simulatedBox) finish(req wire.Request) int {
	_, query, _ := strings.Cut(req.Target, "?")
	q, _ := url.ParseQuery(query)
	digest := oci.SHA256(req.Body)
	switch {
	case req.Method == http.MethodDelete:
		return http.StatusNoContent
	case q.Get("digest") != string(digest):
		return http.StatusBadRequest
	}
	s.stored["blobs/"+string(digest)] = doc{req.Body, "application/octet-stream"}
	return http.StatusCreated
}

func (s *simulatedBox) put(reference string, req wire.Request) int {
	has := func(key string) bool { return bytes.Contains(req.Body, []byte(`"`+key+`":`)) }
	mediaType := wire.Header(req.Header).Get("Content-Type")
	digest := oci.SHA256(req.Body)
	index := mediaType == oci.MediaImageIndex || mediaType == oci.MediaDockerList
	switch {
	case has("urls") || has("manifests") != index || has("layers") == index || !bytes.Contains(req.Body, []byte(`"mediaType":"`+mediaType+`"`)),
		isDigest(reference) && reference != string(digest):
		return http.StatusBadRequest
	}
	if was, ok := s.stored["manifests/"+reference]; ok && oci.SHA256(was.body) != digest {
		return http.StatusConflict
	}
	if !isDigest(reference) {
		s.tagged[digest] = reference
	}
	d := doc{req.Body, mediaType}
	s.stored["manifests/"+reference], s.stored["manifests/"+string(digest)] = d, d
	return http.StatusCreated
}

func (s *simulatedBox) remove(route, reference string) int {
	if _, ok := s.stored[route+"/"+reference]; !ok {
		return http.StatusNotFound
	}
	if route == "manifests" && (!isDigest(reference) || s.tagged[oci.Digest(reference)] != "") {
		return http.StatusConflict
	}
	delete(s.stored, route+"/"+reference)
	return http.StatusAccepted
}
