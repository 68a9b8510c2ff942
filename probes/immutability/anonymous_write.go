// SPDX-License-Identifier: Apache-2.0

package immutability

import (
	"context"
	"fmt"
	"net/http"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/probe"
)

// AnonymousWrite pushes a whole image as a stranger.
var AnonymousWrite = probe.Probe{
	ID:    "immutability/anonymous-write",
	Title: "Strangers cannot write",
	Why: "Whoever may push without a password decides what the machines that pull from here run: one " +
		"push to a tag that is in use is enough.",
	How: []string{
		"in the sandbox, without credentials and then with the token that the token service gives to everybody: an upload is started; where that works, a whole image is pushed",
		"at every endpoint of the registry; what identity could write there before is the control of a denial at the primary one",
		"critical: the image is read back under its digest; high: the upload was started and the push did not end well",
	},
	Fix:      "Require authentication for POST, PUT, PATCH and DELETE on /v2/, and let the token service give strangers no push.",
	NotWhen:  "Never: anonymous writes are always a weakness.",
	Severity: finding.Critical,
	Control:  "anonymous-write",
	Effect:   probe.SandboxWrite,
	Per:      probe.Primary,
	Run: func(ctx context.Context, t *probe.Trial) probe.Result {
		s, why := t.Sandbox(ctx)
		if s == nil {
			return why
		}
		all := []probe.Result{asStranger(ctx, s, s.Stranger(), true)}
		for _, door := range s.Elsewhere() {
			r := asStranger(ctx, s, door.Stranger(), false)
			r.Endpoint = door.Endpoint()
			if r.Outcome == finding.Pass || r.Outcome == finding.Fail {
				all = append(all, r)
			}
		}
		all[0].Also = all[1:]
		return all[0]
	},
}

// asStranger tries to push as a stranger; by reads what came of it, too.
func asStranger(ctx context.Context, by, s *probe.Sandbox, own bool) probe.Result {
	started, up := s.Start(ctx)
	subject := &finding.Subject{Kind: "upload"}
	if started.Status != http.StatusAccepted {
		r := refused(s, started, own)
		r.Subject = subject
		return r
	}
	answers := []probe.Answer{started}
	if up != nil {
		doc, pushed := wholeImage(ctx, s, up)
		answers = append(answers, pushed...)
		if doc != nil {
			held := s.Get(ctx, string(doc.Digest), true)
			if held.Digest != doc.Digest {
				answers = append(answers, held.Answer)
				held = by.Get(ctx, string(doc.Digest), true)
			}
			answers = append(answers, held.Answer)
			if held.Digest == doc.Digest {
				r := s.Result(finding.Fail, "pushed without credentials, and read back", answers...)
				r.Message = "a stranger pushed a whole image to " + s.Repository()
				r.Subject = &finding.Subject{Kind: "manifest", Digest: string(doc.Digest)}
				r.Expected, r.Observed = "deny", "allow"
				return r
			}
		}
	}
	r := s.Result(finding.Fail, fmt.Sprintf("the upload was started; then %s", probe.Says(answers[len(answers)-1])), answers...)
	r.Severity, r.Subject = finding.High, subject
	r.Message = "a stranger started an upload to " + s.Repository() + ", though no image could be pushed"
	r.Expected, r.Observed = "deny", "allow"
	return r
}
