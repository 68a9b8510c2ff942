// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"context"
	"fmt"
	"net/http"
	"slices"

	"github.com/regproof/regproof/access"
	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/image"
	"github.com/regproof/regproof/probe"
)

// BlobStatus compares how an identity is denied what is there and what is not.
var BlobStatus = probe.Probe{
	ID:    "authz/blob-status",
	Title: "A denial does not tell whether a blob exists",
	Why: "A registry that looks a blob up before it asks for the right to read answers 403 for what is there and 404 " +
		"for what is not: whoever has any password learns which layers the private images of others have.",
	How: []string{
		"as each identity that policy does not let pull, in the first repository that this is so of: HEAD, then GET, of a layer that is this image's alone and of two made-up digests",
		"each method three times for the layer and three times for the made-up ones, one of them twice, in an order that no taking of turns follows (replicas, every second request)",
		"a failure is a status or an error code that is the same all three times for the layer, the same all three times for the made-up ones, and another for those; the two methods are never compared with each other",
		"answers that change for one digest are unknown; a denial counts as in authz/pull, and the layer is shown to whoever may read it",
		"texts beside the error code are not compared, nor times, nor tags and manifests",
	},
	Fix: "Ask for the right to the repository before anything is looked up in it, and answer alike whatever is there: " +
		"a repository that is hidden gives 404 for all of it.",
	NotWhen:  "Whoever has a password may know every digest anyway.",
	Severity: finding.Low,
	Control:  "blob-status",
	Effect:   probe.Read,
	Per:      probe.Repository,
	Needs:    []probe.Need{probe.NeedContent},
	Named:    true,
	Run: func(ctx context.Context, t *probe.Trial) probe.Result {
		if why := t.Primes(); why != "" {
			return probe.Result{Outcome: finding.NotChecked, Reason: why}
		}
		others := t.Others(t.Repository(), access.Pull)
		if len(others) == 0 {
			return nobody(t.Repository(), access.Pull)
		}
		ids := slices.DeleteFunc(others, func(id *probe.Identity) bool { return deniedFirst(t, id) != t.Repository() })
		own := unique(t)
		if len(own) == 0 {
			return probe.NotApplicable("the image has no config and no layer of its own")
		}
		there := own[len(own)-1] // the layer, if it has one
		results := forEach(ctx, t, ids, func(id *probe.Identity) []pair { return compare(ctx, t, id, there) },
			func(id *probe.Identity, got []pair) probe.Result { return unlike(ctx, t, id, there, got) })
		return together(results, probe.NotApplicable("each identity is asked for in the first repository that policy does not let it pull"))
	},
}

// deniedFirst is the first repository that policy does not let an identity pull.
func deniedFirst(t *probe.Trial, id *probe.Identity) string {
	for _, repository := range t.Repositories() {
		if allow, stated, _ := t.May(id, repository, access.Pull); stated && !allow {
			return repository
		}
	}
	return t.Repository()
}

// pair are the answers to one method: for what is there, and for what is not.
type pair struct {
	method      string
	there, made []probe.Reply
}

// turns is the order of what is there (0) and of two made-up digests: neither
// every second nor every third of the six is of one kind.
var turns = []int{0, 1, 2, 0, 1, 0}

func compare(ctx context.Context, t *probe.Trial, id *probe.Identity, there *image.Content) []pair {
	digests := []string{string(there.Digest), probe.RandomDigest(), probe.RandomDigest()}
	var out []pair
	for _, method := range []string{http.MethodHead, http.MethodGet} {
		p := pair{method: method}
		for i, turn := range turns {
			a := blob(t.Repository(), there)
			a.Again, a.Request.Method, a.Request.Reference = i+1, method, digests[turn]
			a.Limits.KeepFrom, a.Limits.Keep = 0, a.Limits.Limit // the error code stands at the beginning
			if r := t.Read(ctx, id, a); turn == 0 {
				p.there = append(p.there, r)
			} else {
				p.made = append(p.made, r)
			}
		}
		out = append(out, p)
	}
	return out
}

// steady says whether one kind of digest was always answered alike.
func steady(replies []probe.Reply) bool {
	return !slices.ContainsFunc(replies, func(r probe.Reply) bool { return !alike(r.Answer, replies[0].Answer) })
}

// unlike judges the answers that one identity got.
func unlike(ctx context.Context, t *probe.Trial, id *probe.Identity, there *image.Content, got []pair) probe.Result {
	var all []probe.Reply
	var hits []pair
	changed := ""
	for _, p := range got {
		all = append(append(all, p.there...), p.made...)
		switch {
		case slices.ContainsFunc(p.there, func(r probe.Reply) bool { return r.Saw == probe.Served }):
			return probe.NotApplicable(id.Name + " is served the blob itself, which authz/pull tells")
		case !steady(p.there) || !steady(p.made):
			changed = p.method
		case !alike(p.there[0].Answer, p.made[0].Answer):
			hits = append(hits, p)
		}
	}
	control, why := t.Shown(blob(t.Repository(), there), true)
	r := denied(ctx, t, id, control, all...)
	r.Subject = subjectOf(there)
	switch {
	case r.Outcome != finding.Pass:
		return r
	case why != "":
		r.Outcome, r.Observed, r.Reason = finding.Unknown, "unknown", why
	case len(hits) > 0:
		hit := hits[0]
		r.Outcome, r.Observed, r.Variant, r.Evidence = finding.Fail, "allow", hit.method, append(trails(hit.there), trails(hit.made)...)
		r.Reason = fmt.Sprintf("%s is answered %s for a blob that is there and %s for made-up digests, three times each", hit.method, hit.there[0].What, hit.made[0].What)
		r.Message = fmt.Sprintf("the denial tells %s whether a blob is in %s, which policy does not let it pull", id.Name, t.Repository())
		for _, also := range hits[1:] {
			r.Deviations = append(r.Deviations, finding.Deviation{Variant: also.method, Evidence: append(trails(also.there), trails(also.made)...)})
		}
	case changed != "":
		r.Outcome, r.Observed = finding.Unknown, "unknown"
		r.Reason = changed + " of one digest was not always answered alike: " + r.Reason
	}
	return r
}

func trails(replies []probe.Reply) (out []string) {
	for _, r := range replies {
		out = append(out, r.Trail...)
	}
	return out
}
