// SPDX-License-Identifier: Apache-2.0

package immutability

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/oci"
	"github.com/regproof/regproof/probe"
)

// writer is one way to write a tag that names an image.
type writer struct {
	what     string
	severity finding.Severity
	tag      func(*probe.Sandbox) string
	push     func(ctx context.Context, s *probe.Sandbox, tag string) probe.Answer
}

func (w writer) try(ctx context.Context, s *probe.Sandbox) tried {
	tag := s.Tag()
	if w.tag != nil {
		tag = w.tag(s)
	}
	m := place(ctx, s, tag, s.Image())
	if m.result.Outcome == "" {
		m.after(ctx, s, w.push(ctx, s, tag))
	}
	t := tried{what: w.what, severity: w.severity, move: m}
	if w.tag != nil {
		return t.held()
	}
	return t
}

// writers lists the ways.
func writers(s *probe.Sandbox) []writer {
	one := func(make func(*probe.Sandbox) probe.Doc) func(context.Context, *probe.Sandbox, string) probe.Answer {
		return func(ctx context.Context, s *probe.Sandbox, tag string) probe.Answer {
			return s.Put(ctx, tag, make(s), probe.Writing{})
		}
	}
	listing := func(mediaType string, child func(*probe.Sandbox) probe.Doc) func(context.Context, *probe.Sandbox, string) probe.Answer {
		return func(ctx context.Context, s *probe.Sandbox, tag string) probe.Answer {
			c := child(s)
			if a := s.Put(ctx, string(c.Digest), c, probe.Writing{}); a.Status != http.StatusCreated {
				return a // then there is nothing that it could list
			}
			return s.Put(ctx, tag, s.Index(mediaType, c), probe.Writing{})
		}
	}
	byDigest := func(way func(s *probe.Sandbox, tag string) probe.Writing) func(context.Context, *probe.Sandbox, string) probe.Answer {
		return func(ctx context.Context, s *probe.Sandbox, tag string) probe.Answer {
			d := s.Image()
			return s.Put(ctx, string(d.Digest), d, way(s, tag))
		}
	}
	out := []writer{
		{what: "an OCI index", push: listing(oci.MediaImageIndex, (*probe.Sandbox).Image)},
		{what: "a docker list", push: listing(oci.MediaDockerList, (*probe.Sandbox).Docker)},
		{what: "a docker manifest", push: one((*probe.Sandbox).Docker)},
		{what: "an artifact", push: one(artifact)},
		{what: "PUT by digest with ?tag=", push: byDigest(func(_ *probe.Sandbox, tag string) probe.Writing {
			return probe.Writing{Tags: []string{tag}}
		})},
		{what: "PUT by digest with two ?tag=", push: byDigest(func(s *probe.Sandbox, tag string) probe.Writing {
			return probe.Writing{Tags: []string{s.Tag(), tag}}
		})},
		{what: "PUT by digest with the header OCI-Tag", push: byDigest(func(_ *probe.Sandbox, tag string) probe.Writing {
			return probe.Writing{Header: [][2]string{{"OCI-Tag", tag}}}
		})},
		{what: "a tag with one character percent-encoded", push: func(ctx context.Context, s *probe.Sandbox, tag string) probe.Answer {
			return s.Put(ctx, tag, s.Image(), probe.Writing{Spell: func(tag string) string { return fmt.Sprintf("%%%02x%s", tag[0], tag[1:]) }})
		}},
		{what: "a tag that looks like a hash", tag: hash, push: one((*probe.Sandbox).Image)},
		{what: "a push to a tag sha256-DIGEST", severity: finding.Low, tag: func(s *probe.Sandbox) string {
			return s.Image().Digest.FallbackTag()
		}, push: one((*probe.Sandbox).Image)},
	}
	for _, other := range s.Others() {
		out = append(out, writer{what: "a push to " + other.Endpoint(), push: func(ctx context.Context, _ *probe.Sandbox, tag string) probe.Answer {
			return other.Put(ctx, tag, other.Image(), probe.Writing{})
		}})
	}
	return out
}

// hash is a tag of 64 hexadecimal digits.
func hash(s *probe.Sandbox) string {
	return strings.TrimPrefix(string(s.Image().Digest), "sha256:")
}

// artifact is a manifest that is no image.
func artifact(s *probe.Sandbox) probe.Doc {
	return s.Document(oci.MediaImageManifest, map[string]any{
		"artifactType": "application/vnd.regproof.trial", "config": s.Config(), "layers": []oci.Descriptor{s.Layer()},
	})
}
