// SPDX-License-Identifier: Apache-2.0

package token

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/probe"
)

// Expiry keeps a token until it has ended, and uses it then.
var Expiry = probe.Probe{
	ID:    "token/expiry",
	Title: "A token opens nothing after its time",
	Why: "A token that works after its end works for ever: whoever finds one in a log or a dump " +
		"has the rights of its owner, and nobody can take them back.",
	How: []string{
		"a token of the identity that may read the image is used at once, which opens it; then, only with --slow, it is kept until 70 s after its end (60 s are the leeway of distribution) and used twice more, on new connections",
		"its end is exp, by the registry's own clock (Date), or by when the token began (iat) where it tells none; of a token that cannot be read, expires_in, or 60 s as the specification has it",
		"where the key of the token service is given, tokens that are over for an hour, or not good before an hour from now, are signed with it and used at once: content is a failure; without --slow that decides",
		"a stranger is denied at that time, and a new token opens the image, so that a denial is the token's",
		"a token that lives longer than 10 minutes is not waited for; the run goes on meanwhile, and --timeout (5 minutes, unless it is set) must be longer than the wait",
		"a token that can be read, names no end and opens the image is a failure of its own, medium",
	},
	Fix: "Compare exp with the clock for every request, also where decisions are cached: no longer than " +
		"the token lives, and by the whole token.",
	NotWhen:  "The clock of the registry is behind that of its token service: then set the clocks.",
	Severity: finding.High,
	Control:  "token-expiry",
	Effect:   probe.Read,
	Option:   "--slow",
	Per:      probe.Once,
	Needs:    []probe.Need{probe.NeedContent},
	Idle:     (*probe.Trial).NoTokens,
	Run:      patience{leeway: 60 * time.Second, margin: 10 * time.Second, most: 10 * time.Minute}.run,
}

// patience is how long the end of a token is waited for.
type patience struct {
	leeway time.Duration // that verifiers give
	margin time.Duration // beyond it
	most   time.Duration // that a token may live to be waited for
}

func (p patience) run(ctx context.Context, t *probe.Trial) probe.Result {
	o, no := ownToken(ctx, t)
	if no.Outcome != "" {
		return no
	}
	if r := outOfTime(ctx, t); r.Outcome == finding.Fail || r.Outcome == finding.Pass && !t.Slow() {
		return r
	}
	r := probe.Result{Identity: o.id.Name, Evidence: o.trail(), Subject: manifest(o.plain), Attempts: 1}
	if o.minted.JWT != nil {
		if _, ok := o.minted.JWT.Seconds("exp"); !ok {
			return endless(ctx, t, o, r)
		}
	}
	end, of := endsAt(o)
	switch left := time.Until(end); {
	case !t.Slow():
		r.Outcome, r.Reason = finding.NotChecked, fmt.Sprintf("it needs --slow: %s", of)
		return r
	case left > p.most:
		r.Outcome, r.Reason = finding.NotChecked, fmt.Sprintf("%s, and no longer than %s is waited for", of, span(int64(p.most/time.Second)))
		return r
	}
	until := end.Add(p.leeway + p.margin)
	if !t.Lasts(ctx, until.Add(10*time.Second)) {
		r.Outcome = finding.NotChecked
		r.Reason = fmt.Sprintf("%s: with the leeway that is longer than the run may take; --timeout %s or more is needed", of, (time.Until(until) + 3*time.Minute).Truncate(time.Minute))
		return r
	}
	r.Later = func(ctx context.Context) probe.Result { return p.after(ctx, t, o, r, end, of) }
	return r
}

// endless judges a token that can be read and names no end.
func endless(ctx context.Context, t *probe.Trial, o own, r probe.Result) probe.Result {
	again, no := o.again(ctx, t)
	if no.Outcome != "" {
		return no
	}
	r.Evidence, r.Attempts = slices.Concat(r.Evidence, again.trail()), 2
	if again.minted.JWT == nil {
		r.Outcome, r.Reason = finding.Unknown, "one token has no exp, and the next one cannot be read"
		return r
	}
	if _, ok := again.minted.JWT.Seconds("exp"); ok {
		r.Outcome, r.Reason = finding.Unknown, "one token has no exp, and the next one has"
		return r
	}
	r.Outcome, r.Severity = finding.Fail, finding.Medium
	r.Reason = "two tokens whose exp is missing or no number open the manifest"
	r.Message = fmt.Sprintf("the token service gives %s tokens without an end, and the registry takes them", o.id.Name)
	return decided(r, again.used, "allow")
}

// endsAt is when a token ends by the clock here, and what says so.
func endsAt(o own) (time.Time, string) {
	now := time.Now()
	if o.minted.JWT == nil {
		l := lifeOf(o.minted)
		return now.Add(time.Duration(min(l.seconds, 1<<31)) * time.Second), l.text
	}
	exp, _ := o.minted.JWT.Seconds("exp")
	var clock int64
	if date, ok := dated(o.used); ok {
		clock = date.Unix()
	} else { // the token service's clock is nearer to the registry's than this one
		clock, _ = began(o.minted)
	}
	left := bounded(exp, clock)
	return now.Add(time.Duration(min(left, 1<<31)) * time.Second), fmt.Sprintf("the token lives %s more", span(left))
}

// after uses the token when its time has passed.
func (p patience) after(ctx context.Context, t *probe.Trial, o own, r probe.Result, end time.Time, of string) probe.Result {
	r.Later = nil
	begin := time.Now()
	if err := t.Wait(ctx, end.Add(p.leeway+p.margin), "the end of a token, and its leeway"); err != nil {
		r.Outcome, r.Reason = finding.NotChecked, "interrupted"
		return r
	}
	waited := fmt.Sprintf("%s; used again %s later, %s after its end", of, span(int64(time.Since(begin)/time.Second)), span(int64((p.leeway+p.margin)/time.Second)))
	first := t.Use(ctx, o.id.Name, o.minted.Token, o.plain.Request)
	second := t.Use(ctx, o.id.Name, o.minted.Token, o.plain.Request)
	stranger := t.Plainly(ctx, o.plain)
	fresh, no := o.again(ctx, t)
	r.Attempts += 2
	r.Control = slices.Concat(o.used.Trail, fresh.trail(), stranger.Trail)
	r.Evidence = slices.Concat(first.Trail, second.Trail)
	opens, still := t.Serves(o.plain, first), t.Serves(o.plain, second)
	switch exp, read := endOf(o.minted.Token); {
	case t.Serves(o.plain, stranger):
		return probe.NotApplicable("it is open to everybody")
	case opens && still:
		if date, ok := dated(second); ok && read && exp != nil && date.Unix() <= *exp+int64(p.leeway/time.Second) {
			r.Outcome, r.Reason = finding.Unknown, waited+"; it opens the manifest, and by the registry's own clock it has not ended"
			return r
		}
		r.Outcome, r.Reason = finding.Fail, waited+"; it opens the manifest, twice, and a stranger is denied"
		r.Message = fmt.Sprintf("a token of %s works after its end", o.id.Name)
		if o.minted.JWT == nil && o.minted.ExpiresIn == 0 { // nobody has said when it ends
			r.Severity = finding.Medium
		}
		return decided(r, second, "allow")
	case opens || still:
		r.Outcome, r.Reason = finding.Unknown, waited+"; it opened the manifest one time of two"
	case no.Outcome != "":
		r.Outcome, r.Reason = no.Outcome, no.Reason
	case !denied(first) || !denied(second):
		r.Outcome, r.Reason = finding.Unknown, fmt.Sprintf("%s; answered %s and %s, which is no denial", waited, said(first), said(second))
	default:
		r.Outcome, r.Reason = finding.Pass, fmt.Sprintf("%s; refused (%s), and a new token is not", waited, said(second))
		return decided(r, second, "deny")
	}
	return r
}
