// SPDX-License-Identifier: Apache-2.0

package token

import (
	"context"
	"fmt"
	"slices"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/probe"
)

// WorkloadBroker asks a token service to exchange what it must refuse.
var WorkloadBroker = probe.Probe{
	ID:    "token/workload-broker",
	Title: "The broker of workload identities refuses what policy does not name",
	Why: "Whoever a broker gives a token to is somebody to every registry that trusts it. If its " +
		"rules are loose, the registry is the only lock that is left.",
	How: []string{
		"for identities with from.oidc.exchange: token-exchange (RFC 8693) or basic; first their own token must be exchanged for one that opens the image",
		"then the tokens of token/workload-enforcement are exchanged; 4xx is a refusal, except for 429",
		"a failure is a token that says it may pull the image, or that opens it, given twice; one that opens nothing is of medium severity",
		"a token that allows nothing, or one that cannot be read and opens nothing, is no failure (token specification)",
		"afterwards the own token must be exchanged again, or no refusal counts",
	},
	Fix: "Give the broker exact rules: issuer, audience, an end, and the whole subject; let it refuse what cannot be verified.",
	NotWhen: "Other subjects are meant to be let in as well (from.oidc.subjects), or the broker knows no rights and the registry decides " +
		"by the subject of its tokens.",
	Severity: finding.Critical,
	Control:  "workload-broker",
	Effect:   probe.Read,
	Per:      probe.Once,
	Needs:    []probe.Need{probe.NeedContent},
	Idle:     noWorkloads,
	Run:      brokerRefuses,
}

func brokerRefuses(ctx context.Context, t *probe.Trial) probe.Result {
	f := federated(ctx, t)
	switch {
	case f.result.Outcome != "":
		return f.result
	case !slices.ContainsFunc(f.workloads, func(w *workload) bool { return brokered(w.id) }):
		return probe.NotApplicable("tokens of workloads are shown to the registry as they are, and no broker exchanges them")
	case f.noBroker.Outcome != "":
		return f.noBroker
	}
	r := probe.Result{Outcome: finding.Pass, Observed: "deny"}
	var loose []loosely
	refused, idle, opaque := 0, 0, 0
	for _, w := range f.workloads {
		if !brokered(w.id) || w.why != "" {
			continue
		}
		r.Control = append(r.Control, w.control...)
		for _, g := range f.brokeredAll(ctx, t, w) {
			r.Attempts++
			r.Evidence = g.Trail
			switch {
			case g.NotAsked != "":
				return probe.Result{Outcome: finding.NotChecked, Reason: g.NotAsked, Evidence: g.Trail}
			case g.refused():
				refused++
			case g.Err != nil:
				return probe.Result{Outcome: finding.Unknown, Reason: g.name + ": " + g.Err.Error(), Evidence: g.Trail, Control: w.control}
			case g.idle():
				idle++
			default:
				l, ok := f.proven(ctx, t, w, g)
				if ok {
					loose = append(loose, l)
				} else {
					opaque++
				}
			}
		}
		if opened, trail := f.through(ctx, t, w.id, w.id.Token()); !opened && len(loose) == 0 {
			return probe.Result{Outcome: finding.Unknown, Reason: "afterwards the token of " + w.id.Name + " itself is refused: a rate limit or a ban", Evidence: trail, Control: w.control}
		}
	}
	if len(loose) > 0 {
		return failed(r, loose)
	}
	r.Reason = fmt.Sprintf("%d tokens that must be refused are; the own one is exchanged before and after", refused)
	if n := idle + opaque; n > 0 {
		r.Reason += fmt.Sprintf("; for %d a token was given that opens nothing and says of no right", n)
	}
	if r.Attempts == 0 {
		return probe.Result{Outcome: finding.Unknown, Reason: f.workloads[0].why, Evidence: f.workloads[0].control}
	}
	return f.whole(r)
}

// brokeredAll exchanges forgeries once for both probes.
func (f *federation) brokeredAll(ctx context.Context, t *probe.Trial, w *workload) []given {
	return probe.Remember(t, "token/workload "+w.id.Name, func() []given {
		var wishes []wish
		for _, fo := range w.forms {
			t.Hide(fo.token)
			wishes = append(wishes, f.wish(t, w.id, fo))
		}
		return f.exchange(ctx, t, wishes)
	})
}

// loosely is a token that should not have been given.
type loosely struct {
	given
	opens    bool
	cause    string
	evidence []string
}

// proven asks once more, and uses what is given: ok is false when the token was
// not given again, or neither opens the image nor says that it may.
func (f *federation) proven(ctx context.Context, t *probe.Trial, w *workload, g given) (loosely, bool) {
	fo := w.named(g.name)
	again := f.exchange(ctx, t, []wish{f.wish(t, w.id, fo)})[0]
	if again.Token == "" {
		return loosely{}, false
	}
	a := t.Use(ctx, withWorkload, again.Token, t.Plain().Request)
	l := loosely{again, isImage(t, a), fo.cause, slices.Concat(g.Trail, again.Trail, a.Trail)}
	return l, l.opens || (again.JWT != nil && again.claims(t.Name(t.Repository()), "pull"))
}

// failed makes the finding: of what opens the image if there is such, else of
// what was given.
func failed(r probe.Result, loose []loosely) probe.Result {
	i := max(0, slices.IndexFunc(loose, func(l loosely) bool { return l.opens }))
	l := loose[i]
	r.Outcome, r.Observed, r.Variant, r.Evidence = finding.Fail, "allow", l.name, l.evidence
	r.Reason = "a token is given that opens nothing"
	does := "says that it may pull the image; the registry refuses it"
	if r.Severity = finding.Medium; l.opens {
		r.Severity, r.Reason, does = finding.Critical, "a token is given that opens the image", "opens the image"
	}
	r.Message = fmt.Sprintf("the token service gives a token for %s (%s), and it %s. %s", withWorkload, l.name, does, l.cause)
	for j, o := range loose {
		if j != i && len(r.Deviations) < 50 {
			r.Deviations = append(r.Deviations, finding.Deviation{Variant: o.name, Evidence: o.evidence})
		}
	}
	return r
}
