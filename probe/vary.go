// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/image"
	"github.com/regproof/regproof/oci"
	"github.com/regproof/regproof/wire"
)

// Set is a plain request, and the odd ways to ask for the same.
type Set struct {
	Plain Attempt
	Odd   []Attempt // Class Variant; judged by JudgeOdd when Judge is nil
}

// Vary asks for what is denied in odd ways, each of which differs from the
// plain request in one thing. A failure is a way that opens what the plain
// request is denied: both are asked again on new connections before it counts.
// At an address where the plain request is open there is nothing to open.
func (t *Trial) Vary(ctx context.Context, sets ...Set) Result {
	return t.VaryThen(ctx, nil, sets...)
}

// VaryThen is Vary with a control that has to hold still when every way was
// asked: after is called then, and once more if some of them were asked again
// because of a doubt.
func (t *Trial) VaryThen(ctx context.Context, after func(context.Context), sets ...Set) Result {
	t.turn(ctx)
	plain := make([][]Verdict, len(sets))
	var wg sync.WaitGroup
	for i, s := range sets {
		s.Plain.Class, s.Plain.AllLanes, s.Plain.step = Canonical, false, true
		wg.Go(func() { plain[i] = t.tryAll(ctx, []Attempt{s.Plain}) })
	}
	wg.Wait()
	var odd []Verdict
	var mu sync.Mutex
	for i, s := range sets {
		lanes := denying(plain[i])
		if len(lanes) == 0 {
			continue
		}
		attempts := make([]Attempt, len(s.Odd))
		for j, a := range s.Odd {
			a.Class, a.Direct, a.Change, a.lanes, a.plain = Variant, a.Login == nil, within(a.Change), lanes, &s.Plain
			a.step = after != nil
			if a.Judge == nil {
				a.Judge = JudgeOdd
			}
			attempts[j] = a
		}
		wg.Go(func() {
			got := t.tryAll(ctx, attempts)
			mu.Lock()
			defer mu.Unlock()
			odd = append(odd, got...)
		})
	}
	wg.Wait()
	order := map[string]int{}
	for _, s := range sets {
		for _, a := range s.Odd {
			order[a.Variant] = len(order)
		}
	}
	slices.SortStableFunc(odd, func(a, b Verdict) int { return order[a.attempt.Variant] - order[b.attempt.Variant] })
	if after != nil {
		after(ctx)
	}
	asked := t.door.clock.Load()
	t.done(ctx)
	all := slices.Concat(plain...)
	all = t.settle(ctx, all)
	odd = t.insistOdd(ctx, odd)
	if after != nil && slices.ContainsFunc(slices.Concat(all, odd), func(v Verdict) bool { return v.begin > asked }) {
		after(ctx)
	}
	return t.varied(ctx, all, odd)
}

// oddTimeout is how long an odd way to ask may go without an answer: some fronts
// wait for more of what they do not understand.
const oddTimeout = 4 * time.Second

// within makes a change that also bounds the time.
func within(change func(*wire.Request)) func(*wire.Request) {
	return func(r *wire.Request) {
		r.Timeout = oddTimeout
		if change != nil {
			change(r)
		}
	}
}

// denying are the lanes on which the plain request was not served.
func denying(plain []Verdict) []Lane {
	var out []Lane
	for _, v := range plain {
		if !failed(v) {
			out = append(out, v.lane)
		}
	}
	return out
}

func failed(v Verdict) bool { return v.Outcome == finding.Fail }

// JudgeOdd judges the answer to an odd way to ask. Most are refused for being odd,
// by any status, and that is a denial like another; only content is a leak.
func JudgeOdd(ctx context.Context, t *Trial, a Attempt, answer Answer) Verdict {
	switch {
	case answer.Failure == wire.ClientCert:
		return Verdict{Outcome: finding.Pass, Reason: inHandshake, signed: true}
	case answer.Status == 0:
		return Verdict{Outcome: finding.Unknown, Reason: string(answer.Failure)}
	case answer.Status == http.StatusPartialContent:
		if v := t.partial(a, answer); failed(v) {
			return v
		}
	case answer.Status == http.StatusNotModified:
		return t.notModified(ctx, a, answer)
	case answer.Status/100 == 2:
		answer = t.unpackable(ctx, a, answer)
	}
	if c := t.matches(a, answer.Response); c != nil {
		return t.leaked(a, answer, c, "served")
	}
	if v, ok := t.namesPrivate(a, answer); ok {
		return v
	}
	switch {
	case answer.Status/100 == 3:
		return t.oddRedirect(ctx, a, answer)
	case answer.Status == http.StatusTooManyRequests || answer.Status >= 500:
		return Verdict{Outcome: finding.Unknown, Reason: fmt.Sprint(answer.Status)}
	case answer.Status == http.StatusSwitchingProtocols, answer.Status/100 == 2 && unread(answer.Response):
		return Verdict{Outcome: finding.Unknown, Reason: fmt.Sprintf("%d with something that cannot be read", answer.Status), unread: true}
	}
	return Verdict{Outcome: finding.Pass, Reason: fmt.Sprint(answer.Status), signed: signed(answer.First)}
}

// namesPrivate: a manifest that is not known byte by byte, and names a layer
// that is this image's alone. Where nobody could read the image, any manifest
// under its name is one that the plain request is denied.
func (t *Trial) namesPrivate(a Attempt, answer Answer) (Verdict, bool) {
	if answer.Status/100 != 2 || a.Request.Kind != oci.Manifest {
		return Verdict{}, false
	}
	body := answer.Body
	if plain := unzip(answer.Response); plain != nil {
		body = plain
	}
	doc, err := oci.ParseDocument(body)
	switch {
	case err != nil || answer.Truncated:
		return Verdict{}, false
	case t.Known() == nil && !t.here(answer.Request):
		return Verdict{}, false // another server may have an image of that name for everybody
	case t.Known() == nil:
		c := &image.Content{Kind: image.Manifest, Digest: oci.SHA256(body), MediaType: doc.Type(answer.Header.Get("Content-Type")), Size: int64(len(body))}
		return t.leaked(a, answer, c, "served"), true
	case t.Known().Names(doc, t.own):
		return t.leaked(a, answer, t.Known().Root, "served"), true
	}
	return Verdict{}, false
}

// here says whether a request names no other server than the endpoint.
func (t *Trial) here(r wire.Request) bool {
	return r.Host == t.door.ep.URL.Host && !r.AnyName && !strings.Contains(r.Target, "://")
}

// oddRedirect: to storage with a signature the registry has authorised it; to
// the clean path it is what the plain request is; to another place of the same
// origin it is followed once, without anything odd; anything else serves
// nothing.
func (t *Trial) oddRedirect(ctx context.Context, a Attempt, answer Answer) Verdict {
	location := answer.Header.Get("Location")
	pass := Verdict{Outcome: finding.Pass, Reason: fmt.Sprintf("%d elsewhere", answer.Status)}
	if c := a.Content; c != nil && ((c.Redirect != "" && strings.HasPrefix(location, c.Redirect)) || storageSignature(location)) {
		return t.authorised(ctx, a, answer, c)
	}
	d := t.door
	base := *d.ep.URL
	base.Path = "/"
	if path, err := url.ParseRequestURI(answer.Request.Target); err == nil && path.Host == "" {
		base.Path, base.RawPath = path.Path, path.RawPath
	}
	to, err := base.Parse(location)
	if err != nil || to.Scheme != d.ep.URL.Scheme || to.Host != d.ep.URL.Host {
		return pass
	}
	plain := d.request(question{lane: laneOf(answer), id: anonymous, request: a.Request})
	if to.RequestURI() == plain.Target {
		pass.Reason = fmt.Sprintf("%d to the plain path", answer.Status)
		return pass
	}
	next := t.ask(ctx, question{
		lane: laneOf(answer), id: anonymous, phase: a.phase(), request: a.Request, limits: a.Limits, variant: true, direct: true, lent: t.lend(a),
		change: func(r *wire.Request) { r.Target = to.RequestURI() },
	})
	if c := t.matches(a, next.Response); c != nil {
		v := t.leaked(a, next, c, "served after a redirect")
		v.Evidence = append(slices.Clone(answer.Trail), next.Trail...)
		return v
	}
	pass.Reason = fmt.Sprintf("%d to a place that answers %d", answer.Status, next.Status)
	return pass
}

// maxInsisted is how many odd ways that a throttled door left without an
// answer are asked again, one by one.
const maxInsisted = 12

// unsettled says whether an odd way has no answer that counts: a rate limit, or
// anything unsigned at a time when the door did not answer as before; or it was
// served something that cannot be read. An error or silence at a good time is
// how the door answers that way to ask.
func (t *Trial) unsettled(v Verdict) bool {
	switch v.Outcome {
	case finding.Unknown:
		return v.unread || v.Reason == "429" || (v.Reason == "503" && v.attempt.Again == 0) || t.door.sentinels.tainted(v.begin, v.end) != ""
	case finding.Pass:
		return !v.signed && t.door.sentinels.tainted(v.begin, v.end) != ""
	}
	return false
}

// insistOdd asks again, alone, what is unsettled.
func (t *Trial) insistOdd(ctx context.Context, odd []Verdict) []Verdict {
	open := t.unsettled
	n := 0
	for _, v := range odd {
		if open(v) {
			n++
		}
	}
	if n == 0 || n > maxInsisted {
		return odd
	}
	t.isolated(ctx, odd, open)
	return odd
}

// varied makes one result of the odd ways.
func (t *Trial) varied(ctx context.Context, plain, odd []Verdict) Result {
	r := Result{Attempts: len(plain) + len(odd), Observed: "unknown"}
	var base *Verdict // the plain request at its best: what there was to open
	for i := range plain {
		if base == nil || finding.Worse(base.Outcome, plain[i].Outcome) == base.Outcome {
			base = &plain[i]
		}
	}
	if base == nil {
		r.Outcome, r.Reason = finding.Unknown, "nothing could be asked"
		return r
	}
	r.Evidence, r.Control = base.Evidence, base.Control
	if base.Outcome == finding.Fail && t.lend(base.attempt) != nil {
		return Result{Outcome: finding.NotApplicable, Reason: "the certificate of " + t.lend(base.attempt).of + " alone opens it", Attempts: r.Attempts, Evidence: r.Evidence}
	}
	if base.Outcome == finding.Fail {
		return Result{Outcome: finding.NotApplicable, Reason: "it is open to everybody, without any trick", Attempts: r.Attempts}
	}
	if len(odd) == 0 && slices.ContainsFunc(plain, failed) {
		return Result{Outcome: finding.NotApplicable, Reason: "what could be asked in odd ways is open to everybody, without any trick", Attempts: r.Attempts}
	}
	if t.door.byAgent.Load() {
		return Result{Outcome: finding.NotApplicable, Reason: "it is open to whoever calls himself a client, without any other trick", Attempts: r.Attempts}
	}
	switch v, o, why := t.confirmed(ctx, odd); {
	case o == finding.Fail:
		return t.opened(r, *v, *base, odd)
	case o != "":
		r.Outcome, r.Reason, r.Variant = o, why, v.attempt.Variant
		r.Evidence, r.Control = v.Evidence, append(slices.Clone(v.Control), base.Evidence...)
		return r
	}
	unasked, unanswered, notes, silent, asked := "", 0, 0, 0, 0
	for _, v := range odd {
		if v.Outcome != finding.NotChecked && v.Outcome != finding.NotApplicable {
			asked++
		}
		if v.Outcome == finding.Unknown && v.Reason == string(wire.Timeout) {
			silent++
		}
		switch {
		case v.Outcome == finding.NotChecked:
			unasked = v.Reason
		case v.Outcome == finding.NotApplicable:
		case t.unsettled(v):
			unanswered++
		case v.Outcome != finding.Pass:
			notes++
		}
	}
	what := fmt.Sprintf("%s to ask, none opened it; plainly it is %s", count(len(odd), "way"), base.Reason)
	switch {
	case base.Outcome != finding.Pass:
		r.Outcome, r.Reason = base.Outcome, base.Reason
	case unasked != "":
		r.Outcome, r.Reason = finding.NotChecked, unasked
	case unanswered > 0:
		r.Outcome = finding.Unknown
		r.Reason = fmt.Sprintf("%d of %s to ask had no answer that says anything (a rate limit, a ban, a body that cannot be read); --rate asks slower", unanswered, count(len(odd), "way"))
	case silent > 0 && silent == asked: // what refuses some slowly may serve them slowly
		r.Outcome = finding.Unknown
		r.Reason = fmt.Sprintf("%s to ask had no answer within %s", count(silent, "way"), oddTimeout)
	default:
		r.Outcome, r.Observed, r.Reason = finding.Pass, "deny", what
		if notes > 0 {
			r.Reason += fmt.Sprintf(" (%s had an error or silence for an answer)", count(notes, "way"))
		}
	}
	return r
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// opened is the finding for a way in.
func (t *Trial) opened(r Result, v, base Verdict, odd []Verdict) Result {
	r.Outcome, r.Severity, r.Reason, r.Message = finding.Fail, v.Severity, v.Reason, v.Message
	r.Observed, r.Variant, r.Subject, r.Identity = "allow", v.attempt.Variant, v.Subject, v.attempt.As
	r.Address, r.Protocol = v.lane.Address.Addr().String(), string(v.lane.Proto)
	r.Evidence, r.Control = v.Evidence, append(slices.Clone(v.Control), base.Evidence...)
	if base.Outcome == finding.Pass {
		r.Message += fmt.Sprintf("; asked plainly it is denied (%s)", base.Reason)
	}
	if v.attempt.Cause != "" {
		r.Message += ". " + v.attempt.Cause
	}
	for i := range odd {
		o := &odd[i]
		if o.Outcome == finding.Fail && !(o.attempt.id() == v.attempt.id() && o.lane == v.lane) && len(r.Deviations) < 50 {
			r.Deviations = append(r.Deviations, finding.Deviation{Variant: t.describe(*o, v), Evidence: o.Evidence})
		}
	}
	return r
}
