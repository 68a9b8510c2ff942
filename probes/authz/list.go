// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"context"
	"slices"

	"github.com/regproof/regproof/access"
	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/probe"
)

// List asks for lists as everybody who has a name.
var List = probe.Probe{
	ID:    "authz/list",
	Title: "A named identity lists what policy lets it list, and no more",
	Why: "Names of repositories, tags and attachments tell what other teams build and when. " +
		"They are what an attacker with one password looks for first.",
	How: []string{
		"as each identity that policy does not let list: GET tags/list and referrers/DIGEST of the repository",
		"as each identity that policy does not let read the catalog, once: GET /v2/_catalog; names on which policy gives it a right are no leak",
		"a list counts when it names something; the list of the entitled is the control; it is asked for twice more, and as a stranger",
	},
	Fix: "Let the registry show each caller what he may see (Harbor, zot with accessControl), or deny the catalog " +
		"to all but administrators, and tie tags and referrers to the right to pull.",
	NotWhen:  "Who may pull may list in your registry: say so with can: [pull, list] in policy.rules.",
	Severity: finding.Medium,
	Control:  "authz-list",
	Effect:   probe.Read,
	Per:      probe.Repository,
	Decides:  access.List,
	Named:    true,
	Run: func(ctx context.Context, t *probe.Trial) probe.Result {
		if why := t.Primes(); why != "" {
			return probe.Result{Outcome: finding.NotChecked, Reason: why}
		}
		ids := listeners(t)
		if len(ids) == 0 {
			return nobody(t.Repository(), access.List)
		}
		lists := listings(ctx, t)
		results := forEach(ctx, t, ids, func(id *probe.Identity) [][]probe.Reply {
			out := make([][]probe.Reply, len(lists))
			for i, l := range lists {
				if l.asks(t, id) {
					out[i] = []probe.Reply{t.Read(ctx, id, l.attempt)}
				}
			}
			return out
		}, func(id *probe.Identity, got [][]probe.Reply) probe.Result {
			var repository, catalog []probe.Result
			for i, l := range lists {
				switch {
				case len(got[i]) == 0:
				case l.catalog:
					catalog = append(catalog, l.judge(ctx, t, id, got[i][0]))
					catalog[0].Identity, catalog[0].Catalog = id.Name, true
				default:
					repository = append(repository, l.judge(ctx, t, id, got[i][0]))
				}
			}
			if len(repository) == 0 {
				return catalog[0]
			}
			r := onlyWorst(repository)
			r.Also = catalog
			return r
		})
		return together(apart(results), probe.Result{})
	},
}

// onlyWorst is the gravest of several results about one thing; what else failed
// is told with it.
func onlyWorst(results []probe.Result) probe.Result {
	r := together(results, probe.Result{})
	for _, also := range r.Also {
		if also.Outcome == finding.Fail {
			r.Deviations = append(r.Deviations, finding.Deviation{Variant: also.Message, Evidence: also.Evidence})
		}
	}
	r.Also = nil
	return r
}

// apart gives each result its own place.
func apart(results []probe.Result) []probe.Result {
	var out []probe.Result
	for _, r := range results {
		also := r.Also
		r.Also = nil
		out = append(append(out, r), also...)
	}
	return out
}

// listeners are those who must be denied some list.
func listeners(t *probe.Trial) []*probe.Identity {
	out := t.Others(t.Repository(), access.List)
	if t.Chosen() {
		for _, id := range t.Others("", access.Catalog) {
			if !slices.Contains(out, id) {
				out = append(out, id)
			}
		}
	}
	return out
}
