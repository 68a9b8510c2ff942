// SPDX-License-Identifier: Apache-2.0

package token

import (
	"context"
	"slices"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/login"
	"github.com/regproof/regproof/probe"
)

// Audience uses tokens that are for another service.
var Audience = probe.Probe{
	ID:    "token/audience",
	Title: "A token for another audience opens nothing",
	Why: "A token that a test registry got of the shared token service opens the one with the secrets, " +
		"when the registry does not look for whom it is.",
	How: []string{
		"who may pull the image asks the token service for services that nobody has: an unknown one, and names that begin or end like the registry's own",
		"what is given and says that it is for another audience is used on the manifest and on a layer; content is a failure. An audience that is a list with the registry's own in it is as it should be",
		"where the key of the token service is given, tokens for another audience, for a list of others and for none are signed with it",
	},
	Fix:      "Compare aud with the registry's own service name, whole and letter by letter (distribution: auth.token.service), and give each registry a name of its own.",
	NotWhen:  "Never.",
	Severity: finding.High,
	Control:  "token-audience",
	Effect:   probe.Read,
	Per:      probe.Once,
	Run: func(ctx context.Context, t *probe.Trial) probe.Result {
		m := templateOf(ctx, t)
		if m.result.Outcome != "" {
			return m.result
		}
		var p purse
		l := beside(func() { p = audiences(ctx, t) }, func() lenient { return lenience(ctx, t) })
		if r, known := l.issued(t); known {
			return r
		}
		var forms []form
		for i, g := range p.usable {
			forms = append(forms, form{name: g.name, token: g.Token, with: "a token for another audience", as: g.as(), secret: true, layer: i == 0, trail: g.Trail, cause: "The audience of a token is not compared, or not whole."})
		}
		var own []form
		for name, aud := range map[string]any{"another aud": t.Nonce(), "an aud that begins alike": m.issuer.Service + "." + t.Nonce(), "a list of other aud": []string{t.Nonce(), t.Nonce() + "." + m.issuer.Service}, "no aud": nil} {
			if f, ok := m.signed(t, "signed well, "+name, "", map[string]any{"aud": aud}, nil); ok {
				f.with = "a token for another audience"
				own = append(own, f)
			}
		}
		own, why := m.signable(ctx, t, own)
		forms = append(forms, own...)
		if len(forms) == 0 && why != "" {
			return probe.Result{Outcome: finding.Unknown, Reason: why}
		}
		if len(forms) == 0 {
			return nothing(p, "it needs tokens.signingKey in the file, the key of a test installation: the token service gives no token for another service, so that none could be used")
		}
		return uncontrolled(p.fold(present(ctx, t, forms, false)), why)
	},
}

// nothing is the result of a probe that was given no token to use.
func nothing(p purse, why string) probe.Result {
	r := probe.Result{Outcome: finding.NotChecked, Reason: why, Attempts: p.given + p.refused}
	switch {
	case p.notAsked != "":
		r.Reason = p.notAsked
	case p.unheard != nil:
		r.Outcome, r.Reason = finding.Unknown, "the token could not be asked for: "+p.unheard.Error()
	}
	return r
}

// audiences are the tokens for other services, asked for once; usable are those
// that say so.
func audiences(ctx context.Context, t *probe.Trial) purse {
	return probe.Remember(t, "token/audiences", func() purse {
		m, id := templateOf(ctx, t), t.Entitlement()
		if id == nil {
			return purse{}
		}
		names := []string{t.Nonce()}
		if own := m.issuer.Service; own != "" {
			names = append(names, own+"."+t.Nonce(), t.Nonce()+"."+own)
		}
		var wishes []wish
		for _, s := range names {
			wishes = append(wishes, wish{"service=" + s, probe.Mint{As: id, Service: s, Scopes: []string{t.Scope("pull")}}})
		}
		p := sort(ask(ctx, t, m.issuer, wishes))
		p.idle = nil
		p.usable = slices.DeleteFunc(p.usable, func(g given) bool { return g.JWT == nil || m.isOurs(*g.JWT) })
		return p
	})
}

// isOurs says whether a token is for the registry: its audience is, or holds,
// that of the token which opens the image.
func (m *template) isOurs(j login.JWT) bool {
	own := audienceOf(m.jwt)
	if len(own) == 0 {
		own = []string{m.issuer.Service}
	}
	other := audienceOf(j)
	return len(other) == 0 || slices.ContainsFunc(other, func(s string) bool { return slices.Contains(own, s) })
}

func audienceOf(j login.JWT) (out []string) {
	switch aud := j.Claims["aud"].(type) {
	case string:
		return []string{aud}
	case []any:
		for _, a := range aud {
			if s, ok := a.(string); ok {
				out = append(out, s)
			}
		}
	}
	return out
}
