// SPDX-License-Identifier: Apache-2.0

package token

import (
	"context"
	"fmt"
	"slices"

	"github.com/regproof/regproof/probe"
)

// holdRenewal gets a refresh token while the credential is good, and sees that it
// opens the manifest. One that the identity logs in with is its credential.
func (w *watched) holdRenewal(ctx context.Context) {
	if w.id.Secret.Credential.Username == "" {
		return
	}
	w.renewal = renewalOf(ctx, w.t, w.issued.issuer, w.id, w.t.Scope("pull"))
	if w.renewal.token == "" {
		return
	}
	opens, _, a, trail := w.renew(ctx)
	w.result.Control = slices.Concat(w.result.Control, w.renewal.trail, trail)
	if !opens {
		w.renewal.dead, w.renewal.token = fmt.Sprintf("the refresh token of %s opened nothing before either (%s)", w.id.Name, said(a)), ""
	}
}

// renew redeems the refresh token and uses what comes back.
func (w *watched) renew(ctx context.Context) (opens, refused bool, a probe.Answer, trail []string) {
	g := w.renewal.redeem(ctx, w.t, probe.Mint{Scopes: []string{w.t.Scope("pull")}})
	if g.Token == "" {
		return false, g.refused(), g.Answer, g.Trail
	}
	a = w.t.Use(ctx, w.id.Name, g.Token, w.plain.Request)
	return w.t.Serves(w.plain, a), denied(a), a, slices.Concat(g.Trail, a.Trail)
}

// renewed says what became of the refresh token from before, "" where there is
// nothing to say.
func (w *watched) renewed(s state) string {
	switch {
	case w.renewal.token == "" && w.renewal.dead != "":
		return w.renewal.dead
	case w.renewal.token == "":
		return w.renewal.none
	case s.done():
		return fmt.Sprintf("the refresh token from before was refused after %s", after(s.at))
	case s.other != "":
		return fmt.Sprintf("the refresh token from before was answered %s at last", s.other)
	}
	return fmt.Sprintf("the refresh token from before still got a token that opened the manifest after %s", after(s.open))
}
