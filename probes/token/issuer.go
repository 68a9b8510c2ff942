// SPDX-License-Identifier: Apache-2.0

package token

import (
	"context"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/probe"
)

// Issuer uses tokens of other token services.
var Issuer = probe.Probe{
	ID:    "token/issuer",
	Title: "A token of another issuer opens nothing",
	Why: "Keys are shared: between tenants of one identity provider, between a test and its copy. Where " +
		"the key is trusted and iss is not looked at, whoever may make tokens there may make them here.",
	How: []string{
		"who may pull the image asks for a token at the token services that other endpoints of the registry name, and at those that the configuration names as others' (five at most)",
		"what is given and names another issuer is used on the manifest and on a layer; content is a failure",
		"where the key of the token service is given, tokens of another issuer and of none are signed with it",
	},
	Fix:      "Compare iss with the one issuer that is configured, whole (distribution: auth.token.issuer), also where its key is a trusted one.",
	NotWhen:  "The registry is meant to trust both issuers.",
	Severity: finding.High,
	Control:  "token-issuer",
	Effect:   probe.Read,
	Per:      probe.Once,
	Run: func(ctx context.Context, t *probe.Trial) probe.Result {
		m := templateOf(ctx, t)
		if m.result.Outcome != "" {
			return m.result
		}
		var p purse
		var forms []form
		l := beside(func() { p, forms = m.foreign(ctx, t) }, func() lenient { return lenience(ctx, t) })
		if r, known := l.issued(t); known {
			return r
		}
		var own []form
		for name, iss := range map[string]any{"another iss": t.Nonce(), "no iss": nil} {
			if f, ok := m.signed(t, "signed well, "+name, "", map[string]any{"iss": iss}, nil); ok {
				f.with = "a token of another issuer"
				own = append(own, f)
			}
		}
		own, why := m.signable(ctx, t, own)
		forms = append(forms, own...)
		if len(forms) == 0 && why != "" {
			return probe.Result{Outcome: finding.Unknown, Reason: why}
		}
		if len(forms) == 0 && p.given > 0 {
			return nothing(p, "the tokens that other token services gave do not name another issuer, or cannot be read; tokens.signingKey would decide it")
		}
		if len(forms) == 0 {
			return nothing(p, "it needs tokens.otherRealms in the file, or tokens.signingKey: no other endpoint names another token service, so that no token of another issuer is to be had")
		}
		return uncontrolled(p.fold(present(ctx, t, forms, false)), why)
	},
}

// maxForeign bounds how many other token services are asked.
const maxForeign = 5

// foreign are the tokens of other issuers.
func (m *template) foreign(ctx context.Context, t *probe.Trial) (p purse, forms []form) {
	others, id := t.OtherIssuers(m.issuer), t.Entitlement()
	if id == nil {
		return p, nil
	}
	var all []given
	for _, is := range others[:min(len(others), maxForeign)] {
		if is.Service == "" {
			is.Service = m.issuer.Service
		}
		all = append(all, ask(ctx, t, is, []wish{{"the token service " + is.Realm, probe.Mint{As: id, Scopes: []string{t.Scope("pull")}}}})...)
	}
	p = sort(all)
	p.idle = nil
	for _, g := range p.usable {
		if g.JWT == nil || m.real == "" || g.JWT.Text("iss") == m.jwt.Text("iss") {
			continue // it is not seen to be another issuer's
		}
		forms = append(forms, form{name: g.name, token: g.Token, with: "a token of another issuer", as: g.as(), secret: true, layer: true, trail: g.Trail, cause: "The key is trusted, and iss is not compared."})
	}
	return p, forms
}
