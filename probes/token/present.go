// SPDX-License-Identifier: Apache-2.0

package token

import (
	"context"
	"slices"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/probe"
	"github.com/regproof/regproof/wire"
)

// form is one token to show to the registry.
type form struct {
	name   string // in the words of a finding
	token  string
	cause  string // what a registry does wrong when this opens something
	with   string // "a forged token"; see probe.Attempt.With
	as     string // who got it; "" is a stranger, or nobody
	secret bool   // it holds what an issuer gave, or what tells of a user
	layer  bool   // it is tried on a layer, too
	trail  []string
	change func(*wire.Request) // instead of one Authorization header

	severity finding.Severity // when other than the probe's
}

// forgery is what a made-up token is called in findings.
const forgery = "a forged token"

func (f form) attempt(plain probe.Attempt) probe.Attempt {
	a := probe.Forged(plain, f.name, f.token)
	if f.change != nil {
		a.Change = f.change
	}
	a.Cause, a.With, a.As, a.Secret = f.cause, f.with, f.as, f.secret
	if a.With == "" {
		a.With = forgery
	}
	if f.severity != "" {
		a.Judge = func(ctx context.Context, t *probe.Trial, a probe.Attempt, answer probe.Answer) probe.Verdict {
			v := probe.JudgeOdd(ctx, t, a, answer)
			v.Severity = f.severity
			return v
		}
	}
	return a
}

// present shows tokens to the registry, on the manifest and some of them on a
// layer. plain is how the same is asked without: with the token that everybody
// gets, or with none at all.
func present(ctx context.Context, t *probe.Trial, forms []form, without bool) probe.Result {
	sets := []probe.Set{{Plain: t.Plain()}}
	if layer, ok := t.PlainLayer(); ok && slices.ContainsFunc(forms, func(f form) bool { return f.layer }) {
		sets = append(sets, probe.Set{Plain: layer})
	}
	for i := range sets {
		sets[i].Plain.Direct = without
		for _, f := range forms {
			if f.secret {
				t.Hide(f.token)
			}
			if i == 0 || f.layer {
				sets[i].Odd = append(sets[i].Odd, f.attempt(sets[i].Plain))
			}
		}
	}
	r := t.Vary(ctx, sets...)
	if r.Outcome == finding.Fail {
		if i := slices.IndexFunc(forms, func(f form) bool { return f.name == r.Variant }); i >= 0 {
			r.Evidence = slices.Concat(forms[i].trail, r.Evidence) // reports show the last
		}
	}
	return r
}
