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

// Escalation lets identities ask for what they may not have.
var Escalation = probe.Probe{
	ID:    "token/escalation",
	Title: "Asking for more than one may have gives no more",
	Why: "A token service that signs what it is asked for gives every user the rights of all: the " +
		"registry believes the signature.",
	How: []string{
		"each identity that policy does not let pull the image (three at most) asks for the right to, in ten ways: pull; pull, push and delete; *; its own repository alone; beside a repository of its own as a second parameter and after a space; pull and * by POST; by POST with its own repository in the body and the image in the query, and the other way round",
		"each of them asks for a refresh token (offline_token=true by GET, access_type=offline by POST), redeems it for its own repository, and then for the image in five ways: pull; pull, push and delete; *; after its own; for an unknown service. One by one where each use gives another refresh token",
		"each different token is used on the manifest and on a layer; content is a failure, a token alone is none",
		"with --active, identities that policy lets pull and not push ask for push and delete, with the credential and with a refresh token, and use the token to start an upload, cancelled at once, and to delete a manifest that cannot exist",
		"an identity counts when it was seen to be let in where a made-up user is not",
	},
	Fix:      "Intersect what is asked with what the user may do, for every scope of a request, for POST as for GET and for a refresh token as for a password; read a POST's body alone; and anchor the patterns of the access list.",
	NotWhen:  "The identity is meant to have the right: say so with a rule in policy.rules.",
	Severity: finding.Critical,
	Control:  "token-escalation",
	Effect:   probe.Read,
	Per:      probe.Once,
	Needs:    []probe.Need{probe.NeedContent},
	Idle:     (*probe.Trial).NoTokens,
	Run: func(ctx context.Context, t *probe.Trial) probe.Result {
		m := templateOf(ctx, t)
		if m.result.Outcome != "" {
			return m.result
		}
		others := t.Others(t.Repository(), access.Pull)
		readers := onlyReaders(t)
		switch {
		case len(others)+len(readers) == 0 && len(t.Identities()) < 2:
			return probe.NotApplicable("there is only one identity: name one that may not pull the image to prove this")
		case len(others)+len(readers) == 0:
			return probe.NotApplicable("policy denies no identity to pull the image or to push to it")
		case len(others) == 0 && !t.Allows(probe.CancelledWrite):
			return probe.Result{Outcome: finding.NotChecked, Reason: "all identities may pull the image; that they cannot push is seen with --active"}
		}
		others = others[:min(len(others), maxOthers)]
		var all []given
		var more spending
		l := beside(func() {
			tasks := []func(){
				func() { all = ask(ctx, t, m.issuer, greed(t, m.issuer, others)) },
				func() {
					more = spendAll(ctx, t, m.issuer, others, func(id *probe.Identity) []wish { return renewed(t, id) })
				},
			}
			for _, id := range others { // remembered, for a denial to count
				tasks = append(tasks, func() { t.Alive(ctx, id) })
			}
			together(tasks...)
		}, func() lenient { return lenience(ctx, t) })
		if r, known := l.issued(t); known {
			return r
		}
		p := sort(append(all, more.given...)).heard(ctx, t, m.issuer).all()
		r := probe.Result{Outcome: finding.NotApplicable}
		if len(others) > 0 {
			r = more.fold(p.fold(present(ctx, t, p.show(""), false)))
			r = alive(ctx, t, r, others)
		}
		if r.Outcome == finding.Pass || (r.Outcome == finding.NotApplicable && len(others) == 0) {
			r = pushes(ctx, t, m.issuer, r, readers)
		}
		return r
	},
}

// overgranted is the fix where whoever may pull is given more: from outside, a
// right that policy does not know of looks like one that is signed unseen.
const overgranted = "Take the right to push and to delete from it in the token service, or state it in policy.rules; authz/push and authz/delete " +
	"find the same. If it has none there, the service signs what it is asked for: intersect that with what the user may do."

// maxOthers bounds how many identities are tried.
const maxOthers = 3

// greed is what those ask for who may not pull the image.
func greed(t *probe.Trial, is probe.Issuer, others []*probe.Identity) (out []wish) {
	for _, id := range others {
		own := permitted(t, id)
		add := func(name string, m probe.Mint) {
			m.As = id
			out = append(out, wish{id.Name + ": " + name, m})
		}
		for _, actions := range []string{"pull", "pull,push,delete", "*"} {
			add("scope="+t.Scope(actions), probe.Mint{Scopes: []string{t.Scope(actions)}})
		}
		add("scope="+own, probe.Mint{Scopes: []string{own}})
		add("a second scope "+t.Scope("pull"), probe.Mint{Scopes: []string{own, t.Scope("pull")}})
		add("a scope and "+t.Scope("pull")+" after a space", probe.Mint{Scopes: []string{own + " " + t.Scope("pull")}})
		for _, actions := range []string{"pull", "*"} {
			add("POST scope="+t.Scope(actions), probe.Mint{Scopes: []string{t.Scope(actions)}, Post: true})
		}
		out = append(out, halves(t, is, id)...)
	}
	return out
}

// ownOf is a repository that an identity may pull from; one that does not exist
// when none is configured.
func ownOf(t *probe.Trial, id *probe.Identity) string {
	for _, name := range t.Repositories() {
		if allow, _, _ := t.May(id, name, access.Pull); allow {
			return name
		}
	}
	return t.Nowhere()
}

// onlyReaders are the identities that policy lets pull the image and not push.
func onlyReaders(t *probe.Trial) []*probe.Identity {
	return slices.DeleteFunc(t.Others(t.Repository(), access.Push), func(id *probe.Identity) bool {
		allow, stated, _ := t.May(id, t.Repository(), access.Pull)
		return !allow || !stated
	})
}

// alive turns a pass into unknown when an identity was not seen to be one.
func alive(ctx context.Context, t *probe.Trial, r probe.Result, who []*probe.Identity) probe.Result {
	for _, id := range who {
		if r.Outcome != finding.Pass {
			return r
		}
		evidence, why := t.Alive(ctx, id)
		if why != "" {
			r.Outcome, r.Observed, r.Reason = finding.Unknown, "unknown", why
		}
		r.Control = append(r.Control, evidence...)
	}
	return r
}

// pushes lets those who may only pull ask for more, and use it.
func pushes(ctx context.Context, t *probe.Trial, is probe.Issuer, r probe.Result, readers []*probe.Identity) probe.Result {
	if len(readers) == 0 {
		return r
	}
	if !t.Allows(probe.CancelledWrite) {
		r.Reason += "; that those who may pull cannot push is seen with --active"
		return r
	}
	readers = readers[:min(len(readers), maxOthers)]
	scope := t.Scope("pull,push,delete")
	more := spendAll(ctx, t, is, readers, func(id *probe.Identity) []wish {
		return []wish{{id.Name + ": a refresh token redeemed for scope=" + scope, probe.Mint{Scopes: []string{scope}}}}
	})
	for _, id := range readers {
		all := ask(ctx, t, is, []wish{{id.Name + ": scope=" + scope, probe.Mint{As: id, Scopes: []string{scope}}}})
		for i, g := range append(all, more.of(id)...) {
			r.Attempts++
			switch {
			case g.NotAsked != "":
				return probe.Result{Outcome: finding.NotChecked, Reason: g.NotAsked}
			case g.Token == "" && !g.refused():
				return probe.Result{Outcome: finding.Unknown, Reason: fmt.Sprintf("%s was given no token: %v", id.Name, g.Err), Evidence: g.Trail}
			case g.Token == "" || !(g.claims(t.Name(t.Repository()), "push") || g.claims(t.Name(t.Repository()), "delete")):
				if r.Outcome == finding.NotApplicable {
					r = probe.Result{Outcome: finding.Pass, Observed: "deny", Reason: "no right to push or delete is given to those who may pull", Evidence: g.Trail, Control: g.Trail, Attempts: r.Attempts}
				}
				continue
			}
			w := write(ctx, t, g, "a token of "+id.Name)
			w.Attempts += r.Attempts
			w.Evidence = slices.Concat(g.Trail, w.Evidence)
			if w.Outcome != finding.Pass {
				w.Severity = finding.High
				if i == 0 { // the others ask in a way that no client does
					w.Fix = overgranted
				}
				return w
			}
			r = w
		}
	}
	return alive(ctx, t, more.fold(r), readers)
}
