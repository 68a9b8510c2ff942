// SPDX-License-Identifier: Apache-2.0

package token

import (
	"context"
	"path"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/probe"
)

// Stranger asks the token service for the image without any credential.
var Stranger = probe.Probe{
	ID:    "token/stranger",
	Title: "The token service gives strangers no token that opens the image",
	Why: "The registry asks everybody for a token, so that it looks closed. But a token service " +
		"that hands one to whoever asks makes it as open as a registry without a login.",
	How: []string{
		"without a credential, tokens are asked for: pull, push and delete and * on the repository, pull on what is above it, the catalog; pull by POST, and by POST with a repository that is open, or does not exist, in the body and the image in the query, and the other way round; and to pull, once, with the name and password of a made-up user",
		"each different token is used on the manifest and on a layer; content is a failure, a token alone is none",
		"an upload with such a token is started by anonymous/upload, with --active",
	},
	Fix: "Give anonymous no rights in the token service: in docker_auth no acl entry that matches an empty account, " +
		"in Harbor and GitLab make the project private, in ACR switch anonymousPullEnabled off.",
	NotWhen:  "The image is meant to be public: say so with a rule in policy.rules.",
	Severity: finding.Critical,
	Control:  "token-stranger",
	Effect:   probe.Read,
	Per:      probe.Once,
	Run: func(ctx context.Context, t *probe.Trial) probe.Result {
		m := templateOf(ctx, t)
		if m.result.Outcome != "" {
			return m.result
		}
		var all []given
		l := beside(func() { all = ask(ctx, t, m.issuer, strangerWishes(t, m.issuer)) }, func() lenient { return lenience(ctx, t) })
		if r, known := l.issued(t); known {
			return r
		}
		p := sort(l.aside(t, all)).heard(ctx, t, m.issuer).all()
		return p.fold(present(ctx, t, p.show(""), true))
	},
}

func strangerWishes(t *probe.Trial, is probe.Issuer) (out []wish) {
	name := t.Name(t.Repository())
	scopes := []string{t.Scope("pull"), t.Scope("pull,push"), t.Scope("*"), t.Scope("pull,push,delete"), "repository:*:pull", "registry:catalog:*"}
	if above := path.Dir(name); above != "." {
		scopes = append(scopes, "repository:"+above+":pull", "repository:"+above+"/*:pull")
	}
	for _, s := range scopes {
		out = append(out, wish{"scope=" + s, probe.Mint{Scopes: []string{s}}})
	}
	out = append(out, wish{"POST scope=" + t.Scope("pull"), probe.Mint{Scopes: scopes[:1], Post: true}})
	out = append(out, halves(t, is, nil)...)
	user, password := t.Stray()
	return append(out, wish{"a made-up user with a made-up password", probe.Mint{User: [2]string{user, password}, Account: user, Scopes: scopes[:1]}})
}
