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

// DeleteDisabled deletes a tag where manifests cannot be deleted.
var DeleteDisabled = probe.Probe{
	ID:    "immutability/delete-disabled",
	Title: "Where deleting is disabled a tag cannot be deleted either",
	Why: "A registry that is told to delete nothing let whoever may push remove tags " +
		"(CVE-2026-41888, distribution 3.0.0 to 3.1.0): images vanish, and the names are free for others.",
	How: []string{
		"in the sandbox: DELETE of a manifest without a tag by digest, which answers 405 where deleting is disabled",
		"then DELETE of the tag of another image: a failure if the tag is gone, which was there before, by two reads",
		"not applicable where a manifest may be deleted by digest",
	},
	Fix:      "Update distribution to 3.1.1 or newer. Until then refuse DELETE in front of it.",
	NotWhen:  "Tags are meant to be deleted by whoever pushes.",
	Severity: finding.High,
	Control:  "delete-disabled",
	Effect:   probe.SandboxWrite,
	Per:      probe.Primary,
	Run: func(ctx context.Context, t *probe.Trial) probe.Result {
		s, why := t.Sandbox(ctx)
		if s == nil {
			return why
		}
		m := place(ctx, s, s.Tag(), s.Image())
		if m.result.Outcome != "" {
			return m.result
		}
		bare := s.Image() // without a tag: that of one that has one may be refused by a rule for tags
		m.answers = append(m.answers, s.Put(ctx, string(bare.Digest), bare, probe.Writing{}))
		byDigest := s.Delete(ctx, oci.Manifest, string(bare.Digest))
		m.answers = append(m.answers, byDigest)
		if r := s.Undecided(byDigest); r.Outcome != "" {
			return r
		}
		if !disabled(byDigest) {
			o, reason := finding.NotApplicable, "deleting is not disabled"
			if byDigest.Status/100 != 2 {
				o, reason = finding.Unknown, fmt.Sprintf("whether deleting is disabled is not to be seen: by digest it was answered %s", probe.Says(byDigest))
			}
			return s.Result(o, reason, m.answers...)
		}
		return untagged(ctx, s, m, byDigest)
	},
}

// disabled says whether a registry deletes nothing at all: 405, or 400 with the
// specification's code for that.
func disabled(a probe.Answer) bool {
	return a.Status == http.StatusMethodNotAllowed || (a.Status == http.StatusBadRequest && probe.ErrorCode(a.Response) == "UNSUPPORTED")
}

// untagged deletes a tag, and looks whether it is gone.
func untagged(ctx context.Context, s *probe.Sandbox, m move, byDigest probe.Answer) probe.Result {
	deleted := s.Delete(ctx, oci.Manifest, m.tag)
	now := s.Get(ctx, m.tag, false)
	again := s.Get(ctx, m.tag, true)
	still := s.Get(ctx, string(m.first), false)
	answers := append(m.answers, deleted, now.Answer, again.Answer, still.Answer)
	if r := s.Undecided(deleted, now.Answer, again.Answer, still.Answer); r.Outcome != "" {
		return r
	}
	if now.Status == http.StatusNotFound && again.Status == http.StatusNotFound {
		r := s.Result(finding.Fail, fmt.Sprintf("DELETE of the tag was answered %s, and the tag is gone", probe.Says(deleted)), byDigest, deleted, now.Answer, again.Answer)
		for _, a := range m.answers { // in which it was there
			r.Control = append(r.Control[:len(r.Control):len(r.Control)], a.Trail...)
		}
		r.Message = fmt.Sprintf("deleting by digest is disabled, and %s deleted a tag all the same", s.Name())
		r.Subject = &finding.Subject{Kind: "tag"}
		return r
	}
	if now.Digest != m.first {
		return s.Result(finding.Unknown, fmt.Sprintf("what the tag names after the DELETE could not be read: %s", probe.Says(now.Answer)), answers...)
	}
	return s.Result(finding.Pass, fmt.Sprintf("DELETE of the tag was answered %s, and it is there", probe.Says(deleted)), answers...)
}
