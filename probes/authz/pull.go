// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"context"

	"github.com/regproof/regproof/access"
	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/probe"
)

// Pull reads the image as everybody who has a name.
var Pull = probe.Probe{
	ID:    "authz/pull",
	Title: "A named identity reads what policy lets it read, and no more",
	Why: "A password that opens everything makes every team's leak the leak of all teams: " +
		"a flat list of users tells who somebody is, and nothing of what he may.",
	How: []string{
		"as each identity that policy does not let pull: the manifest by tag and by digest, a config, a layer, and HEAD",
		"what is served is asked for twice more on new connections, and as a stranger: what strangers get is no right of its own",
		"a denial counts when the identity was let in at /v2/ before and after it, where a made-up user is not",
		"as each identity that policy lets pull: the manifest by tag; a denial that is seen twice is a low finding",
	},
	Fix: "Give each identity rights for each repository: tokens of a service that knows them, accessControl " +
		"of zot, projects of Harbor. htpasswd and auth_basic know none.",
	NotWhen:  "The identity is meant to read it: say so with a rule in policy.rules.",
	Severity: finding.High,
	Control:  "authz-pull",
	Effect:   probe.Read,
	Per:      probe.Image,
	Decides:  access.Pull,
	Named:    true,
	Run: func(ctx context.Context, t *probe.Trial) probe.Result {
		if why := t.Primes(); why != "" {
			return probe.Result{Outcome: finding.NotChecked, Reason: why}
		}
		attempts := reads(t)
		ids := append(t.Others(t.Repository(), access.Pull), readers(t)...)
		results := forEach(ctx, t, ids, func(id *probe.Identity) []probe.Reply {
			wanted := attempts
			if mayPull(t, id, t.Repository()) {
				wanted = attempts[:1]
			}
			var out []probe.Reply
			for _, a := range wanted {
				out = append(out, t.Read(ctx, id, a))
			}
			return out
		}, func(id *probe.Identity, got []probe.Reply) probe.Result {
			if mayPull(t, id, t.Repository()) {
				return tooStrict(ctx, t, id, attempts[0], got[0])
			}
			return tooMuch(ctx, t, id, attempts, got)
		})
		return together(results, nobody(t.Repository(), access.Pull))
	},
}

// mayPull says whether policy lets an identity pull.
func mayPull(t *probe.Trial, id *probe.Identity, repository string) bool {
	allow, stated, _ := t.May(id, repository, access.Pull)
	return allow && stated
}

// readers are those whom policy lets pull, but who shows that the image is there:
// that he reads it is known.
func readers(t *probe.Trial) []*probe.Identity {
	var out []*probe.Identity
	for _, id := range t.Identities() {
		if e := t.Entitlement(); mayPull(t, id, t.Repository()) && (e == nil || e.Name != id.Name) {
			out = append(out, id)
		}
	}
	return out
}
