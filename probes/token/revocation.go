// SPDX-License-Identifier: Apache-2.0

package token

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/probe"
)

// Revocation takes a credential away and sees when that counts.
var Revocation = probe.Probe{
	ID:    "token/revocation",
	Title: "A revoked credential opens nothing",
	Why: "When somebody leaves, or a robot's password leaks, taking the right away is all that " +
		"is left to do. Decisions and groups that are cached, and tokens that outlive their " +
		"end, keep the door open (CVE-2025-23208). A token also outlives a project that is " +
		"deleted and made anew under its name, if the registry does not ask when it was made.",
	How: []string{
		"only with check.revoke in the file and --slow, at the primary endpoint, after everything else: the identity reads the image and gets a token; then check.revoke.command is run, an operator's own",
		"every two seconds: does the credential still get a token that opens the manifest (or the manifest, with Basic), until it is refused twice; and does the token from before",
		"a failure: the credential opens the manifest after check.revoke.within, or the token more than 60 s after its end",
		"that the token works until its end is its nature: how long it did is in the reason. One that lives longer than 10 minutes is not followed to its end",
		"check.revoke.restore is run at the end in any case, also after an interrupt, and whether the credential is back is looked at; both commands have two minutes",
	},
	Fix: "Ask who may do what for every token, without a cache or with one of seconds, and let tokens " +
		"live for five minutes; zot before 2.1.2: upgrade.",
	NotWhen:  "check.revoke.within is shorter than what was agreed on.",
	Severity: finding.High,
	Control:  "token-revocation",
	Effect:   probe.Read,
	Option:   "check.revoke, --slow",
	Per:      probe.Last,
	Needs:    []probe.Need{probe.NeedContent},
	Run:      vigil{every: 2 * time.Second, leeway: 60 * time.Second, most: 10 * time.Minute}.run,
}

// vigil is how a revoked credential is watched.
type vigil struct {
	every  time.Duration // between two questions
	leeway time.Duration // of verifiers, after a token's end
	most   time.Duration // that a token may live to be followed to its end
}

func (v vigil) run(ctx context.Context, t *probe.Trial) probe.Result {
	rev := t.Revocation()
	not := func(reason string) probe.Result { return probe.Result{Outcome: finding.NotChecked, Reason: reason} }
	switch {
	case rev == nil:
		return not("it needs check.revoke in the file (how a credential is taken away) and --slow")
	case !t.Slow():
		return not("it needs --slow: it waits for a revocation to count")
	case !t.Primary():
		return probe.NotApplicable("it is tried at the primary endpoint alone")
	case t.Planning():
		return not("a plan runs no command")
	}
	i := slices.IndexFunc(t.Identities(), func(id *probe.Identity) bool { return id.Name == rev.Identity })
	if i < 0 {
		return probe.NotApplicable(fmt.Sprintf("%s is no identity of this registry that can be used", rev.Identity))
	}
	w := &watched{vigil: v, t: t, rev: rev, id: t.Identities()[i], plain: t.Plain()}
	w.plain.Request.Reference = string(t.Known().Root.Digest)
	return w.run(ctx)
}

// commandTime bounds what is run to revoke and to restore.
const commandTime = 2 * time.Minute

// watched is one revocation under way.
type watched struct {
	vigil
	t      *probe.Trial
	rev    *probe.Revocation
	id     *probe.Identity
	plain  probe.Attempt
	issued *own // nil where there is no token service
	end    time.Time
	result probe.Result
}

func (w *watched) run(ctx context.Context) (r probe.Result) {
	w.result = probe.Result{Identity: w.id.Name, Subject: manifest(w.plain)}
	if no := w.alive(ctx); no.Outcome != "" {
		return no
	}
	need := w.rev.Within
	if w.issued != nil && time.Until(w.end) <= w.most {
		need = max(need, time.Until(w.end)+w.leeway)
	}
	if until := time.Now().Add(need + 30*time.Second); !w.t.Lasts(ctx, until) {
		return probe.Result{Outcome: finding.NotChecked, Reason: fmt.Sprintf("to see it to the end takes %s from now: pass a longer --timeout", need.Round(time.Second))}
	}
	defer func() { r.Reason = strings.TrimPrefix(r.Reason+w.restore(ctx), "; ") }()
	defer w.t.Doing(fmt.Sprintf("watching until %s how long the revoked credential of %s works", time.Now().Add(need).Format(time.TimeOnly), w.id.Name))()
	begin := time.Now()
	command, cancel := context.WithTimeout(ctx, commandTime)
	defer cancel()
	if err := w.rev.Revoke(command); err != nil {
		w.result.Outcome, w.result.Reason = finding.Unknown, fmt.Sprintf("check.revoke.command: %v", err)
		return w.result
	}
	return w.watch(ctx, begin)
}

// alive is the positive control: the identity reads the image, and gets a token
// where tokens are given.
func (w *watched) alive(ctx context.Context) probe.Result {
	is, no := w.t.Issuer(ctx)
	if no.Outcome != "" && no.Outcome != finding.NotApplicable {
		return no
	}
	if no.Outcome == finding.NotApplicable {
		a := w.t.Password(ctx, w.id, w.plain.Request)
		w.result.Control = a.Trail
		if !w.t.Serves(w.plain, a) {
			return probe.Result{Outcome: finding.Unknown, Reason: fmt.Sprintf("no control: %s does not read the manifest (%s), so nothing was revoked", w.id.Name, said(a)), Evidence: a.Trail}
		}
		return probe.Result{}
	}
	o := own{id: w.id, issuer: is, plain: w.plain}
	o, no = o.again(ctx, w.t)
	if no.Outcome != "" {
		no.Reason += ", so nothing was revoked"
		return no
	}
	w.issued, w.result.Control = &o, o.trail()
	w.end, _ = endsAt(o)
	return probe.Result{}
}

// state is what was seen of one of the two: the credential, or the token that it
// got before.
type state struct {
	open    time.Duration // when it opened the manifest for the last time
	refused int           // in a row
	at      time.Duration // when it was refused first
	trail   []string      // of the last opening, or of the refusals
	other   string        // what was neither
}

func (s *state) done() bool { return s.refused >= 2 }

// late says whether it is too late for a refusal to count. One that was seen once
// is seen once more first.
func (s *state) late(now, within time.Duration) bool { return now > within && s.refused == 0 }

// stays says whether it opened the manifest after it should have been refused, and
// was not refused since.
func (s *state) stays(within time.Duration) bool {
	return s.refused == 0 && s.other == "" && s.open > within
}

func (s *state) add(now time.Duration, opens bool, a probe.Answer, refused bool, trail []string) {
	switch {
	case opens:
		s.open, s.refused, s.trail, s.other = now, 0, trail, ""
	case refused:
		if s.refused++; s.refused == 1 {
			s.at, s.trail = now, nil
		}
		s.trail, s.other = append(s.trail, trail...), ""
	default:
		s.refused, s.other, s.trail = 0, said(a), trail
	}
}

// watch asks until both are refused, or there is nothing more to wait for.
func (w *watched) watch(ctx context.Context, begin time.Time) probe.Result {
	var credential, token state
	follow := w.issued != nil && time.Until(w.end) <= w.most
	var ended bool
	for {
		now := time.Since(begin)
		if !credential.done() {
			opens, refused, a, trail := w.exchange(ctx)
			credential.add(now, opens, a, refused, trail)
		}
		if w.issued != nil && !token.done() {
			a := w.t.Use(ctx, w.id.Name, w.issued.minted.Token, w.plain.Request)
			token.add(now, w.t.Serves(w.plain, a), a, denied(a), a.Trail)
		}
		w.result.Attempts++
		late := credential.late(now, w.rev.Within) // whatever becomes of the token
		ended = w.issued != nil && time.Now().After(w.end.Add(w.leeway))
		if late || credential.done() && (w.issued == nil || token.done() || !follow || ended) {
			break
		}
		if ctx.Err() != nil || w.t.Wait(ctx, time.Now().Add(w.every), "") != nil {
			w.result.Outcome, w.result.Reason = finding.NotChecked, "interrupted"
			return w.result
		}
	}
	return w.judge(credential, token, ended && follow)
}

// exchange logs in anew and asks for the manifest.
func (w *watched) exchange(ctx context.Context) (opens, refused bool, a probe.Answer, trail []string) {
	if w.issued == nil {
		a = w.t.Password(ctx, w.id, w.plain.Request)
		return w.t.Serves(w.plain, a), denied(a), a, a.Trail
	}
	m := w.issued.mint(ctx, w.t, false)
	if m.Token == "" {
		return false, m.Refused, m.Answer, m.Trail
	}
	a = w.t.Use(ctx, w.id.Name, m.Token, w.plain.Request)
	return w.t.Serves(w.plain, a), denied(a), a, slices.Concat(m.Trail, a.Trail)
}

// judge says what was seen of both.
func (w *watched) judge(credential, token state, ended bool) probe.Result {
	r := w.result
	var text []string
	switch {
	case credential.done():
		text = append(text, fmt.Sprintf("the credential was refused after %s", after(credential.at)))
	case credential.other != "":
		text = append(text, fmt.Sprintf("the credential was answered %s at last", credential.other))
	default:
		text = append(text, fmt.Sprintf("the credential still opened the manifest after %s", after(credential.open)))
	}
	switch {
	case w.issued == nil:
	case token.done():
		text = append(text, fmt.Sprintf("the token from before was refused after %s", after(token.at)))
	case token.other != "":
		text = append(text, fmt.Sprintf("the token from before was answered %s at last", token.other))
	case !ended:
		text = append(text, fmt.Sprintf("the token from before still worked after %s, and was followed no longer", after(token.open)))
	default:
		text = append(text, fmt.Sprintf("the token from before worked for %s, longer than %s after its end", after(token.open), span(int64(w.leeway/time.Second))))
	}
	r.Reason = strings.Join(text, "; ")
	r.Evidence = slices.Concat(credential.trail, token.trail)
	stays := credential.stays(w.rev.Within)
	outlives := ended && !token.done() && token.other == ""
	switch {
	case stays:
		r.Outcome, r.Observed, r.Evidence = finding.Fail, "allow", credential.trail
		r.Message = fmt.Sprintf("%s still gets in with the credential that was revoked, %s after that", w.id.Name, after(credential.open))
	case outlives:
		r.Outcome, r.Observed, r.Evidence = finding.Fail, "allow", token.trail
		r.Message = fmt.Sprintf("a token of %s outlives its end and the revocation of the credential", w.id.Name)
	case !credential.done() || ended && !token.done():
		r.Outcome = finding.Unknown
	default:
		r.Outcome, r.Observed = finding.Pass, "deny"
	}
	return r
}

func after(d time.Duration) string {
	if d < 10*time.Second {
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
	return d.Round(time.Second).String()
}

// restore gives the credential back, whatever happened, and says what came of it.
func (w *watched) restore(ctx context.Context) string {
	if w.rev.Restore == nil {
		return "; no check.revoke.restore is named: the credential stays revoked"
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), commandTime)
	defer cancel()
	defer w.t.Doing("giving " + w.id.Name + " its credential back")()
	if err := w.rev.Restore(ctx); err != nil {
		return fmt.Sprintf("; check.revoke.restore: %v", err)
	}
	for range 5 {
		if opens, _, _, _ := w.exchange(ctx); opens {
			return ""
		}
		if w.t.Wait(ctx, time.Now().Add(w.every), "") != nil {
			break
		}
	}
	return "; check.revoke.restore was run, and the credential does not work again"
}
