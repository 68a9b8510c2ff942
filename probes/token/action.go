// SPDX-License-Identifier: Apache-2.0

package token

import (
	"context"
	"fmt"
	"slices"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/probe"
)

// Action uses a token to pull for something else.
var Action = probe.Probe{
	ID:    "token/action",
	Title: "A token to pull lets nobody push or delete",
	Why: "The token that a scanner or a cache got to read would replace your images, when the registry " +
		"looks at the repository in a token and not at the action.",
	How: []string{
		"who may pull the image asks for the right to pull it alone; the token is used for POST uploads, which is cancelled at once when it is started, and for DELETE of a manifest that cannot exist",
		"202 to the upload is a failure, and so is a DELETE that is answered 404 MANIFEST_UNKNOWN or 202 twice where a stranger is denied; 405 says nothing",
		"an opaque token that does so is of medium severity: its user may push by himself",
		"a token that says itself that it may push is no matter of this probe: token/surplus uses it",
	},
	Fix:      "Compare the action of every request with the access claim: POST, PUT and PATCH need push, DELETE needs delete (zot before 2.1.18 takes push for it).",
	NotWhen:  "Never for an upload. For DELETE alone: the registry looks for the digest before it looks at rights; try it with an image of your own.",
	Severity: finding.High,
	Control:  "token-action",
	Effect:   probe.CancelledWrite,
	Per:      probe.Once,
	Needs:    []probe.Need{probe.NeedContent},
	Run: func(ctx context.Context, t *probe.Trial) probe.Result {
		m := templateOf(ctx, t)
		id := t.Entitlement()
		switch {
		case m.result.Outcome != "":
			return m.result
		case id == nil:
			return probe.NotApplicable("no identity that may pull the image can be used")
		}
		var g given
		l := beside(func() {
			g = ask(ctx, t, m.issuer, []wish{{"scope=" + t.Scope("pull"), probe.Mint{As: id, Scopes: []string{t.Scope("pull")}}}})[0]
		}, func() lenient { return lenience(ctx, t) })
		if l.anything {
			return t.Told("any bearer opens the image", "ingress/authorization")
		}
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
			r.Message += ". The token is opaque: it is one of all that its user may do"
		}
		r.Evidence = slices.Concat(g.Trail, r.Evidence)
		return r
	},
}
