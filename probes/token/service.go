// SPDX-License-Identifier: Apache-2.0

package token

import (
	"context"
	"net/url"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/probe"
)

// Service asks for tokens of other services, and of other users.
var Service = probe.Probe{
	ID:    "token/service",
	Title: "The token service and the registry keep services and users apart",
	Why: "One token service often stands behind many registries. Where a token for any of them, or for " +
		"a name that nobody has, opens all, the weakest of them decides. Where a parameter says who " +
		"asks, nobody needs a password.",
	How: []string{
		"a stranger, and each identity that policy does not let pull the image (two at most), asks for it at an unknown service, at none, at two services in both orders, and with the account of who may; and by POST with the one service in the body and the other in the query, in both orders, and with that account in either",
		"who may pull the image asks at an unknown service; what is given for that service alone is used",
		"each different token is used on the manifest and on a layer; content is a failure, a token alone is none",
	},
	Fix:      "Refuse a service that is not configured, take who asks from the credential and never from the account parameter, and compare the audience in the registry.",
	NotWhen:  "Never.",
	Severity: finding.Critical,
	Control:  "token-service",
	Effect:   probe.Read,
	Per:      probe.Once,
	Run: func(ctx context.Context, t *probe.Trial) probe.Result {
		m := templateOf(ctx, t)
		if m.result.Outcome != "" {
			return m.result
		}
		var all []given
		var own purse
		l := beside(func() {
			own = beside(func() {
				all = askOddly(ctx, t, m.issuer, func(id *probe.Identity) []wish { return services(t, m.issuer, id) })
			}, func() purse { return audiences(ctx, t) })
		}, func() lenient { return lenience(ctx, t) })
		if r, known := l.issued(t); known {
			return r
		}
		p := sort(all).heard(ctx, t, m.issuer)
		forms := p.show("")
		for _, g := range own.usable {
			if g.mint.Service == t.Nonce() { // the others are token/audience's
				forms = append(forms, form{name: g.name, token: g.Token, with: "a token for another service", as: g.as(), secret: true, trail: g.Trail,
					cause: "The token service makes tokens for services that nobody has, and the registry takes them."})
			}
		}
		return p.fold(present(ctx, t, forms, false))
	},
}

// services are the ways to ask about somebody else.
func services(t *probe.Trial, is probe.Issuer, id *probe.Identity) (out []wish) {
	scope := []string{t.Scope("pull")}
	add := func(name string, m probe.Mint) {
		m.As = id
		if id != nil {
			name = id.Name + ": " + name
		}
		out = append(out, wish{name, m})
	}
	query := func(services ...string) string {
		return url.Values{"service": services, "scope": scope}.Encode()
	}
	both := func(service string, m probe.Mint) probe.Mint {
		m.Post, m.Scopes, m.Query = true, scope, url.Values{"service": {service}}.Encode()
		return m
	}
	add("service="+t.Nonce(), probe.Mint{Service: t.Nonce(), Scopes: scope})
	add("no service", probe.Mint{Query: url.Values{"scope": scope}.Encode()})
	if is.Service != "" {
		add("service="+t.Nonce()+" and the registry's own", probe.Mint{Query: query(t.Nonce(), is.Service)})
		add("the registry's own service and service="+t.Nonce(), probe.Mint{Query: query(is.Service, t.Nonce())})
		add("POST with service="+t.Nonce()+" in the query", both(t.Nonce(), probe.Mint{}))
		add("POST with service="+t.Nonce()+" in the body, and the registry's own in the query", both(is.Service, probe.Mint{Service: t.Nonce()}))
	}
	if who := t.Entitlement(); who != nil && who.Secret.Credential.Username != "" && who != id {
		account := url.Values{"account": {who.Secret.Credential.Username}}
		add("the account of "+who.Name, probe.Mint{Account: who.Secret.Credential.Username, Scopes: scope})
		add("POST with the account of "+who.Name+" in the query", probe.Mint{Post: true, Scopes: scope, Query: account.Encode()})
		add("POST with the account of "+who.Name+" in the body", probe.Mint{Post: true, Scopes: scope, Also: account})
	}
	return out
}
