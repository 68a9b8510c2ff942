// SPDX-License-Identifier: Apache-2.0

package immutability

import (
	"fmt"
	"strings"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/probe"
)

// tried is one way to move a tag.
type tried struct {
	what     string
	how      string // what was answered
	severity finding.Severity
	move
}

// held makes a name that nobody may push, where others may be pushed, one that
// does not move.
func (t tried) held() tried {
	if t.barred {
		t.result = probe.Result{}
		t.how = fmt.Sprintf("%s may not be pushed at all (%s)", t.what, probe.Says(t.pushed))
	}
	return t
}

// fold makes one result of several ways: the gravest that moved a tag is the
// finding, the others are its deviations. A way that says nothing makes the
// whole unknown, unless another moved a tag.
func fold(s *probe.Sandbox, all []tried, message func(ways string) string) probe.Result {
	var moved []tried
	var answers []probe.Answer
	var unclear *tried
	for i, a := range all {
		answers = append(answers, a.answers...)
		switch {
		case a.moved:
			moved = append(moved, a)
		case a.result.Outcome != "" && unclear == nil:
			unclear = &all[i]
		}
	}
	if len(moved) > 0 {
		worst := moved[0]
		for _, m := range moved[1:] {
			if m.severity.Rank() > worst.severity.Rank() && worst.severity != "" || worst.severity != "" && m.severity == "" {
				worst = m
			}
		}
		r := worst.failed(s, message(worst.what)+accepted(worst.pushed))
		r.Severity, r.Variant, r.Attempts = worst.severity, worst.what, len(answers)
		for _, m := range moved {
			if m.tag == worst.tag {
				continue
			}
			d := finding.Deviation{Variant: m.what}
			for _, a := range m.answers {
				d.Evidence = append(d.Evidence, a.Trail...)
			}
			r.Deviations = append(r.Deviations, d)
		}
		return r
	}
	if unclear != nil {
		r := unclear.result
		r.Reason = unclear.what + ": " + r.Reason
		r.Evidence = nil
		for _, a := range unclear.answers {
			r.Evidence = append(r.Evidence, a.Trail...)
		}
		return r
	}
	var how []string
	for _, a := range all {
		how = append(how, orElse(a.how, a.what+" "+a.kept()))
	}
	return s.Result(finding.Pass, fmt.Sprintf("the tag stayed: %s", strings.Join(how, "; ")), answers...)
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}
