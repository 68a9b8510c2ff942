// SPDX-License-Identifier: Apache-2.0

package token

import (
	"context"
	"fmt"
	"slices"

	"github.com/regproof/regproof/access"
	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/probe"
)

// Action uses a token to pull for something else.
var Action = probe.Probe{
	ID:    "token/action",
	Title: "A token allows no other action than those that it names",
	Why: "The token that a scanner or a cache got to read would replace your images, and that of a build " +
		"would delete them, when the registry looks at the repository in a token and not at the action.",
	How: []string{
		"who may pull the image asks for the right to pull it alone; the token is used for POST uploads, which is cancelled at once when it is started, and for DELETE of a manifest that cannot exist",
		"202 to the upload is a failure, and so is a DELETE that is answered 404 MANIFEST_UNKNOWN or 202 twice where a stranger is denied; 405 says nothing",
		"he, or else the first whom policy lets push there, asks for the right to pull and to push; that token is used for the DELETE alone",
		"an opaque token that does so is of medium severity: its user may push by himself",
		"a token that says itself that it may push is no matter of this probe: token/surplus uses it",
	},
	Fix:      "Compare the action of every request with the access claim: POST, PUT and PATCH need push, DELETE needs delete (zot before 2.1.18 takes push for it).",
	NotWhen:  "Never for an upload. For DELETE alone: the registry looks for the digest before it looks at rights; try it with an image of your own. Nor where the right to push is meant to be the right to delete.",
	Severity: finding.High,
	Control:  "token-action",
	Effect:   probe.CancelledWrite,
	Per:      probe.Once,
	Needs:    []probe.Need{probe.NeedContent},
	Idle:     (*probe.Trial).NoTokens,
	Run: func(ctx context.Context, t *probe.Trial) probe.Result {
		m := templateOf(ctx, t)
		id := t.Entitlement()
		switch {
		case m.result.Outcome != "":
			return m.result
		case id == nil:
			return probe.NotApplicable("no identity that may pull the image can be used")
		}
		var all []given
		l := beside(func() { all = ask(ctx, t, m.issuer, toAct(t, id)) }, func() lenient { return lenience(ctx, t) })
		if l.anything {
			return t.Told("any bearer opens the image", "ingress/authorization")
		}
		g := all[0]
		switch more, readable := beyond(g, t.Name(t.Repository())); {
		case g.NotAsked != "":
			return probe.Result{Outcome: finding.NotChecked, Reason: g.NotAsked}
		case g.Token == "":
			return probe.Result{Outcome: finding.Unknown, Reason: fmt.Sprintf("%s was given no token: %v", id.Name, g.Err), Evidence: g.Trail}
		case readable && len(more) > 0:
			return t.Told("the token says itself that it allows more", "token/surplus")
		}
		r := write(ctx, t, g, "a token to pull")
		if _, readable := beyond(g, t.Name(t.Repository())); r.Outcome == finding.Fail && !readable {
			r.Severity = finding.Medium
			r.Message += ofItsUser
		}
		if r.Outcome == finding.Pass {
			r = byPush(ctx, t, r, all[1:])
		}
		r.Evidence = slices.Concat(g.Trail, r.Evidence)
		return r
	},
}

const ofItsUser = ". The token is opaque: it is one of all that its user may do"

// toAct are the tokens to ask for: one to pull, and one to push of whoever reads
// the image and of the first whom policy lets push.
func toAct(t *probe.Trial, id *probe.Identity) []wish {
	wishes := []wish{
		{"scope=" + t.Scope("pull"), probe.Mint{As: id, Scopes: []string{t.Scope("pull")}}},
		{"scope=" + t.Scope("pull,push"), probe.Mint{As: id, Scopes: []string{t.Scope("pull,push")}}},
	}
	for _, other := range t.Identities() {
		if allow, stated, _ := t.May(other, t.Repository(), access.Push); other.Name != id.Name && allow && stated {
			return append(wishes, wish{wishes[1].name, probe.Mint{As: other, Scopes: wishes[1].mint.Scopes}})
		}
	}
	return wishes
}

// byPush uses a token to push for DELETE. r is what became of that to pull.
func byPush(ctx context.Context, t *probe.Trial, r probe.Result, all []given) probe.Result {
	name := t.Name(t.Repository())
	i := slices.IndexFunc(all, func(g given) bool { return g.Token != "" && g.claims(name, "push") })
	if i < 0 {
		r.Reason += "; nobody was given a token to push, which might delete"
		return r
	}
	g := all[i]
	_, readable := beyond(g, name)
	if readable && g.claims(name, "delete") {
		r.Reason += "; a token that was asked for to push says itself that it deletes"
		return r
	}
	const with = "a token to push"
	outcome, reason, trail := strikes(ctx, t, form{name: g.name, token: g.Token, with: with, as: g.as(), secret: true}.attempt(probe.Attempt{}))
	r.Reason += "; with " + with + ": " + reason
	r.Attempts += len(trail)
	r.Evidence = slices.Concat(r.Evidence, g.Trail, trail)
	if outcome == finding.Pass {
		return r
	}
	r.Outcome, r.Observed, r.Identity, r.Variant = outcome, "unknown", g.as(), g.name
	if outcome == finding.Fail {
		r.Observed, r.Subject, r.Reason = "allow", &finding.Subject{Kind: "manifest"}, "the right to delete was there"
		r.Message = struck(t, with, reason)
		if !readable {
			r.Severity = finding.Medium
			r.Message += ofItsUser
		}
	}
	return r
}
