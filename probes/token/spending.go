// SPDX-License-Identifier: Apache-2.0

package token

import (
	"context"
	"slices"
	"strings"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/probe"
)

// spending is what came of the refresh tokens of several identities.
type spending struct {
	given []given
	held  []renewal
}

// spendAll lets identities redeem refresh tokens for what they may not have, all
// at once.
func spendAll(ctx context.Context, t *probe.Trial, is probe.Issuer, who []*probe.Identity, wishes func(*probe.Identity) []wish) spending {
	s := spending{held: make([]renewal, len(who))}
	got := make([][]given, len(who))
	var tasks []func()
	for i, id := range who {
		tasks = append(tasks, func() {
			s.held[i] = renewalOf(ctx, t, is, id, permitted(t, id))
			got[i] = s.held[i].spend(ctx, t, wishes(id))
		})
	}
	together(tasks...)
	s.given = slices.Concat(got...)
	return s
}

// of is what came of one identity's.
func (s spending) of(id *probe.Identity) []given {
	return slices.DeleteFunc(slices.Clone(s.given), func(g given) bool { return g.mint.As != id })
}

// fold says of a pass what it is not about, and turns it into none where a refresh
// token was given of which nothing is known.
func (s spending) fold(r probe.Result) probe.Result {
	if r.Outcome != finding.Pass {
		return r
	}
	for _, h := range s.held {
		r.Control = append(r.Control, h.trail...)
		switch {
		case h.dead != "":
			r.Outcome, r.Observed, r.Reason = finding.Unknown, "unknown", h.dead
			return r
		case h.none != "":
			r.Reason = strings.TrimPrefix(r.Reason+"; "+h.none, "; ")
		}
	}
	return r
}

// renewed are the ways to redeem a refresh token for the image.
func renewed(t *probe.Trial, id *probe.Identity) (out []wish) {
	add := func(what string, m probe.Mint) {
		out = append(out, wish{id.Name + ": a refresh token redeemed for " + what, m})
	}
	for _, actions := range []string{"pull", "pull,push,delete", "*"} {
		add("scope="+t.Scope(actions), probe.Mint{Scopes: []string{t.Scope(actions)}})
	}
	both := permitted(t, id) + " " + t.Scope("pull")
	add("scope="+both, probe.Mint{Scopes: []string{both}})
	add("service="+t.Nonce(), probe.Mint{Service: t.Nonce(), Scopes: []string{t.Scope("pull")}})
	return out
}
