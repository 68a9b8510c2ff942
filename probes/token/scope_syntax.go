// SPDX-License-Identifier: Apache-2.0

package token

import (
	"context"
	"net/url"
	"path"
	"strings"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/probe"
)

// ScopeSyntax asks for the image in scopes that are spelt oddly.
var ScopeSyntax = probe.Probe{
	ID:    "token/scope-syntax",
	Title: "No spelling of a scope gives more than its plain form",
	Why: "A token service that checks a scope as it was sent, and grants what it makes of it, can be " +
		"talked into anything by a space, a capital letter or an escape.",
	How: []string{
		"a stranger asks for the image in 26 spellings: after a repository that is open to everybody, or does not exist, as another parameter and by each separator; with escapes, capitals, blanks, slashes and dots around the name, with a class, a host, a tag, wildcards",
		"each identity that policy does not let pull the image (two at most) asks in the eight that differ most, one of them after a repository of its own",
		"tokens that say that they allow something, or cannot be read, are used on the manifest, each different one, and two of them on a layer; content is a failure, a token alone is none",
	},
	Fix:      "Parse a scope once, strictly, refuse what is not in the grammar, and check what was parsed and will be granted.",
	NotWhen:  "Never.",
	Severity: finding.Critical,
	Control:  "token-scope-syntax",
	Effect:   probe.Read,
	Per:      probe.Once,
	Run: func(ctx context.Context, t *probe.Trial) probe.Result {
		m := templateOf(ctx, t)
		if m.result.Outcome != "" {
			return m.result
		}
		var all []given
		l := beside(func() { all = askOddly(ctx, t, m.issuer, func(id *probe.Identity) []wish { return spellings(t, id) }) }, func() lenient { return lenience(ctx, t) })
		if r, known := l.issued(t); known {
			return r
		}
		p := sort(l.aside(t, all)).heard(ctx, t, m.issuer)
		return p.fold(present(ctx, t, p.show("The scope is checked in one spelling and granted in another."), false))
	},
}

// spellings are odd scopes for the image. Those of an identity are the ones that
// differ most.
func spellings(t *probe.Trial, id *probe.Identity) (out []wish) {
	name, none := t.Name(t.Repository()), permitted(t, id)
	plain := "repository:" + name + ":pull"
	host := "registry"
	if u := t.Way().URL; u != nil {
		host = u.Host
	}
	escaped := func(s string) string { return strings.ReplaceAll(name, "/", s) }
	few := []string{
		none + "," + plain, "repository:" + name + " :pull", "repository:" + strings.ToUpper(name) + ":pull", "repository:" + escaped("%2f") + ":pull",
		"repository(plugin):" + name + ":pull", "repository:" + name + "/:pull", "repository:" + path.Dir(name) + "/*:pull", "repository:*:*",
	}
	many := []string{
		none + " " + plain, none + ";" + plain, none + "\n" + plain, none + "\t" + plain, none + "+" + plain, "repository:" + name + "\x00:pull", "repository:" + name + ":pull\x00",
		"repository:" + escaped("%252f") + ":pull", "repository:/" + name + ":pull", "repository:./" + name + ":pull", "repository:" + escaped("//") + ":pull", "repository:" + name + "/.:pull",
		"Repository:" + name + ":pull", "repository:" + host + "/" + name + ":pull", "repository:" + name + ":" + t.Reference() + ":pull", "repository:.*:pull", "repository:" + name + ":PULL",
	}
	if id != nil {
		many = nil
	} else {
		out = append(out, wish{"two scopes, the second " + plain, probe.Mint{Scopes: []string{none, plain}}})
	}
	for _, s := range append(few, many...) {
		shown, err := url.QueryUnescape(strings.ReplaceAll(url.QueryEscape(s), "%0", `\x0`))
		if err != nil {
			shown = s
		}
		out = append(out, wish{"scope=" + shown, probe.Mint{As: id, Scopes: []string{s}}})
	}
	if id != nil {
		for i := range out {
			out[i].name = id.Name + ": " + out[i].name
		}
	}
	return out
}
