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

// lenient says what a registry lets through that another probe tells of, so
// that one weakness is told once. Each is one request, or as many as there are
// forms, and shared with the probe that tells.
type lenient struct {
	anything bool // any bearer at all: ingress/authorization
	junk     bool // any signature: token/signature
	stripped bool // no signature, whatever the algorithm: token/signature
	none     bool // alg none: token/algorithm
	other    bool // a token that says it is for another repository: token/repository
	guests   bool // what a stranger gets for another repository: token/repository
}

// lenience finds out once for all probes of an image at an endpoint.
func lenience(ctx context.Context, t *probe.Trial) lenient {
	return probe.Remember(t, "token/lenient", func() lenient {
		m := templateOf(ctx, t)
		if m.result.Outcome != "" {
			return lenient{}
		}
		var l lenient
		look := func(into *bool, f form) func() {
			return func() { *into = opens(ctx, t, f, t.Plain()) }
		}
		together(
			look(&l.anything, form{name: "any bearer", token: "regproof"}),
			look(&l.junk, m.junkSigned()), look(&l.stripped, m.stripped()), look(&l.none, m.none()),
			// One that does not say what it is for may be its user's own, which says
			// nothing of others'.
			func() { l.other = opensElsewhere(ctx, t, given.silent) },
			func() { l.guests = opensElsewhere(ctx, t, func(g given) bool { return g.as() != "" }) },
		)
		return l
	})
}

// opens says whether a token was served what it should not, once.
func opens(ctx context.Context, t *probe.Trial, f form, plain probe.Attempt) bool {
	if f.token == "" {
		return false
	}
	return t.Peek(ctx, f.attempt(plain)).Outcome == finding.Fail
}

// plain are those of some identities whom the token service gives nothing that
// opens the image when they just ask for it, by GET or by POST: where it does,
// token/escalation tells, and no odd way to ask is to blame.
func plain(ctx context.Context, t *probe.Trial, is probe.Issuer, who []*probe.Identity) []*probe.Identity {
	return slices.DeleteFunc(slices.Clone(who), func(id *probe.Identity) bool {
		var got, posted bool
		together(func() { got = justAsks(ctx, t, is, id, probe.Mint{}) }, func() { posted = justAsks(ctx, t, is, id, probe.Mint{Post: true}) })
		return got || posted
	})
}

// justAsks says whether somebody, nil for a stranger, gets a token that opens the
// image by asking for it, once.
func justAsks(ctx context.Context, t *probe.Trial, is probe.Issuer, id *probe.Identity, m probe.Mint) bool {
	m.As, m.Scopes = id, []string{t.Scope("pull")}
	name := ""
	if id != nil {
		name = id.Name
	}
	return probe.Remember(t, fmt.Sprintf("token/plain/%t/%s", m.Post, name), func() bool {
		g := ask(ctx, t, is, []wish{{"", m}})[0]
		return g.claims(t.Name(t.Repository()), "pull") && opens(ctx, t, form{token: g.Token, as: name, secret: true}, t.Plain())
	})
}

// askOddly asks for tokens in odd ways, as a stranger and as identities that may
// not have the image (two at most), and leaves out those of whoever gets it by
// just asking. A stranger's POSTs are left out where one that just asks gets it,
// which token/stranger tells.
func askOddly(ctx context.Context, t *probe.Trial, is probe.Issuer, wishes func(*probe.Identity) []wish) []given {
	who := t.Others(t.Repository(), access.Pull)
	who = who[:min(len(who), 2)]
	all := wishes(nil)
	for _, id := range who {
		all = append(all, wishes(id)...)
	}
	var got []given
	var honest []*probe.Identity
	var posts bool
	together(
		func() { got = ask(ctx, t, is, all) },
		func() { honest = plain(ctx, t, is, who) },
		func() {
			if slices.ContainsFunc(all, func(w wish) bool { return w.mint.As == nil && w.mint.Post }) {
				posts = justAsks(ctx, t, is, nil, probe.Mint{Post: true})
			}
		},
	)
	return slices.DeleteFunc(got, func(g given) bool {
		if g.mint.As == nil {
			return posts && g.mint.Post
		}
		return !slices.Contains(honest, g.mint.As)
	})
}

// forging is the result of a probe that forges tokens where nothing of its own
// could be seen; ok is false where there is something to see.
func (l lenient) forging(t *probe.Trial) (probe.Result, bool) {
	switch {
	case l.anything:
		return t.Told("any bearer opens it", "ingress/authorization"), true
	case l.junk:
		return t.Told("a token with any signature opens it", "token/signature"), true
	}
	return probe.Result{}, false
}

// issued is the same for a probe that uses what an issuer gave.
func (l lenient) issued(t *probe.Trial) (probe.Result, bool) {
	switch {
	case l.anything:
		return t.Told("any bearer opens it", "ingress/authorization"), true
	case l.other:
		return t.Told("a token for another repository opens it", "token/repository"), true
	}
	return probe.Result{}, false
}
