// SPDX-License-Identifier: Apache-2.0

package token

import (
	"context"
	"fmt"
	"net/http"
	"slices"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/probe"
)

// own is a token of the identity that may read the image, which was seen to open
// it: without that, a denial of it would prove nothing.
type own struct {
	id     *probe.Identity
	issuer probe.Issuer
	plain  probe.Attempt // the manifest, by digest: a tag may move meanwhile
	minted probe.Minted
	used   probe.Answer
}

// trail are the exchanges that show the token and what it opens.
func (o own) trail() []string { return slices.Concat(o.minted.Trail, o.used.Trail) }

// ownToken gets a token of the entitled and uses it, once for all probes of an
// image at an endpoint that do not end it. The Result says why there is none, or
// none that opens anything.
func ownToken(ctx context.Context, t *probe.Trial) (own, probe.Result) {
	type got struct {
		own
		no probe.Result
	}
	g := probe.Remember(t, "token/own", func() (g got) {
		if g.own, g.no = ownIssuer(ctx, t); g.no.Outcome == "" {
			g.own, g.no = g.again(ctx, t)
		}
		return g
	})
	return g.own, g.no
}

// ownIssuer finds who may read the image and where they get tokens, and asks for
// none yet.
func ownIssuer(ctx context.Context, t *probe.Trial) (own, probe.Result) {
	o := own{id: t.Entitlement(), plain: t.Plain()}
	is, no := t.Issuer(ctx)
	if no.Outcome != "" {
		return o, no
	}
	o.issuer = is
	switch {
	case o.id == nil:
		return o, probe.Result{Outcome: finding.NotChecked, Reason: "it needs an identity that may read the image: log in, or pass --username"}
	case o.id.Secret.Credential.Username == "" && o.id.Secret.Credential.Refresh.IsZero():
		return o, probe.Result{Outcome: finding.NotChecked, Reason: fmt.Sprintf("%s has no password with which a token could be asked for", o.id.Name)}
	case t.Known() == nil:
		return o, probe.Result{Outcome: finding.Unknown, Reason: "no control: nobody could read the image"}
	}
	o.plain.Request.Reference = string(t.Known().Root.Digest)
	return o, probe.Result{}
}

// again gets a fresh token of the same identity, and uses it.
func (o own) again(ctx context.Context, t *probe.Trial) (own, probe.Result) {
	o.minted = o.mint(ctx, t, false)
	if no := unusable(o.minted, "a token for "+o.id.Name); no.Outcome != "" {
		return o, no
	}
	o.used = t.Use(ctx, o.id.Name, o.minted.Token, o.plain.Request)
	switch {
	case o.used.NotAsked != "":
		return o, probe.Result{Outcome: finding.NotChecked, Reason: o.used.NotAsked, Evidence: o.trail()}
	case !t.Serves(o.plain, o.used):
		return o, probe.Result{Outcome: finding.Unknown, Reason: fmt.Sprintf("no control: a fresh token of %s does not open the manifest (%s)", o.id.Name, said(o.used)), Evidence: o.trail()}
	}
	return o, probe.Result{}
}

// mint asks for a token to pull the image, by GET, or by POST where that is how
// tokens are given. offline asks for a refresh token too.
func (o own) mint(ctx context.Context, t *probe.Trial, offline bool) probe.Minted {
	scopes := []string{t.Scope("pull")}
	if o.id.Secret.Credential.Username != "" {
		m := t.Mint(ctx, o.issuer, probe.Mint{As: o.id, Scopes: scopes, Offline: offline})
		if m.Status != http.StatusNotFound && m.Status != http.StatusMethodNotAllowed {
			return m
		}
	}
	return t.Mint(ctx, o.issuer, probe.Mint{As: o.id, Post: true, Scopes: scopes, Offline: offline})
}

// unusable says why an answer of a token service holds no token.
func unusable(m probe.Minted, what string) probe.Result {
	r := probe.Result{Outcome: finding.Unknown, Evidence: m.Trail}
	switch {
	case m.NotAsked != "":
		r.Outcome, r.Reason = finding.NotChecked, m.NotAsked
	case m.Err != nil:
		r.Reason = m.Err.Error()
	case m.Refused:
		r.Reason = fmt.Sprintf("the token service refuses %s (%d)", what, m.Status)
	case m.Token == "":
		r.Reason = "the token service answers without a token"
	default:
		return probe.Result{}
	}
	return r
}

// said is what an answer was, in a word.
func said(a probe.Answer) string {
	switch {
	case a.NotAsked != "":
		return a.NotAsked
	case a.Problem != "":
		return a.Problem
	case a.Status == 0:
		return string(a.Failure)
	}
	return fmt.Sprint(a.Status)
}

// denied says whether an answer is a denial.
func denied(a probe.Answer) bool {
	return a.Status == http.StatusUnauthorized || a.Status == http.StatusForbidden || a.Status == http.StatusNotFound
}

// manifest is the subject of what opens the image.
func manifest(a probe.Attempt) *finding.Subject {
	if a.Content == nil {
		return nil
	}
	return &finding.Subject{Kind: string(a.Content.Kind), Digest: string(a.Content.Digest), MediaType: a.Content.MediaType}
}

// decided fills what every verdict of a use of the registry has.
func decided(r probe.Result, a probe.Answer, observed string) probe.Result {
	r.Observed, r.Protocol = observed, string(a.Request.Proto)
	if at := a.Request.Address; at.IsValid() {
		r.Address = at.Addr().String()
	}
	return r
}
