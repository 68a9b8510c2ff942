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

	renewal renewal // the refresh token from before, if one is given
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
	w.holdRenewal(ctx)
	return probe.Result{}
}

// watch asks until all are refused, or there is nothing more to wait for.
func (w *watched) watch(ctx context.Context, begin time.Time) probe.Result {
	var credential, token, refresh state
	follow := w.issued != nil && time.Until(w.end) <= w.most
	outlived := 0 // openings by the token when it should open nothing any more
	for {
		now := time.Since(begin)
		ended := w.issued != nil && time.Now().After(w.end.Add(w.leeway))
		if !credential.done() {
			opens, refused, a, trail := w.exchange(ctx)
			credential.add(now, opens, a, refused, trail)
		}
		if w.issued != nil && !token.done() {
			a := w.t.Use(ctx, w.id.Name, w.issued.minted.Token, w.plain.Request)
			opens := w.t.Serves(w.plain, a)
			token.add(now, opens, a, denied(a), a.Trail)
			if opens && ended {
				outlived++
			}
		}
		if w.renewal.token != "" && !refresh.done() {
			opens, refused, a, trail := w.renew(ctx)
			refresh.add(now, opens, a, refused, trail)
		}
		w.result.Attempts++
		late := credential.late(now, w.rev.Within) // whatever becomes of the token
		seen := w.issued == nil || token.done() || !follow || outlived >= 2 || ended && token.other != ""
		renews := w.renewal.token != "" && refresh.late(now, w.rev.Within)
		renewed := w.renewal.token == "" || refresh.done() || renews
		if late || credential.done() && renewed && (seen || renews) {
			break
		}
		if ctx.Err() != nil || w.t.Wait(ctx, time.Now().Add(w.every), "") != nil {
			w.result.Outcome, w.result.Reason = finding.NotChecked, "interrupted"
			return w.result
		}
	}
	return w.judge(credential, token, refresh, outlived >= 2 && follow)
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

// judge says what was seen of each.
func (w *watched) judge(credential, token, refresh state, outlives bool) probe.Result {
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
	case !outlives:
		text = append(text, fmt.Sprintf("the token from before still worked after %s, and was followed no longer", after(token.open)))
	default:
		text = append(text, fmt.Sprintf("the token from before worked for %s, longer than %s after its end", after(token.open), span(int64(w.leeway/time.Second))))
	}
	if said := w.renewed(refresh); said != "" {
		text = append(text, said)
	}
	r.Reason = strings.Join(text, "; ")
	r.Evidence = slices.Concat(credential.trail, token.trail, refresh.trail)
	stays := credential.stays(w.rev.Within)
	switch {
	case stays:
		r.Outcome, r.Observed, r.Evidence = finding.Fail, "allow", credential.trail
		r.Message = fmt.Sprintf("%s still gets in with the credential that was revoked, %s after that", w.id.Name, after(credential.open))
	case w.renewal.token != "" && refresh.stays(w.rev.Within):
		r.Outcome, r.Observed, r.Evidence = finding.Fail, "allow", refresh.trail
		r.Message = fmt.Sprintf("%s still gets in with a refresh token from before the credential was revoked, %s after that", w.id.Name, after(refresh.open))
	case outlives:
		r.Outcome, r.Observed, r.Evidence = finding.Fail, "allow", token.trail
		r.Message = fmt.Sprintf("a token of %s outlives its end and the revocation of the credential", w.id.Name)
	case !credential.done() || token.other != "" || refresh.other != "" || w.renewal.dead != "":
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
