// SPDX-License-Identifier: Apache-2.0

package token

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/probe"
)

// Revocation takes a credential away and sees when that counts.
var Revocation = probe.Probe{
	ID:    "token/revocation",
	Title: "A revoked credential opens nothing",
	Why: "When somebody leaves, or a robot's password leaks, taking the right away is all that " +
		"is left to do. Decisions and groups that are cached, tokens that outlive their end, and " +
		"refresh tokens that nobody ends keep the door open (CVE-2025-23208). A token also outlives a project that is " +
		"deleted and made anew under its name, if the registry does not ask when it was made.",
	How: []string{
		"only with check.revoke in the file and --slow, at the primary endpoint, after everything else: the identity reads the image and gets a token, and a refresh token where one is given (offline_token=true, access_type=offline), which is redeemed once; then check.revoke.command is run, an operator's own",
		"every two seconds: does the credential still get a token that opens the manifest (or the manifest, with Basic), until it is refused twice; does the token from before; and does the refresh token from before (POST grant_type=refresh_token; the newest, where each use gives another) still get one that does",
		"a failure: the credential or the refresh token gets to the manifest after check.revoke.within, or the token more than 60 s after its end",
		"that the token works until its end is its nature: how long it did is in the reason. One that lives longer than 10 minutes is not followed to its end",
		"check.revoke.restore is run at the end in any case, also after an interrupt, and whether the credential is back is looked at; both commands have two minutes",
	},
	Fix: "Ask who may do what for every token, without a cache or with one of seconds, and let tokens " +
		"live for five minutes; end a user's refresh tokens with the user; zot before 2.1.2: upgrade.",
	NotWhen:  "check.revoke.within is shorter than what was agreed on.",
	Severity: finding.High,
	Control:  "token-revocation",
	Effect:   probe.Read,
	Option:   "check.revoke, --slow",
	Per:      probe.Last,
	Needs:    []probe.Need{probe.NeedContent},
	Idle:     unrevoked,
	Run:      vigil{every: 2 * time.Second, leeway: 60 * time.Second, most: 10 * time.Minute}.run,
}

// vigil is how a revoked credential is watched.
type vigil struct {
	every  time.Duration // between two questions
	leeway time.Duration // of verifiers, after a token's end
	most   time.Duration // that a token may live to be followed to its end
}

// unrevoked says why nothing is revoked.
func unrevoked(t *probe.Trial) probe.Result {
	rev := t.Revocation()
	not := func(reason string) probe.Result { return probe.Result{Outcome: finding.NotChecked, Reason: reason} }
	switch {
	case rev == nil:
		return not("it needs check.revoke in the file (how a credential is taken away) and --slow")
	case !t.Slow():
		return not("it needs --slow: it waits for a revocation to count")
	case !t.Primary():
		return probe.NotApplicable("it is tried at the primary endpoint alone")
	case t.Planning():
		return not("a plan runs no command")
	}
	return probe.Result{}
}

func (v vigil) run(ctx context.Context, t *probe.Trial) probe.Result {
	rev := t.Revocation()
	i := slices.IndexFunc(t.Identities(), func(id *probe.Identity) bool { return id.Name == rev.Identity })
	if i < 0 {
		return probe.NotApplicable(fmt.Sprintf("%s is no identity of this registry that can be used", rev.Identity))
	}
	w := &watched{vigil: v, t: t, rev: rev, id: t.Identities()[i], plain: t.Plain()}
	w.plain.Request.Reference = string(t.Known().Root.Digest)
	return w.run(ctx)
}
