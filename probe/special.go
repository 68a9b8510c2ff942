// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/login"
	"github.com/regproof/regproof/oci"
	"github.com/regproof/regproof/wire"
)

// Cold are attempts that were made before anything else, by address.
func (t *Trial) Cold(a Attempt) []Attempt {
	a.Class, a.Variant, a.Cold = Client, "the very first request", true
	a.Change, a.AllLanes = nil, false
	return []Attempt{a}
}

// BeyondGet judges an answer to HEAD: it is no weakness of its own where GET
// gives the content away already.
func BeyondGet(ctx context.Context, t *Trial, a Attempt, answer Answer) Verdict {
	v := Content(ctx, t, a, answer)
	if v.Outcome != finding.Fail {
		return v
	}
	get := a
	get.Request.Method, get.Judge = http.MethodGet, nil
	lane := laneOf(answer)
	got := t.ask(ctx, question{lane: lane, id: anonymous, phase: a.phase(), request: get.Request, limits: get.Limits})
	if twin := t.verdict(ctx, get, lane, got); twin.Outcome == finding.Fail {
		return Verdict{Outcome: finding.NotApplicable, Reason: "GET is open already"}
	}
	// One replica of several that is open would serve either, by chance.
	for range 4 {
		head := t.ask(ctx, question{lane: lane, id: anonymous, phase: a.phase(), request: a.Request, limits: a.Limits, fresh: true})
		got = t.ask(ctx, question{lane: lane, id: anonymous, phase: a.phase(), request: get.Request, limits: get.Limits, fresh: true})
		if head.Status != answer.Status || t.verdict(ctx, get, lane, got).Outcome == finding.Fail {
			return Verdict{Outcome: finding.NotApplicable, Reason: "GET and HEAD are served at times"}
		}
	}
	// That GET is denied must be as sure as any denial.
	v.onDenial, v.unsure, v.end = true, got.NotAsked != "" || !t.attributable(got.Response), got.end
	return v
}

// Complete turns a pass into unknown when a part of the image could not be
// read, so that nobody knows what else there is to ask for.
func (t *Trial) Complete(r Result) Result {
	k := t.Known()
	if k != nil && k.Problem != "" && (r.Outcome == finding.Pass || r.Outcome == finding.NotApplicable) {
		r.Outcome, r.Reason, r.Observed = finding.Unknown, "no control for all of the image: "+k.Problem, "unknown"
	}
	return r
}

// Chosen says whether this is the image of its registry on which what is done
// once for each endpoint is done: the first that is meant to be private.
func (t *Trial) Chosen() bool { return t.subject.chosen }

// UploadStart judges the answer to POST uploads. A started upload is cancelled
// at once, where the registry says that it lives, if that is the same origin.
func UploadStart(ctx context.Context, t *Trial, a Attempt, answer Answer) Verdict {
	subject := &finding.Subject{Kind: "upload"}
	if answer.Status != http.StatusAccepted && answer.Status != http.StatusCreated {
		v := t.denial(ctx, a, answer)
		if answer.Status/100 == 3 || (answer.Status/100 == 2 && html(answer.Response)) {
			v = t.asForReads(ctx, answer)
		}
		v.Subject = subject
		return v
	}
	v := Verdict{
		Outcome: finding.Fail, Reason: "started without credentials", Subject: subject,
		Message:  fmt.Sprintf("an upload to %s was started without credentials", t.Repository()),
		Evidence: answer.Trail,
	}
	done, trail := t.cancel(ctx, answer)
	v.Evidence = append(v.Evidence, trail...)
	v.Message += "; " + done
	return v
}

// asForReads: a page or a redirect instead of an upload is a denial when reads
// are denied in the same way. A made-up name is no way to find out: an open
// registry would make it.
func (t *Trial) asForReads(ctx context.Context, answer Answer) Verdict {
	read := Attempt{Request: manifestOf(t.Repository(), t.subject.ref.Reference), Content: t.Known().Root, OneLane: true}
	other := t.ask(ctx, question{lane: laneOf(answer), id: anonymous, phase: phaseAsk, request: read.Request})
	v := Content(ctx, t, read, other)
	if v.Outcome == finding.Pass && other.Status == answer.Status {
		v.Reason = "as for reads: " + v.Reason
		v.Evidence = append(answer.Trail, other.Trail...)
		return v
	}
	return Verdict{Outcome: finding.Unknown, Reason: fmt.Sprintf("%d, which is neither an upload nor a denial", answer.Status)}
}

// cancel deletes an upload session (distribution-spec end-14).
func (t *Trial) cancel(ctx context.Context, answer Answer) (string, []string) {
	location := answer.Header.Get("Location")
	to, err := t.door.reg.Guard.Check(ctx, t.door.ep.URL, location, wire.Upload)
	if err != nil {
		return t.stays(err.Error()), nil
	}
	if !to.SameOrigin {
		return t.stays(fmt.Sprintf("its Location is on another host (%s)", to.Origin)), nil
	}
	return t.deleteUpload(ctx, answer, to.URL)
}

// deleteUpload asks the door itself to end an upload, whatever host its Location
// names. What may begin an upload may not be enough to end it: that takes a right
// to delete on some registries, distribution among them, so the entitled ask too.
func (t *Trial) deleteUpload(ctx context.Context, begun Answer, location *url.URL) (done string, trail []string) {
	if !inUploads(location.Path, homes(t.door.ep.Prefix+t.Repository())...) {
		return t.stays("its Location is no upload of this repository"), nil
	}
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), cancelWithin)
	defer stop()
	r := begun.Response.Request
	r.Method, r.Target, r.Body = http.MethodDelete, location.RequestURI(), nil
	for _, name := range oddHeaders {
		r.Header = without(r.Header, name)
	}
	resp := paced{d: t.door}.Do(ctx, r)
	trail = []string{resp.ID}
	if id := t.subject.entitled; id != nil && denied(resp.Status) {
		own := t.ask(ctx, question{
			lane: laneOf(begun), id: id, phase: phaseFresh, variant: true, private: true,
			request: oci.Request{Method: http.MethodDelete, Kind: oci.UploadStart, Repository: t.Repository()},
			change:  func(w *wire.Request) { w.Target = location.RequestURI() },
		})
		resp, trail = own.Response, append(trail, own.Trail...)
	}
	if over(resp) {
		return "it was cancelled", trail
	}
	what := fmt.Sprintf("answered %d", resp.Status)
	if resp.Status == 0 {
		what = "not answered"
	}
	_ = t.stays("DELETE was " + what)
	return "cancelling it was " + what, trail
}

// stays says in the notes, too, why an upload could not be cancelled.
func (t *Trial) stays(why string) string {
	t.door.run.say(fmt.Sprintf("an upload that was started in %s at %s could not be cancelled: %s; it holds nothing, and registries remove such ones in time", t.Repository(), t.door.name(), why))
	return "it could not be cancelled: " + why
}

// over says whether an upload is no longer there, by the answer to its end.
func over(resp wire.Response) bool {
	return resp.Status/100 == 2 || resp.Status == http.StatusNotFound && !invalid(resp)
}

// Existence compares a denial with that for a repository that does not exist.
func Existence(ctx context.Context, t *Trial, a Attempt, answer Answer) Verdict {
	v := Content(ctx, t, a, answer)
	switch {
	case v.Outcome == finding.Fail:
		return Verdict{Outcome: finding.NotApplicable, Reason: "the repository is open to everybody"}
	case v.Outcome != finding.Pass:
		return v
	}
	r := a.Request
	r.Repository = t.door.run.randomName(t.Repository())
	other := t.ask(ctx, question{lane: laneOf(answer), id: anonymous, phase: a.phase(), request: r, change: a.Change, early: true})
	v.Evidence = append(answer.Trail, other.Trail...)
	v.Subject = &finding.Subject{Kind: "repository"}
	v.end = other.end
	v.signed = signed(answer.First) && signed(other.First)
	was, is := traits(answer), traits(other)
	if !t.attributable(answer.Response) || !t.attributable(other.Response) {
		v.unsure = true
	}
	if other.NotAsked != "" || (other.Status == 0 && other.Failure != wire.ClientCert) || other.Status == 429 || other.Status >= 500 {
		v.Outcome, v.Reason = finding.Unknown, "a made-up name was answered with "+is
		if other.Status == 0 {
			v.Reason = "a made-up name was not answered"
		}
		return v
	}
	if was == is {
		v.Reason = "a made-up name gets the same answer (" + is + ")"
		return v
	}
	for range 2 { // one replica of several that is open would make the difference, by chance
		first := t.ask(ctx, question{lane: laneOf(answer), id: anonymous, phase: a.phase(), request: a.Request, change: a.Change, fresh: true})
		second := t.ask(ctx, question{lane: laneOf(answer), id: anonymous, phase: a.phase(), request: r, change: a.Change, fresh: true})
		if traits(first) != was || traits(second) != is {
			v.Outcome, v.Reason = finding.Unknown, "the same question is answered in different ways"
			return v
		}
	}
	v.Outcome, v.onDenial = finding.Fail, true
	v.Reason = fmt.Sprintf("existing: %s; made up: %s", was, is)
	v.Message = "a stranger can tell which repositories exist: " + v.Reason
	return v
}

// traits are what a stranger could tell two denials apart by, names left out.
func traits(a Answer) string {
	if a.Failure == wire.ClientCert {
		return inHandshake
	}
	parts := []string{fmt.Sprint(a.Status) + errorCode(a.Response)}
	if a.First.Status != a.Status {
		parts = append(parts, fmt.Sprintf("first %d%s", a.First.Status, errorCode(a.First)))
	}
	for _, c := range login.ParseChallenges(a.First.Header.Values("Www-Authenticate")) {
		parts = append(parts, "challenge "+c.Scheme)
	}
	if a.Grant.Refused {
		parts = append(parts, "no token")
	} else if a.Grant.Header != "" && !a.Grant.Opaque {
		parts = append(parts, fmt.Sprintf("token with %d rights", len(a.Grant.Access)))
	}
	return strings.Join(parts, ", ")
}

// Challenged judges how a 401 is made.
func Challenged(ctx context.Context, t *Trial, a Attempt, answer Answer) Verdict {
	if answer.First.Status != http.StatusUnauthorized {
		v := Content(ctx, t, a, answer)
		if v.Outcome == finding.Pass || v.Outcome == finding.Fail {
			v = Verdict{Outcome: finding.NotApplicable, Reason: fmt.Sprintf("the answer is no 401 but %d", answer.First.Status)}
		}
		return v
	}
	v := Verdict{Evidence: []string{answer.First.ID}, Control: []string{answer.First.ID}}
	if len(login.ParseChallenges(answer.First.Header.Values("Www-Authenticate"))) > 0 {
		v.Outcome, v.Reason = finding.Pass, "401 with a challenge"
		return v
	}
	v.onDenial = true
	v.Outcome, v.Reason = finding.Fail, "401 without WWW-Authenticate"
	v.Message = "the denial carries no WWW-Authenticate, so clients cannot log in"
	return v
}

// manifestOf is the canonical manifest request of an image.
func manifestOf(repository, reference string) oci.Request {
	return oci.Request{Method: "GET", Kind: oci.Manifest, Repository: repository, Reference: reference, Accept: oci.AcceptManifests()}
}
