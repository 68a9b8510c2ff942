// SPDX-License-Identifier: Apache-2.0

package token

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/login"
	"github.com/regproof/regproof/oci"
	"github.com/regproof/regproof/probe"
)

// Surplus asks for the right to pull alone, and uses what else was given.
var Surplus = probe.Probe{
	ID:    "token/surplus",
	Title: "A token allows no more than was asked for",
	Why: "Tokens are handed to build jobs, scanners and caches so that they can do one thing. One that " +
		"can do all that its user can turns every such leak into the loss of the user's account.",
	How: []string{
		"who may pull the image asks for the right to pull it alone, and reads what the token allows",
		"the token is used on the catalog: names of other repositories that policy does not open are a failure (medium), where a stranger is denied them",
		"where it says that it allows other repositories, it is used on the manifest of an image of each that is configured and that policy does not open to everybody (four at most), which somebody is seen to read: content is a failure, high where policy denies the repository to its user, else medium; where none is configured it is not checked",
		"with --active and where it says that it allows more in the image's repository, it is used to start an upload, cancelled at once, and to delete a manifest that cannot exist; nothing is written to other repositories",
		"an opaque token cannot be read: token/action uses it",
	},
	Fix:      "Let the token service give the intersection of what is asked with what the user may do, and not the latter alone.",
	NotWhen:  "Never: clients ask for what they need.",
	Severity: finding.High,
	Control:  "token-surplus",
	Effect:   probe.Read,
	Per:      probe.Once,
	Needs:    []probe.Need{probe.NeedContent},
	Idle:     (*probe.Trial).NoTokens,
	Run: func(ctx context.Context, t *probe.Trial) probe.Result {
		m := templateOf(ctx, t)
		id := t.Entitlement()
		switch {
		case m.result.Outcome != "":
			return m.result
		case id == nil:
			return probe.NotApplicable("no identity that may pull the image can be used")
		}
		asked := wish{"scope=" + t.Scope("pull"), probe.Mint{As: id, Scopes: []string{t.Scope("pull")}}}
		var g given
		l := beside(func() { g = ask(ctx, t, m.issuer, []wish{asked})[0] }, func() lenient { return lenience(ctx, t) })
		if r, known := l.issued(t); known {
			return r
		}
		if g.NotAsked != "" {
			return probe.Result{Outcome: finding.NotChecked, Reason: g.NotAsked}
		}
		if g.Token == "" {
			return probe.Result{Outcome: finding.Unknown, Reason: fmt.Sprintf("%s was given no token: %v", id.Name, g.Err), Evidence: g.Trail}
		}
		more, readable := beyond(g, t.Name(t.Repository()))
		if !readable {
			return probe.NotApplicable("the token does not say what it allows; token/action uses it")
		}
		return surplus(ctx, t, g, more)
	},
}

// beyond lists what a token allows beside pulling from a repository.
func beyond(g given, name string) (more []login.Access, readable bool) {
	if g.JWT == nil {
		return nil, false
	}
	grants, readable := g.JWT.Grants()
	for _, a := range grants {
		if a.Type == "repository" && a.Name == name {
			a.Actions = slices.DeleteFunc(slices.Clone(a.Actions), func(s string) bool { return s == "pull" })
		}
		if len(a.Actions) > 0 {
			more = append(more, a)
		}
	}
	return more, readable
}

// surplus uses a token for what was not asked for.
func surplus(ctx context.Context, t *probe.Trial, g given, more []login.Access) probe.Result {
	use := usesElsewhere(ctx, t, g, more)
	// What is graver comes first: it gives the finding its severity.
	sets := append(slices.Clone(use.sets), probe.Set{Plain: catalog(t), Odd: []probe.Attempt{
		form{name: g.name, token: g.Token, with: "a token that was asked for to pull one image", as: g.as(), secret: true}.attempt(catalog(t)),
	}})
	r := t.Vary(ctx, sets...)
	r.Evidence = slices.Concat(g.Trail, r.Evidence)
	if r.Outcome == finding.Fail || r.Outcome == finding.Unknown || r.Outcome == finding.NotChecked {
		return r
	}
	writes := slices.ContainsFunc(more, func(a login.Access) bool { return a.Name == t.Name(t.Repository()) })
	if !writes {
		if r.Outcome == finding.NotApplicable { // the catalog is open to everybody
			r = probe.Result{Outcome: finding.Pass, Observed: "deny", Evidence: g.Trail, Control: g.Trail, Attempts: r.Attempts}
		}
		what := "the token allows to pull the image and nothing else"
		if len(more) > 0 {
			what = "the token says that it allows " + spell(more) + " as well, which opens nothing that is not open to everybody"
		}
		r.Reason = strings.TrimSuffix(what+"; "+r.Reason, "; ")
		return use.unused(r)
	}
	if !t.Allows(probe.CancelledWrite) {
		return probe.Result{Outcome: finding.NotChecked, Evidence: g.Trail, Attempts: r.Attempts,
			Reason: "asked for to pull, the token says that it allows " + spell(more) + " as well; --active would use it"}
	}
	w := write(ctx, t, g, "a token that was asked for to pull")
	w.Evidence = slices.Concat(g.Trail, w.Evidence)
	if w.Outcome == finding.Pass {
		w.Reason = "the token says that it allows " + spell(more) + " as well, which the registry denies: " + w.Reason
	}
	return use.unused(w)
}

func spell(list []login.Access) string {
	var all []string
	for _, a := range list {
		all = append(all, a.Type+":"+a.Name+":"+strings.Join(a.Actions, ","))
	}
	return strings.Join(all, " ")
}

// catalog is the listing of the registry, judged by the names in it that policy
// does not open to strangers and that are not the image's.
func catalog(t *probe.Trial) probe.Attempt {
	return probe.Attempt{
		Request: oci.Request{Method: http.MethodGet, Kind: oci.Catalog, Query: "n=100"}, Direct: true, Lent: true,
		Judge: func(ctx context.Context, t *probe.Trial, a probe.Attempt, answer probe.Answer) probe.Verdict {
			var list struct {
				Repositories []string `json:"repositories"`
			}
			if answer.Status != http.StatusOK || json.Unmarshal(answer.Body, &list) != nil {
				if a.Class == probe.Variant {
					return probe.JudgeOdd(ctx, t, a, answer)
				}
				return probe.Content(ctx, t, a, answer)
			}
			for _, name := range list.Repositories {
				if name != t.Name(t.Repository()) && !t.Open(strings.TrimPrefix(name, t.Name(""))) {
					with := a.With
					if with == "" {
						with = "everybody"
					}
					return probe.Verdict{
						Outcome: finding.Fail, Severity: finding.Medium, Reason: "the catalog is served to " + with, Evidence: answer.Trail,
						Message: fmt.Sprintf("the catalog with %d repositories is served to %s (%s)", len(list.Repositories), with, a.Variant), Subject: &finding.Subject{Kind: "catalog"},
					}
				}
			}
			return probe.Verdict{Outcome: finding.Pass, Reason: "200 without a name that is not the image's", Evidence: answer.Trail, Control: answer.Trail}
		},
	}
}
