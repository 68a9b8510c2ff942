// SPDX-License-Identifier: Apache-2.0

package immutability

import (
	"context"
	"fmt"
	"net/http"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/oci"
	"github.com/regproof/regproof/probe"
)

// wholeImage pushes the blobs and the manifest of an image, the first blob into
// an upload that was started. It returns nil when one of them was refused.
func wholeImage(ctx context.Context, s *probe.Sandbox, up *probe.Session) (*probe.Doc, []probe.Answer) {
	doc, config, layer := s.Own()
	first := s.Finish(ctx, up, config, oci.SHA256(config))
	answers := []probe.Answer{first}
	if first.Status != http.StatusCreated {
		s.Cancel(ctx, up)
		return nil, answers
	}
	second := s.Upload(ctx, layer, oci.SHA256(layer))
	if answers = append(answers, second); second.Status != http.StatusCreated {
		return nil, answers
	}
	put := s.Put(ctx, string(doc.Digest), doc, probe.Writing{})
	answers = append(answers, put)
	if put.Status/100 != 2 {
		return nil, answers
	}
	return &doc, answers
}

// directly pushes a manifest whose blobs are there, and deletes another, without
// an upload: a guard may ask for a password where uploads begin alone. by is who
// may do both.
func directly(ctx context.Context, by, s *probe.Sandbox, own bool) probe.Result {
	doc, tag := s.Image(), s.Tag()
	put := s.Put(ctx, tag, doc, probe.Writing{})
	pushed := refused(s, "a push to a tag", put, own)
	if put.Status/100 == 2 {
		held := s.Get(ctx, tag, true)
		if held.Digest != doc.Digest {
			held = by.Get(ctx, tag, true)
		}
		if held.Digest == doc.Digest {
			pushed = allowed(s, "pushed without credentials, and read back", "a stranger pushed a manifest to a tag of "+s.Repository(), doc, put, held.Answer)
		}
	}
	bare := by.Image()
	if there := by.Put(ctx, string(bare.Digest), bare, probe.Writing{}); there.Status/100 != 2 {
		return pushed
	}
	before := by.Get(ctx, string(bare.Digest), false)
	deleted := s.Delete(ctx, oci.Manifest, string(bare.Digest))
	removed := refused(s, "a delete", deleted, own)
	if deleted.Status/100 == 2 && before.Digest == bare.Digest {
		now, again := by.Get(ctx, string(bare.Digest), false), by.Get(ctx, string(bare.Digest), true)
		if now.Status == http.StatusNotFound && again.Status == http.StatusNotFound {
			removed = allowed(s, "deleted without credentials, and gone", "a stranger deleted a manifest of "+s.Repository(), bare, deleted, now.Answer, again.Answer)
			removed.Control = before.Trail
		}
	}
	return worst(pushed, removed)
}

// allowed is the failure of a write of a stranger.
func allowed(s *probe.Sandbox, reason, message string, d probe.Doc, answers ...probe.Answer) probe.Result {
	r := s.Result(finding.Fail, reason, answers...)
	r.Message = message
	r.Subject = &finding.Subject{Kind: "manifest", Digest: string(d.Digest)}
	r.Expected, r.Observed = "deny", "allow"
	return r
}

// refused judges a write that was not accepted. A 404 and a 405 need a control
// of the same endpoint, a 403 the mark of a registry: a ban of strangers looks
// like that too.
func refused(s *probe.Sandbox, what string, a probe.Answer, own bool) probe.Result {
	if r := s.Undecided(a); r.Outcome != "" && !a.WantsCertificate() {
		return r
	}
	control := "own control"
	if !own {
		control = "sibling control"
	}
	denied := false
	switch status := a.Status; {
	case a.WantsCertificate(), status == http.StatusUnauthorized:
		denied = true
	case status == http.StatusForbidden:
		denied = s.Attributable(a)
	case status == http.StatusNotFound, status == http.StatusMethodNotAllowed, status == http.StatusBadRequest:
		denied = own && (a.Status != http.StatusBadRequest || disabled(a))
	}
	if a.Grant.Refused || denied {
		r := s.Result(finding.Pass, what+": "+probe.Says(a)+", "+control, a)
		r.Expected, r.Observed = "deny", "deny"
		return r
	}
	return s.Result(finding.Unknown, fmt.Sprintf("%s was answered %s, which is neither seen to be done nor for certain a denial", what, probe.Says(a)), a)
}
