// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/regproof/regproof/access"
	"github.com/regproof/regproof/evidence"
	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/oci"
	"github.com/regproof/regproof/wire"
)

// Shape is what a plan assumes of every image, since it sends nothing to find
// out.
type Shape struct {
	Platforms int // manifests of the index; 0 is a single image
	Layers    int // different layers in all
	Attached  bool
}

// DefaultShape is an index of two platforms whose images share a base layer.
var DefaultShape = Shape{Platforms: 2, Layers: 5}

// Planned is a number of requests of one kind.
type Planned struct {
	Method, Origin, Identity string
	Effect                   Effect
	Requests                 int
	Watching                 int // of Requests: sentinels, which only watch whether the others count
}

// Plan makes the run against a model of a sound registry with Basic
// authentication, by the very code that makes a real run, and says what would
// be sent. It sends nothing and asks no DNS. Endpoints are taken to have one
// address, and https ones to speak HTTP/2.
func Plan(ctx context.Context, opts Options, shape Shape) ([]Planned, error) {
	recorder, err := evidence.NewRecorder()
	if err != nil {
		return nil, err
	}
	defer recorder.Close()
	opts.Recorder = recorder
	r := &run{opts: opts, random: hexRandom(6), sink: nowhere{}, simulate: newSimulation(shape, opts)}
	if _, err := r.all(ctx); err != nil {
		return nil, err
	}
	return r.simulate.planned(), nil
}

type nowhere struct{}

func (nowhere) Finding(finding.Finding) error { return nil }
func (nowhere) Row(access.Row) error          { return nil }

// simulation answers as a sound registry would.
type simulation struct {
	mu     sync.Mutex
	counts map[Planned]int
	watch  map[Planned]int // of counts
	docs   map[string]doc  // by the part of a target after the repository
	box    simulatedBox

	uploads map[string]bool // repositories in which an upload was begun
}

type doc struct {
	body      []byte
	mediaType string
}

func newSimulation(shape Shape, opts Options) *simulation {
	s := &simulation{counts: map[Planned]int{}, watch: map[Planned]int{}, docs: map[string]doc{}}
	blob := func(text string) oci.Descriptor {
		b := []byte(strings.Repeat(text, 400))
		d := oci.Descriptor{MediaType: "application/vnd.oci.image.layer.v1.tar", Digest: oci.SHA256(b), Size: int64(len(b))}
		s.docs["/blobs/"+string(d.Digest)] = doc{b, "application/octet-stream"}
		return d
	}
	manifest := func(v any, mediaType string) oci.Descriptor {
		b, _ := json.Marshal(v) // of plain structs
		d := oci.Descriptor{MediaType: mediaType, Digest: oci.SHA256(b), Size: int64(len(b))}
		s.docs["/manifests/"+string(d.Digest)] = doc{b, mediaType}
		return d
	}
	images := max(shape.Platforms, 1)
	layers := make([][]oci.Descriptor, images)
	for i := range shape.Layers {
		layers[i%images] = append(layers[i%images], blob(fmt.Sprintf("layer %d ", i)))
	}
	var children []oci.Descriptor
	for i := range images {
		config := blob(fmt.Sprintf("config %d ", i))
		children = append(children, manifest(map[string]any{"schemaVersion": 2, "config": config, "layers": layers[i]}, oci.MediaImageManifest))
	}
	root := children[0]
	if shape.Platforms > 0 {
		root = manifest(map[string]any{"schemaVersion": 2, "manifests": children}, oci.MediaImageIndex)
	}
	top := s.docs["/manifests/"+string(root.Digest)]
	for _, i := range opts.Images {
		s.docs["/manifests/"+i.Reference] = top
	}
	s.docs["/manifests/simulated"] = top
	s.docs["/tags/list"] = doc{[]byte(`{"name":"simulated","tags":["simulated"]}`), "application/json"}
	s.docs["_catalog"] = doc{[]byte(`{"repositories":["simulated"]}`), "application/json"}
	if shape.Attached {
		s.docs["/manifests/"+root.Digest.FallbackTag()] = doc{[]byte(`{"schemaVersion":2,"manifests":[` + string(mustJSON(children[0])) + `]}`), oci.MediaImageIndex}
	}
	return s
}

func mustJSON(v any) []byte {
	b, _ := json.Marshal(v) // of plain structs
	return b
}

// answer is what a sound registry says: to those who have a password that is
// not made up, the content; to all others, a challenge.
func (s *simulation) answer(d *door, req wire.Request) wire.Response {
	s.count(d, req)
	resp := wire.Response{Request: req, Status: http.StatusUnauthorized, Proto: req.Proto, Header: wire.Header{{"Www-Authenticate", `Basic realm="simulated"`}}}
	if auth := wire.Header(req.Header).Get("Authorization"); auth == "" || req.Identity == anonymous.Name || req.Identity == Guessing {
		return resp
	}
	resp.Status, resp.Header = http.StatusNotFound, nil
	path, _, _ := strings.Cut(req.Target, "?")
	if answered, ok := s.byRight(d, req, resp); ok {
		return answered
	}
	if rest, ok := d.run.inSandbox(path, d.ep.Prefix); ok {
		return s.box.answer(rest, req, resp)
	}
	for suffix, d := range s.docs {
		if strings.HasSuffix(path, suffix) {
			resp.Status, resp.Body, resp.Size = http.StatusOK, d.body, int64(len(d.body))
			resp.SHA256 = oci.SHA256(d.body).Encoded()
			resp.Header = wire.Header{{"Content-Type", d.mediaType}}
		}
	}
	if req.KeepFrom > 0 && int64(len(resp.Body)) > req.KeepFrom+req.Keep {
		resp.Body = resp.Body[req.KeepFrom : req.KeepFrom+req.Keep]
	}
	return resp
}

func (s *simulation) count(d *door, req wire.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counts[kindOf(d, req)]++
}

// watches marks the last request as a sentinel's.
func (s *simulation) watches(d *door, req wire.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.watch[kindOf(d, req)]++
}

// kindOf is the row of a plan that a request belongs to.
func kindOf(d *door, req wire.Request) Planned {
	effect := Read
	path, _, _ := strings.Cut(req.Target, "?")
	_, sandboxed := d.run.inSandbox(path, d.ep.Prefix)
	switch strings.ToUpper(req.Method) {
	case http.MethodGet, http.MethodHead, http.MethodOptions, strings.ToUpper(evidence.ClientHello):
	default:
		effect = CancelledWrite
		if sandboxed {
			effect = SandboxWrite
		}
	}
	origin := req.Scheme + "://" + req.Host
	if slices.Contains(d.addresses, req.Address) { // whatever its Host header says
		origin = d.name()
	}
	return Planned{Method: req.Method, Origin: origin, Identity: req.Identity, Effect: effect}
}

func (s *simulation) planned() []Planned {
	var out []Planned
	for p, n := range s.counts {
		p.Watching = s.watch[p]
		p.Requests = n
		out = append(out, p)
	}
	slices.SortFunc(out, func(a, b Planned) int {
		return cmp.Or(cmp.Compare(a.Origin, b.Origin), cmp.Compare(a.Identity, b.Identity), cmp.Compare(a.Method, b.Method))
	})
	return out
}
