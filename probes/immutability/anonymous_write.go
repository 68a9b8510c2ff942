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
		"a manifest whose blobs are there is pushed to a new tag, and another deleted by digest: a guard of uploads alone sees neither",
		"at every endpoint of the registry; what identity could write there before is the control of a denial at the primary one",
		"critical: the image is read back, or what was deleted is gone by two reads; high: the upload was started and the push did not end well; low: it was started, and its end denied",
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
		all := []probe.Result{worst(asStranger(ctx, s, s.Stranger(), true), directly(ctx, s, s.Stranger(), true))}
		for _, door := range s.Elsewhere() {
			r := worst(asStranger(ctx, s, door.Stranger(), false), directly(ctx, s, door.Stranger(), false))
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
		r := refused(s, "the start of an upload", started, own)
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
				return allowed(s, "pushed without credentials, and read back", "a stranger pushed a whole image to "+s.Repository(), *doc, answers...)
			}
		}
	}
	if started.Header.Get("Location") == "" {
		r := s.Result(finding.Unknown, "the start of an upload was answered 202 without a Location, which may be anybody's word", started)
		r.Subject = subject
		return r
	}
	last := answers[len(answers)-1]
	r := s.Result(finding.Fail, fmt.Sprintf("the upload was started; then %s", probe.Says(last)), answers...)
	r.Severity, r.Subject = finding.High, subject
	r.Message = "a stranger started an upload to " + s.Repository() + ", though no image could be pushed"
	if len(answers) == 2 && refused(s, "its end", last, own).Outcome == finding.Pass { // nothing at all was stored
		r.Severity = finding.Low
		r.Message = "a stranger started an upload to " + s.Repository() + "; what was sent was refused"
	}
	r.Expected, r.Observed = "deny", "allow"
	return r
}
