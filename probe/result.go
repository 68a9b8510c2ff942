// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"fmt"
	"slices"
	"strings"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/image"
)

// result folds verdicts into one.
func (t *Trial) result(verdicts []Verdict) Result {
	r := Result{Attempts: len(verdicts), Observed: "unknown"}
	var worst *Verdict
	notes := 0
	routed := slices.ContainsFunc(verdicts, func(v Verdict) bool { return !v.noRoute })
	for i := range verdicts {
		v := &verdicts[i]
		if v.noRoute && routed {
			continue
		}
		if v.attempt.Class == Variant && v.Outcome != finding.Fail {
			if v.Outcome != finding.Pass {
				notes++
			}
			continue
		}
		if worst == nil || graver(*v, *worst) {
			worst = v
		}
	}
	if worst == nil {
		r.Outcome, r.Reason = finding.Unknown, "nothing could be asked"
		return r
	}
	r.Outcome, r.Severity, r.Reason, r.Message = worst.Outcome, worst.Severity, worst.Reason, worst.Message
	r.Evidence, r.Control, r.Subject = worst.Evidence, worst.Control, worst.Subject
	r.Variant, r.Address, r.Protocol = worst.attempt.Variant, worst.lane.Address.Addr().String(), string(worst.lane.Proto)
	if r.Subject == nil && worst.attempt.Content != nil {
		r.Subject = subjectOf(worst.attempt.Content)
	}
	switch r.Outcome {
	case finding.Fail:
		r.Observed = "allow"
		r.Deviations = t.deviations(verdicts, worst)
		if only := onlyOn(verdicts, worst); only != "" {
			r.Message += " (" + only + ")"
		}
		if ping := t.door.pings[worst.lane.Address].First.Status; worst.attempt.Class == Canonical && worst.attempt.Judge == nil && denied(ping) && strings.HasSuffix(r.Message, "without credentials") {
			r.Message += fmt.Sprintf("; /v2/ answers %d, so that a login looks as if it were needed", ping)
		}
	case finding.Pass:
		r.Observed = "deny"
		if t.door.byAgent.Load() && !slices.ContainsFunc(verdicts, func(v Verdict) bool { return v.attempt.Class == Client }) {
			r.Outcome, r.Observed = finding.Unknown, "unknown"
			r.Reason = "the front answers by User-Agent, so this denial may be that of a bot filter"
		}
		if notes > 0 {
			r.Reason = strings.TrimPrefix(fmt.Sprintf("%s; %d odd variants were answered with neither content nor a denial", r.Reason, notes), "; ")
		}
	}
	return r
}

// graver orders verdicts: outcome, then severity; then the plainer attempt.
func graver(a, b Verdict) bool {
	if a.Outcome != b.Outcome {
		return finding.Worse(b.Outcome, a.Outcome) == a.Outcome
	}
	if a.Severity.Rank() != b.Severity.Rank() {
		return a.Severity.Rank() > b.Severity.Rank()
	}
	return a.attempt.Class < b.attempt.Class
}

// deviations are the further attempts that failed.
func (t *Trial) deviations(verdicts []Verdict, worst *Verdict) []finding.Deviation {
	var out []finding.Deviation
	for i := range verdicts {
		v := &verdicts[i]
		if v == worst || v.Outcome != finding.Fail || implied(*v, verdicts) || len(out) >= 50 {
			continue
		}
		out = append(out, finding.Deviation{Variant: t.describe(*v, *worst), Evidence: v.Evidence})
	}
	return out
}

// describe says in what a deviation differs from the finding itself.
func (t *Trial) describe(v, worst Verdict) string {
	var parts []string
	if v.attempt.Variant != "" {
		parts = append(parts, v.attempt.Variant)
	}
	if c := v.attempt.Content; c != nil && worst.attempt.Content != nil && c.Digest != worst.attempt.Content.Digest {
		parts = append(parts, string(c.Kind)+" "+c.Digest.Short())
	}
	if v.lane.Address != worst.lane.Address {
		parts = append(parts, "at "+v.lane.Address.Addr().String())
	}
	if v.lane.Proto != worst.lane.Proto {
		parts = append(parts, string(v.lane.Proto))
	}
	if len(parts) == 0 {
		return "the same again"
	}
	return strings.Join(parts, ", ")
}

// onlyOn names the cause when the same request was denied on other lanes.
func onlyOn(verdicts []Verdict, worst *Verdict) string {
	var denied []Lane
	for _, v := range verdicts {
		if v.attempt.id() == worst.attempt.id() && v.Outcome == finding.Pass {
			denied = append(denied, v.lane)
		}
	}
	for _, l := range denied {
		if l.Address != worst.lane.Address {
			return fmt.Sprintf("only at the address %s; denied at %s", worst.lane.Address.Addr(), l.Address.Addr())
		}
		if l.Proto != worst.lane.Proto {
			return fmt.Sprintf("only over %s; denied over %s", worst.lane.Proto, l.Proto)
		}
	}
	return ""
}

func denied(status int) bool { return status == 401 || status == 403 }

func subjectOf(c *image.Content) *finding.Subject {
	return &finding.Subject{Kind: string(c.Kind), Digest: string(c.Digest), MediaType: c.MediaType}
}

// Told is the result of a probe that a weakness hides which is another probe's to
// tell. Where that one is left out, nobody would tell: then it is not known
// whether the control holds.
func (t *Trial) Told(what, id string) Result {
	o := t.door.run.opts
	runs := slices.ContainsFunc(o.Probes, func(p Probe) bool {
		return p.ID == id && (o.Selected == nil || o.Selected(p)) && (o.Skipped == nil || !o.Skipped(p)) && t.Allows(p.Effect)
	})
	if !runs {
		return Result{Outcome: finding.Unknown, Reason: what + ", so this cannot be seen; " + id + ", which would tell, is left out of this run"}
	}
	return NotApplicable(what + ", which " + id + " tells")
}
