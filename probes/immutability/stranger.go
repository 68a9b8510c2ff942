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

// refused judges an upload that was not started. A 404 and a 405 need a control
// of the same endpoint, a 403 the mark of a registry: a ban of strangers looks
// like that too.
func refused(s *probe.Sandbox, a probe.Answer, own bool) probe.Result {
	if r := s.Undecided(a); r.Outcome != "" && !a.WantsCertificate() {
		return r
	}
	control := "own control"
	if !own {
		control = "sibling control"
	}
	denied := a.WantsCertificate()
	switch a.Status {
	case http.StatusUnauthorized:
		denied = true
	case http.StatusForbidden:
		denied = s.Attributable(a)
	case http.StatusNotFound, http.StatusMethodNotAllowed:
		denied = own
	}
	if a.Grant.Refused || denied {
		r := s.Result(finding.Pass, probe.Says(a)+", "+control, a)
		r.Expected, r.Observed = "deny", "deny"
		return r
	}
	return s.Result(finding.Unknown, fmt.Sprintf("starting an upload was answered %s, which is neither an upload nor for certain a denial", probe.Says(a)), a)
}
