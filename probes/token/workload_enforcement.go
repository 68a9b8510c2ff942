// SPDX-License-Identifier: Apache-2.0

package token

import (
	"context"
	"slices"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/probe"
)

// WorkloadEnforcement shows tokens of workloads that must be refused.
var WorkloadEnforcement = probe.Probe{
	ID:    "token/workload-enforcement",
	Title: "A workload that policy does not name opens nothing",
	Why: "A registry that trusts a CI system or a cluster trusts everybody who has a job there, " +
		"unless it looks at issuer, audience, time and the whole subject: a fork, a pull request or a repository with a similar name pulls what is private.",
	How: []string{
		"for each identity with from.oidc that may pull the image: first its own token must open it",
		"then tokens with its claims that are unsigned, or signed by a key that the issuer does not have, under its own or another name, or name another issuer",
		"with from.oidc.key, the key of a test issuer: another audience, another issuer, over, not yet valid, without an end; the subjects of other repositories, branches, tags, environments, pull requests, forks, namespaces and trust domains, and names that begin or end alike",
		"and the real tokens of identities with from.oidc that policy does not let in",
		"each as it is, and where tokens are exchanged also what was given for it; and a layer without any token",
		"content is a failure, if it is served again three times on new connections",
	},
	Fix: "Compare issuer and audience exactly, require an end, verify the signature with the keys of the issuer alone and refuse " +
		"what cannot be verified; write the whole subject into the rule, with the branch or the environment.",
	NotWhen:  "Other subjects are meant to be let in as well: list them in from.oidc.subjects.",
	Severity: finding.Critical,
	Control:  "workload-enforcement",
	Effect:   probe.Read,
	Per:      probe.Once,
	Needs:    []probe.Need{probe.NeedContent},
	Idle:     noWorkloads,
	Run:      enforcesWorkloads,
}

func enforcesWorkloads(ctx context.Context, t *probe.Trial) probe.Result {
	f := federated(ctx, t)
	if f.result.Outcome != "" {
		return f.result
	}
	if r, open := layerOpen(ctx, t); open {
		return r
	}
	var forms []form
	var control []string
	for _, w := range f.workloads {
		if w.why != "" {
			continue
		}
		control = append(control, w.control...)
		forms = append(forms, w.forms...)
		if brokered(w.id) && f.noBroker.Outcome == "" {
			forms = append(forms, f.brokeredForms(ctx, t, w)...)
		}
	}
	if len(forms) == 0 {
		return probe.Result{Outcome: finding.Unknown, Reason: f.workloads[0].why, Evidence: f.workloads[0].control}
	}
	r := present(ctx, t, forms, false)
	r.Control = append(slices.Clone(control), r.Control...)
	return f.whole(r)
}

// brokeredForms are the tokens that the token service gave for those that it
// should have refused.
func (f *federation) brokeredForms(ctx context.Context, t *probe.Trial, w *workload) (out []form) {
	for _, b := range f.brokeredAll(ctx, t, w) {
		if b.refused() || b.Token == "" || b.idle() {
			continue
		}
		fo := w.named(b.name)
		fo.name, fo.token, fo.trail, fo.layer = "exchanged: "+b.name, b.Token, b.Trail, false
		out = append(out, fo)
	}
	return out
}

// layerOpen: where tokens of workloads open an image, none of its layers may be
// served without one.
func layerOpen(ctx context.Context, t *probe.Trial) (probe.Result, bool) {
	layer, ok := t.PlainLayer()
	if !ok {
		return probe.Result{}, false
	}
	var v probe.Verdict
	for n := range 3 {
		layer.Fresh, layer.Again = n > 0, n
		if v = t.Peek(ctx, layer); v.Outcome != finding.Fail {
			return probe.Result{}, false
		}
	}
	return probe.Result{
		Outcome: finding.Fail, Reason: "a layer needs no token", Message: v.Message + ", and the manifest is not", Observed: "allow",
		Evidence: v.Evidence, Subject: v.Subject, Attempts: 3,
	}, true
}
