// SPDX-License-Identifier: Apache-2.0

package token

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/probe"
)

// Kind shows the registry tokens that are meant for the token service.
var Kind = probe.Probe{
	ID:    "token/kind",
	Title: "A refresh token or an id token is no access token",
	Why: "A refresh token lives for months and is kept in files, an id token is shown to every " +
		"application that somebody logs in to. A registry that takes one for an access token " +
		"makes a key of each.",
	How: []string{
		"a refresh token is asked for as the identity that may read the image: offline_token=true by GET, then access_type=offline by POST",
		"it, and an id_token if the service gives one, is shown to the registry as a bearer token, for the manifest and a layer",
		"what opens is asked again on three new connections; an access token opens the manifest before and after; the tokens are in no report and are forgotten at the end",
	},
	Fix: "Verify at the registry what kind a token is: its audience, its type (typ at+jwt, RFC 9068) " +
		"and its access claim; sign refresh tokens with another key, or make them opaque.",
	NotWhen:  "The registry documents that a personal access token is the bearer token itself, as ghcr.io does.",
	Severity: finding.High,
	Control:  "token-kind",
	Effect:   probe.Read,
	Per:      probe.Once,
	Needs:    []probe.Need{probe.NeedContent},
	Idle:     (*probe.Trial).NoTokens,
	Run:      otherKinds,
}

// offered is a token of another kind that the service gave.
type offered struct{ name, token string }

func otherKinds(ctx context.Context, t *probe.Trial) probe.Result {
	o, no := ownToken(ctx, t)
	if no.Outcome != "" {
		return no
	}
	kinds, trail, same := o.otherTokens(ctx, t)
	if len(kinds) == 0 {
		reason := "the token service gives neither a refresh token nor an id token"
		if same {
			reason = "what the token service calls a refresh token is its access token, so there is no other kind"
		}
		return probe.Result{Outcome: finding.NotApplicable, Reason: reason, Evidence: trail}
	}
	set := func(plain probe.Attempt, of string) probe.Set {
		s := probe.Set{Plain: plain}
		for _, k := range kinds {
			a := probe.Bearer(plain, k.name+" as the bearer"+of, k.token)
			a.As, a.With = o.id.Name, k.name
			a.Cause = "The registry does not look at what kind a token is."
			s.Odd = append(s.Odd, a)
		}
		return s
	}
	sets := []probe.Set{set(o.plain, "")}
	if layer, ok := t.PlainLayer(); ok {
		sets = append(sets, set(layer, " on a layer"))
	}
	r := stillAlive(ctx, t, o, sets)
	r.Control = append(r.Control, trail...)
	return r
}

// otherTokens asks for tokens of other kinds, until a refresh token is given.
// same says that the only one was the access token once more.
func (o own) otherTokens(ctx context.Context, t *probe.Trial) (kinds []offered, trail []string, same bool) {
	add := func(m probe.Minted) {
		trail = append(trail, m.Trail...)
		t.Hide(m.Refresh, m.ID)
		for _, k := range []offered{{"a refresh token", m.Refresh}, {"an id token", m.ID}} {
			switch {
			case k.token == "" || slices.ContainsFunc(kinds, func(had offered) bool { return had.name == k.name }):
			case k.token == m.Token || k.token == o.minted.Token:
				same = true
			default:
				kinds = append(kinds, k)
			}
		}
	}
	add(o.minted)
	add(o.mint(ctx, t, true))
	if !slices.ContainsFunc(kinds, func(k offered) bool { return strings.Contains(k.name, "refresh") }) {
		if m := t.Mint(ctx, o.issuer, probe.Mint{As: o.id, Post: true, Offline: true, Scopes: []string{t.Scope("pull")}}); m.Status == http.StatusOK {
			add(m)
		} else {
			trail = append(trail, m.Trail...)
		}
	}
	return kinds, trail, same
}
