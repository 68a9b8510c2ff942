// SPDX-License-Identifier: Apache-2.0

package token

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"

	"github.com/regproof/regproof/probe"
)

// renewal is a refresh token of an identity, redeemed once to see that it works.
// A zero token is that there is none to redeem.
type renewal struct {
	id     *probe.Identity
	issuer probe.Issuer
	scope  string      // which it is good for
	offer  *probe.Mint // how it was got; nil is with a login of its own
	token  string      // the newest
	turns  bool        // each use gives another, and may end the one before
	trail  []string    // of how it was given, and redeemed
	none   string      // why there is none, which proves nothing and holds up nothing
	dead   string      // why nothing is known of the one that was given
}

// renewalOf asks for a refresh token, by GET and by POST, and redeems it for a
// scope that the identity may have.
func renewalOf(ctx context.Context, t *probe.Trial, is probe.Issuer, id *probe.Identity, scope string) renewal {
	r := renewal{id: id, issuer: is, scope: scope}
	asked := probe.Mint{As: id, Scopes: []string{scope}, Offline: true}
	posted := asked
	posted.Post = true
	var subject string
	var why error
	if c := id.Secret.Credential; c.Username == "" && !c.Refresh.IsZero() {
		r.token = c.Refresh.Reveal() // it logs in with one
	} else {
		for _, g := range ask(ctx, t, is, []wish{{"", asked}, {"", posted}}) {
			r.trail = append(r.trail, g.Trail...)
			switch {
			case g.broke():
			case g.NotAsked != "" || g.Err != nil && !g.refused():
				why = g.Err
			case r.token == "" && g.Refresh != g.Token:
				r.token, subject = g.Refresh, subjectOf(g.Minted)
				if r.token != "" {
					r.offer = &g.mint
				}
			}
		}
	}
	switch {
	case r.token == "" && why != nil:
		r.dead = fmt.Sprintf("%s could not ask for a refresh token: %v", id.Name, why)
		return r
	case r.token == "":
		r.none = id.Name + " is given no refresh token (offline_token=true, access_type=offline)"
		return r
	}
	g := r.redeem(ctx, t, probe.Mint{Scopes: []string{scope}})
	r.trail = append(r.trail, g.Trail...)
	switch got := subjectOf(g.Minted); {
	case g.missed():
		r.none, r.token = fmt.Sprintf("nothing takes the refresh token of %s (POST: %d)", id.Name, g.Status), ""
	case g.Token == "":
		r.dead, r.token = fmt.Sprintf("the refresh token of %s is good for nothing (%s)", id.Name, cmp.Or(said(g.Answer), fmt.Sprint(g.Err))), ""
	case subject != "" && got != "" && got != subject:
		r.dead, r.token = fmt.Sprintf("the refresh token of %s gets a token of somebody else", id.Name), ""
	}
	return r
}

func subjectOf(m probe.Minted) string {
	if m.JWT == nil {
		return ""
	}
	return m.JWT.Text("sub")
}

// redeem asks for one token with it.
func (r *renewal) redeem(ctx context.Context, t *probe.Trial, m probe.Mint) given {
	m.As, m.Refresh = r.id, r.token
	g := given{wish{mint: m}, t.Mint(ctx, r.issuer, m)}
	if g.Status == http.StatusOK && g.Refresh != "" && g.Refresh != r.token {
		r.token, r.turns = g.Refresh, true
	}
	return g
}

// spend asks for tokens with it: all at once, or one by one where each use gives
// another refresh token. A refusal counts only of one that is good: a service may
// end it with its first use, or its misuse, and then each wish has a new one.
func (r *renewal) spend(ctx context.Context, t *probe.Trial, wishes []wish) (out []given) {
	if r.token == "" {
		return nil
	}
	ended := false
	if !r.turns {
		for i := range wishes {
			wishes[i].mint.As, wishes[i].mint.Refresh = r.id, r.token
		}
		out = ask(ctx, t, r.issuer, wishes)
		if !slices.ContainsFunc(out, given.refused) {
			return out
		}
		still := r.redeem(ctx, t, probe.Mint{Scopes: []string{r.scope}})
		if r.trail = append(r.trail, still.Trail...); still.Token != "" {
			return out
		}
		out, ended = nil, true
	}
	for _, w := range wishes {
		if ended && !r.another(ctx, t) {
			r.dead = fmt.Sprintf("the refresh token of %s ends with its use, and there is no other, so that a refusal says nothing", r.id.Name)
			return out
		}
		held := r.token
		g := r.redeem(ctx, t, w.mint)
		g.name = w.name
		out, ended = append(out, g), r.token == held
	}
	return out
}

// another gets one more refresh token, as the first was got.
func (r *renewal) another(ctx context.Context, t *probe.Trial) bool {
	if r.offer == nil {
		return false
	}
	g := t.Mint(ctx, r.issuer, *r.offer)
	if r.trail = append(r.trail, g.Trail...); g.Refresh == "" || g.Refresh == g.Token {
		return false
	}
	r.token = g.Refresh
	return true
}
