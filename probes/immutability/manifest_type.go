// SPDX-License-Identifier: Apache-2.0

package immutability

import (
	"context"
	"fmt"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/oci"
	"github.com/regproof/regproof/probe"
)

// ManifestType pushes manifests that can be read in two ways.
var ManifestType = probe.Probe{
	ID:    "immutability/manifest-type",
	Title: "A manifest of two meanings is refused",
	Why: "A document that is an image for one client and an index for another has one digest and two " +
		"contents: what was scanned and signed is not what is run (CVE-2021-41190).",
	How: []string{
		"in the sandbox, by their own digest: an image manifest that also lists manifests; an image manifest whose header says that it is one of docker, and one of an index; an index that calls itself an image",
		"a failure: one of them is read back with the same digest; the control of a refusal is a plain image that is accepted before it, and after it too where it was a 5xx",
	},
	Fix: "Refuse a manifest whose Content-Type and mediaType differ, and one that has both layers or config and " +
		"manifests (image-spec manifest.md). Distribution: 2.8.0 or newer.",
	NotWhen:  "Every client that pulls from here refuses such a document itself.",
	Severity: finding.Medium,
	Control:  "manifest-type",
	Effect:   probe.SandboxWrite,
	Per:      probe.Primary,
	Run: func(ctx context.Context, t *probe.Trial) probe.Result {
		s, why := t.Sandbox(ctx)
		if s == nil {
			return why
		}
		child := s.Image() // what the indexes list
		if put := s.Put(ctx, string(child.Digest), child, probe.Writing{}); put.Status/100 != 2 {
			if r := s.Undecided(put); r.Outcome != "" {
				return r
			}
			return s.Result(finding.Unknown, fmt.Sprintf("no control: a plain image was answered %s", probe.Says(put)), put)
		}
		list := []oci.Descriptor{probe.Describe(child)}
		both := s.Document(oci.MediaImageManifest, map[string]any{"config": s.Config(), "layers": []oci.Descriptor{s.Layer()}, "manifests": list})
		disguised := s.Document(oci.MediaImageManifest, map[string]any{"manifests": list})
		return worst(
			doubtful(ctx, s, "an image manifest that lists manifests too", both, ""),
			doubtful(ctx, s, "an OCI manifest pushed as one of docker", s.Image(), oci.MediaDockerManifest),
			doubtful(ctx, s, "an OCI manifest pushed as an index", s.Image(), oci.MediaImageIndex),
			doubtful(ctx, s, "an index that calls itself an image", disguised, ""),
		)
	},
}

// doubtful pushes a manifest that should be refused, and looks for it. A 5xx is a
// refusal too, if nothing was stored and a plain image is accepted before and
// after it: distribution answers so to a URL that it does not allow. The plain
// image is another each time, since a registry may take none twice.
func doubtful(ctx context.Context, s *probe.Sandbox, what string, d probe.Doc, contentType string) probe.Result {
	plain := func() probe.Answer {
		control := s.Image()
		return s.Put(ctx, string(control.Digest), control, probe.Writing{})
	}
	before := plain()
	put := s.Put(ctx, string(d.Digest), d, probe.Writing{Type: contentType})
	if r := s.Undecided(before, put); r.Outcome != "" && put.Status < 500 {
		return r
	}
	held := s.Get(ctx, string(d.Digest), true)
	answers := []probe.Answer{before, put, held.Answer}
	switch {
	case held.Digest == d.Digest:
	case put.Status/100 == 2:
		return s.Result(finding.Unknown, fmt.Sprintf("%s was answered %s, and could not be read back (%s)", what, probe.Says(put), probe.Says(held.Answer)), answers...)
	default:
		if put.Status >= 500 {
			answers = append(answers, plain())
		}
		if r := s.Undecided(held.Answer, answers[len(answers)-1]); r.Outcome != "" {
			return r
		}
		if before.Status/100 != 2 || (put.Status >= 500 && answers[3].Status/100 != 2) {
			return s.Result(finding.Unknown, fmt.Sprintf("no control: a plain image was answered %s", probe.Says(before)), answers...)
		}
		return s.Result(finding.Pass, fmt.Sprintf("%s was refused with %s", what, probe.Says(put)), answers...)
	}
	r := s.Result(finding.Fail, fmt.Sprintf("answered %s, and read back", probe.Says(put)), answers...)
	r.Message = what + " is accepted and served"
	r.Subject = &finding.Subject{Kind: "manifest", Digest: string(d.Digest), MediaType: held.Header.Get("Content-Type")}
	return r
}
