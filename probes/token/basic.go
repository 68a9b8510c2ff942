// SPDX-License-Identifier: Apache-2.0

package token

import (
	"context"
	"fmt"
	"slices"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/login"
	"github.com/regproof/regproof/probe"
	"github.com/regproof/regproof/wire"
)

// Basic shows the registry the password that the token service is for.
var Basic = probe.Probe{
	ID:    "token/basic",
	Title: "A password is not accepted beside tokens",
	Why: "A registry that asks for short-lived tokens and takes the password as well can be used " +
		"without ever asking the token service: what that enforces (a second factor, a " +
		"throttle, a log, federation) is passed by, and the password travels with every request.",
	How: []string{
		"where strangers are sent to a token service: GET the manifest with the password of the identity that may read the image as Basic, at the registry itself, twice on new connections",
		"a fresh token of the same identity opens the manifest",
		"it is an ordinary login: the password goes to no place where it would not go anyway",
	},
	Fix: "Accept Bearer alone where a token service is named.",
	NotWhen: "The product documents it: Harbor, GitLab, Nexus, Artifactory, Gitea and ACR take passwords at " +
		"/v2/ by design, and robots may have no other way. Then see that those passwords end.",
	Severity: finding.Low,
	Control:  "token-basic",
	Effect:   probe.Read,
	Per:      probe.Once,
	Needs:    []probe.Need{probe.NeedContent},
	Idle:     (*probe.Trial).NoTokens,
	Run:      besideTokens,
}

func besideTokens(ctx context.Context, t *probe.Trial) probe.Result {
	o, no := ownToken(ctx, t)
	if no.Outcome != "" {
		return no
	}
	r := probe.Result{Identity: o.id.Name, Control: o.trail(), Attempts: 1, Subject: manifest(o.plain)}
	a := t.Password(ctx, o.id, o.plain.Request)
	r.Evidence = a.Trail
	switch {
	case a.Problem != "":
		r.Outcome, r.Reason = finding.NotChecked, a.Problem
		return r
	case t.Serves(o.plain, a):
		again := t.Password(ctx, o.id, o.plain.Request)
		r.Attempts, r.Evidence = 2, slices.Concat(a.Trail, again.Trail)
		if !t.Serves(o.plain, again) {
			r.Outcome, r.Reason = finding.Unknown, fmt.Sprintf("the password was accepted once, and then answered %s", said(again))
			return r
		}
		plain := t.Plainly(ctx, o.plain)
		r.Control = append(r.Control, plain.Trail...)
		if t.Serves(o.plain, plain) {
			return probe.NotApplicable("it is open to everybody")
		}
		if anybody := t.Peek(ctx, asStray(t, o.plain)); anybody.Outcome == finding.Fail {
			return t.Told("a made-up user and password open it as well", "ingress/authorization")
		}
		r.Outcome, r.Reason = finding.Fail, "the password opens the manifest, twice; a token service is named all the same"
		r.Message = fmt.Sprintf("the registry takes the password of %s itself, beside the tokens that it asks for", o.id.Name)
		return decided(r, again, "allow")
	}
	if no := t.Doubt(a); no.Outcome != "" {
		no.Control = r.Control
		return no
	}
	if !denied(a) {
		r.Outcome, r.Reason = finding.Unknown, fmt.Sprintf("the password is answered %s, neither with the manifest nor with a denial", said(a))
		return r
	}
	r.Outcome, r.Reason = finding.Pass, fmt.Sprintf("the password is refused at the registry (%s), a token is not", said(a))
	return decided(r, a, "deny")
}

// asStray is the plain request with the credential of a user that does not exist.
func asStray(t *probe.Trial, plain probe.Attempt) probe.Attempt {
	user, password := t.Stray()
	plain.Variant = "a made-up user and password"
	plain.Change = func(r *wire.Request) {
		r.Header = append(r.Header, [2]string{"Authorization", login.BasicHeader(user, password)})
	}
	return plain
}
