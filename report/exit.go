// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"strings"

	"github.com/regproof/regproof/control"
	"github.com/regproof/regproof/finding"
)

// The exit codes of every command that judges (CONTRACTS.md section 1).
const (
	OK          = 0
	Findings    = 1
	Usage       = 2
	Unproven    = 3
	Interrupted = 130
)

// Judge makes the exit code of what was found: findings at or above the bar
// win over what could not be proven. problem is why an identity or a target
// could not be used, "" when all could.
func (s *Spool) Judge(bar finding.Severity, interrupted bool, problem string, requests int, loggedIn bool) Exit {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.tally
	above, worst := 0, finding.None
	for _, sev := range finding.Severities() {
		if bar.Rank() > 0 && sev.Rank() >= bar.Rank() {
			above += t.failed[sev]
			if worst == finding.None && t.failed[sev] > 0 {
				worst = sev
			}
		}
	}
	switch {
	case interrupted:
		return Exit{Interrupted, "interrupted: what was not asked yet is notchecked"}
	case above == 1:
		return Exit{Findings, fmt.Sprintf("1 %s finding at or above %s", worst, bar)}
	case above > 1:
		return Exit{Findings, fmt.Sprintf("%d findings at or above %s, the gravest %s", above, bar, worst)}
	case t.broken > 0:
		return Exit{Unproven, fmt.Sprintf("%s broke: that is a fault of regproof", plural(t.broken, "trial"))}
	case problem != "":
		return Exit{Unproven, problem}
	case !loggedIn && t.open > 0 && s.summary.Fail == 0 && !strings.HasPrefix(t.firstOpen, "it needs --"):
		hint := "log in, or pass --username"
		if strings.Contains(t.firstOpen, "--cert-file") {
			hint = "pass --cert-file and --key-file"
		}
		return Exit{Unproven, fmt.Sprintf("no leak found in %d requests; not proven private: %s", requests, hint)}
	case t.open > 0:
		others := ""
		if t.openOther > 0 {
			others = fmt.Sprintf("; %d of them for other reasons, see above", t.openOther)
		}
		return Exit{Unproven, fmt.Sprintf("%s not decided: %s%s", plural(t.open, "required trial"), t.firstOpen, others)}
	case t.decided == 0:
		return Exit{Unproven, "no required trial was decided"}
	case s.summary.Fail > 0 && bar.Rank() == 0:
		return Exit{OK, fmt.Sprintf("%s, which --fail-on none does not judge", plural(s.summary.Fail, "finding"))}
	case s.summary.Fail > 0:
		return Exit{OK, fmt.Sprintf("%s, none at or above %s", plural(s.summary.Fail, "finding"), bar)}
	}
	cut := ""
	if t.cut > 0 {
		cut = fmt.Sprintf("; %s cut short, see NOT CHECKED", map[bool]string{true: "1 other was", false: fmt.Sprintf("%d others were", t.cut)}[t.cut == 1])
	}
	return Exit{OK, fmt.Sprintf("every required trial passed, from this vantage (%d)%s", t.decided, cut)}
}

// Controls lists the outcome of each control that was tried, in the order of
// the catalogue.
func (s *Spool) Controls() []Control {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := []Control{}
	for _, c := range control.All() {
		if got := s.controls[c.ID]; got != nil {
			got.Title = c.Title
			out = append(out, *got)
		}
	}
	return out
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
