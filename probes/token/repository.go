// SPDX-License-Identifier: Apache-2.0

package token

import (
	"context"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/probe"
)

// Repository uses tokens of other repositories on the image.
var Repository = probe.Probe{
	ID:    "token/repository",
	Title: "A token for one repository opens no other",
	Why: "Whoever may pull anything at all, if only a public image, gets everything that is " +
		"private, when the registry looks at the signature of a token and not at what it is for.",
	How: []string{
		"who may pull the image asks for tokens of a repository that does not exist, and of another one that is configured; a stranger for one that policy opens to everybody",
		"each is used on the image by its tag, by its digest, and on a layer",
		"tokens that are opaque, or do not say what they are for, are used as well; where it is the user's own, and not a stranger's, that is a failure of medium severity",
	},
	Fix:      "Let the registry compare the access claim of the token with the repository and the action of every request, also of those by digest and for blobs.",
	NotWhen:  "Never: a token says what it is for.",
	Severity: finding.Critical,
	Control:  "token-repository",
	Effect:   probe.Read,
	Per:      probe.Once,
	Needs:    []probe.Need{probe.NeedContent},
	Idle:     (*probe.Trial).NoTokens,
	Run: func(ctx context.Context, t *probe.Trial) probe.Result {
		m := templateOf(ctx, t)
		if m.result.Outcome != "" {
			return m.result
		}
		if l := lenience(ctx, t); l.anything {
			return t.Told("any bearer opens it", "ingress/authorization")
		}
		p := elsewhere(ctx, t)
		sets := setsElsewhere(t, p)
		r := t.Vary(ctx, sets...)
		if len(sets[0].Odd) == 0 && p.unheard == nil && p.notAsked == "" {
			return probe.NotApplicable("nobody is given a token for another repository")
		}
		if i := slices.IndexFunc(p.usable, func(g given) bool { return g.name == r.Variant }); r.Outcome == finding.Fail && i >= 0 {
			g := p.usable[i]
			r.Evidence = slices.Concat(g.Trail, r.Evidence)
			if g.owned() && !p.worse(r) {
				r.Severity = finding.Medium
				r.Message += ". The token does not say what it is for, and its user may pull both: it is one of the user's, and not of a repository"
			}
		}
		return p.fold(r)
	},
}

// owned says whether a token may be its user's, whatever it was asked for.
func (g given) owned() bool { return g.silent() && g.as() != "" }

// worse says whether another token opened the image, too, that is not its user's.
func (p purse) worse(r probe.Result) bool {
	return slices.ContainsFunc(p.usable, func(g given) bool {
		return !g.owned() && slices.ContainsFunc(r.Deviations, func(d finding.Deviation) bool { return strings.HasPrefix(d.Variant, g.name) })
	})
}

// elsewhere are tokens for other repositories, asked for once.
func elsewhere(ctx context.Context, t *probe.Trial) purse {
	return probe.Remember(t, "token/elsewhere", func() purse {
		pull := func(repository string) []string { return []string{"repository:" + t.Name(repository) + ":pull"} }
		id, who := t.Entitlement(), "a stranger"
		if id != nil {
			who = id.Name
		}
		wishes := []wish{{"a token of " + who + " for a repository that does not exist", probe.Mint{As: id, Scopes: pull(t.Nowhere())}}}
		if other := otherRepository(t); other != "" && id != nil {
			wishes = append(wishes, wish{"a token of " + who + " for " + other, probe.Mint{As: id, Scopes: pull(other)}})
		}
		if open := t.Way().Open; open != "" {
			wishes = append(wishes, wish{"a token of a stranger for " + open, probe.Mint{Scopes: pull(open)}})
		}
		p := sort(ask(ctx, t, templateOf(ctx, t).issuer, wishes))
		// One that allows nothing at all is for no repository either.
		p.usable = append(p.usable, p.idle...)
		slices.SortStableFunc(p.usable, func(a, b given) int { // the gravest first
			switch {
			case a.owned() == b.owned():
				return 0
			case b.owned():
				return -1
			}
			return 1
		})
		p.usable = slices.DeleteFunc(p.usable, func(g given) bool { return !g.silent() && g.claims(t.Name(t.Repository()), "pull") })
		return p
	})
}

// otherRepository is another one that is configured, "" without any.
func otherRepository(t *probe.Trial) string {
	for _, name := range t.Repositories() {
		if name != t.Repository() && name != t.Way().Open {
			return name
		}
	}
	return ""
}

// setsElsewhere puts those tokens before the image, in each way to ask for it.
func setsElsewhere(t *probe.Trial, p purse) []probe.Set {
	tag := t.Plain()
	sets := []probe.Set{{Plain: tag}}
	if k := t.Known(); k != nil && string(k.Root.Digest) != tag.Request.Reference {
		byDigest := tag
		byDigest.Request.Reference = string(k.Root.Digest)
		sets = append(sets, probe.Set{Plain: byDigest})
	}
	if layer, ok := t.PlainLayer(); ok {
		sets = append(sets, probe.Set{Plain: layer})
	}
	for i := range sets {
		for _, g := range p.usable {
			f := form{name: g.name, token: g.Token, with: "a token for another repository", as: g.as(), secret: true, trail: g.Trail}
			sets[i].Odd = append(sets[i].Odd, f.attempt(sets[i].Plain))
		}
	}
	return sets
}

// opensElsewhere says whether one of them opens the image in any way, once, of those
// that are not left out.
func opensElsewhere(ctx context.Context, t *probe.Trial, without func(given) bool) bool {
	p := elsewhere(ctx, t)
	p.usable = slices.DeleteFunc(slices.Clone(p.usable), without)
	var opened atomic.Bool
	var tasks []func()
	for _, set := range setsElsewhere(t, p) {
		for _, a := range set.Odd {
			tasks = append(tasks, func() {
				if t.Peek(ctx, a).Outcome == finding.Fail {
					opened.Store(true)
				}
			})
		}
	}
	together(tasks...)
	return opened.Load()
}
