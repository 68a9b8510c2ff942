// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"context"
	"fmt"
	"net/http"
	"slices"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/login"
	"github.com/regproof/regproof/oci"
)

// byTag asks for the image as who may read it, or as a stranger where nothing
// entitled is read through the door.
func (g *group) byTag(ctx context.Context, phase int) Answer {
	id := g.subject.entitled
	if id == nil || g.cache || g.door.ep.Cache {
		id = anonymous
	}
	return g.ask(ctx, question{lane: g.door.first(), id: id, phase: phase, request: g.coldRequest(), variant: true})
}

// tagged is the digest of the manifest that was served, unpacked where it was
// packed; "" for anything else, like a login page.
func tagged(a Answer) oci.Digest {
	if a.Status != http.StatusOK || !a.Whole() {
		return ""
	}
	body := a.Body
	if plain := unzip(a.Response); plain != nil {
		body = plain
	}
	if _, err := oci.ParseDocument(body); err != nil {
		return ""
	}
	return oci.SHA256(body)
}

// unasked says why one of the answers is none of the registry's: it was not
// asked.
func unasked(answers ...Answer) string {
	for _, a := range answers {
		if a.NotAsked != "" {
			return a.NotAsked
		}
	}
	return ""
}

// says tells whether a status is an answer to a question for a tag, be it a denial.
func says(status int) bool { return status == http.StatusOK || denies(status) }

// SameTag compares the digest that a tag has here with that at the primary
// endpoint.
func (t *Trial) SameTag(ctx context.Context) Result {
	t.turn(ctx)
	defer t.done(ctx)
	p := t.group.primary
	switch {
	case p == t.group:
		return Result{Outcome: finding.NotApplicable, Reason: "this is the primary endpoint"}
	case oci.CheckTag(t.Reference()) != nil:
		return Result{Outcome: finding.NotApplicable, Reason: "the image was given by digest"}
	case !p.door.usable():
		return Result{Outcome: finding.Unknown, Reason: "the primary endpoint cannot be asked: " + p.door.problem}
	}
	var here, there Answer
	for _, phase := range []int{phaseFresh, phaseFresh + 100} {
		here, there = t.group.byTag(ctx, phase), p.byTag(ctx, phase)
		if a, b := tagged(here), tagged(there); a == "" || b == "" || a == b {
			break
		}
	}
	r := Result{Attempts: 2, Evidence: append(slices.Clone(here.Trail), there.Trail...), Control: there.Trail, Observed: "unknown"}
	now, was := tagged(here), tagged(there)
	switch why := unasked(there, here); {
	case why != "":
		r.Outcome, r.Reason = finding.NotChecked, why
	case !says(there.Status) || !says(here.Status):
		r.Outcome, r.Reason = finding.Unknown, "at the primary endpoint the tag "+told(there)+", and here it "+told(here)
	case there.Status != http.StatusOK:
		r.Outcome, r.Reason = finding.NotApplicable, fmt.Sprintf("the primary endpoint does not serve the tag (%d)", there.Status)
	case here.Status != http.StatusOK:
		r.Outcome, r.Reason = finding.NotApplicable, fmt.Sprintf("it is not served here (%d)", here.Status)
	case now == "" || was == "":
		r.Outcome, r.Reason = finding.Unknown, "an answer is no manifest, or could not be read to its end"
	case now == was:
		r.Outcome, r.Observed, r.Reason = finding.Pass, "the same", "the same digest as at the primary endpoint"
	default:
		r.Outcome, r.Observed, r.Reason = finding.Fail, "another image", "another digest than at the primary endpoint"
		r.Subject = &finding.Subject{Kind: "manifest", Digest: string(now)}
		r.Message = fmt.Sprintf("%s is %s here, and %s at %s", t.Reference(), now.Short(), was.Short(), p.door.name())
	}
	return r
}

// Outlives looks whether an image that the primary endpoint no longer has is
// served here.
func (t *Trial) Outlives(ctx context.Context) Result {
	t.turn(ctx)
	defer t.done(ctx)
	p, id := t.group.primary, t.subject.entitled
	switch {
	case p == t.group:
		return Result{Outcome: finding.NotApplicable, Reason: "this is the primary endpoint"}
	case p.own != nil:
		return Result{Outcome: finding.NotApplicable, Reason: "the primary endpoint has the image"}
	case !p.door.usable():
		return Result{Outcome: finding.Unknown, Reason: "the primary endpoint cannot be asked: " + p.door.problem}
	case id == nil:
		return Result{Outcome: finding.Unknown, Reason: "no control: " + t.subject.why}
	}
	there := p.byTag(ctx, phaseFresh)
	alive := p.ask(ctx, question{lane: p.door.first(), id: id, phase: phaseFresh, request: oci.Request{Method: "GET", Kind: oci.Ping}, variant: true})
	r := Result{Attempts: 3, Evidence: slices.Clone(there.Trail), Control: alive.Trail, Observed: "unknown"}
	switch why := unasked(there, alive); {
	case why != "":
		r.Outcome, r.Reason = finding.NotChecked, why
		return r
	case there.Request.Identity != id.Name:
		r.Outcome, r.Reason = finding.Unknown, "the primary endpoint was not asked as "+id.Name+": "+p.ownProblem
		return r
	case there.Status != http.StatusNotFound:
		r.Outcome, r.Reason = finding.Unknown, fmt.Sprintf("the primary endpoint does not say that the image is gone (%s)", p.ownProblem)
		return r
	case alive.Status != http.StatusOK:
		r.Outcome, r.Reason = finding.Unknown, fmt.Sprintf("%s is not seen to be let in at the primary endpoint (%d)", id.Name, alive.Status)
		return r
	}
	here := t.group.byTag(ctx, phaseFresh)
	digest := tagged(here)
	r.Evidence = append(r.Evidence, here.Trail...)
	switch {
	case here.NotAsked != "":
		r.Outcome, r.Reason = finding.NotChecked, here.NotAsked
	case digest != "":
		who := id.Name
		if here.Request.Identity == login.Anonymous {
			who = "a stranger"
		}
		r.Outcome, r.Observed = finding.Fail, "allow"
		r.Subject = &finding.Subject{Kind: "manifest", Digest: string(digest)}
		r.Reason = "404 at the primary endpoint, served here"
		r.Message = fmt.Sprintf("the registry no longer serves %s:%s to %s (404), and here %s still gets it", t.Repository(), t.Reference(), id.Name, who)
	case here.Status == http.StatusNotFound || here.Status == http.StatusUnauthorized || here.Status == http.StatusForbidden:
		r.Outcome, r.Observed, r.Reason = finding.Pass, "deny", fmt.Sprintf("gone at the primary endpoint, and %d here", here.Status)
	default:
		r.Outcome, r.Reason = finding.Unknown, fmt.Sprintf("answered %d here", here.Status)
	}
	return r
}

// KeyedByAccept looks whether a cache mixes up answers to different Accept
// values, as the entitled.
func (t *Trial) KeyedByAccept(ctx context.Context) Result {
	t.turn(ctx)
	defer t.done(ctx)
	if t.group.own == nil {
		why := t.group.ownProblem
		if why == "" {
			why = t.subject.why
		}
		return Result{Outcome: finding.NotChecked, Reason: "nothing entitled was read through this door: " + why}
	}
	one := t.group.coldRequest()
	one.Accept = []string{oci.MediaDockerManifest}
	past := one
	past.Query = "regproof=" + hexRandom(6)
	plain, beyond := t.Entitled(ctx, one), t.Entitled(ctx, past)
	r := Result{Attempts: 2, Evidence: append(slices.Clone(plain.Trail), beyond.Trail...), Control: plain.Trail, Observed: "unknown"}
	root := t.group.own.Root.Digest
	switch why := unasked(plain, beyond); {
	case why != "":
		r.Outcome, r.Reason = finding.NotChecked, why
	case plain.elsewhere:
		r.Outcome, r.Reason = finding.NotChecked, "nothing entitled was read through this door"
	case plain.Status == 0 || beyond.Status == 0 || plain.Status >= 500 || beyond.Status >= 500 || plain.Status == 429 || beyond.Status == 429:
		r.Outcome, r.Reason = finding.Unknown, "no answer that says anything"
	case plain.Status == 200 && "sha256:"+plain.SHA256 == string(root) && (beyond.Status == 404 || beyond.Status == 406 || (beyond.Status == 200 && beyond.SHA256 != plain.SHA256)):
		r.Outcome, r.Observed = finding.Fail, "mixed up"
		r.Reason = "the answer is that for another Accept"
		r.Message = fmt.Sprintf("a client that accepts Docker manifests alone is given what was cached for another Accept (%s)", root.Short())
	default:
		r.Outcome, r.Observed, r.Reason = finding.Pass, "told apart", "the same plainly and past any cache"
	}
	return r
}
