// SPDX-License-Identifier: Apache-2.0

package token

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/probe"
)

// UserTiming measures how long a refused login takes.
var UserTiming = probe.Probe{
	ID:    "token/user-timing",
	Title: "The time of a refused login does not tell whether the user exists",
	Why: "Where a slow password hash is computed for names that exist alone, the time of a refusal " +
		"tells which those are (CVE-2023-20902, CVE-2025-59350).",
	How: []string{
		"only with --try-wrong-password and check.decoy, a user that exists and that nobody needs: a lockout would hit it",
		"200 wrong passwords for it and 200 for each of two made-up names, one request at a time on a kept connection, in a random order; if they differ, all of it once more: at most 1,200 logins, 400 of them with the decoy's name",
		"they differ if the Mann-Whitney U test (two-sided, corrected for ties) gives p below 0.001 and the median of the decoy is more than 5 ms from that of both made-up names, which must not differ so from each other; both rounds must agree",
		"429, a ban or an answer that changes ends it: unknown",
	},
	Fix: "Compute the same hash, at the same cost, whether the name exists or not: a dummy hash for names " +
		"that do not. distribution 3.1.0 and later has one of cost 5 (htpasswd -B -C 5), a low one, good for long random passwords; with others a token service checks them.",
	NotWhen:  "The names are no secret anyway.",
	Severity: finding.Low,
	Control:  "user-timing",
	Effect:   probe.WrongPassword,
	Option:   "check.decoy",
	Per:      probe.Last,
	Idle:     undecoyed,
	Run:      timing{each}.run,
}

// few logins with each name tell how long a round takes.
const few = 10

// each is how many logins a round makes with each name.
const each = 200

// timing is how much is measured.
type timing struct{ each int }

// undecoyed says why no user is guessed at.
func undecoyed(t *probe.Trial) probe.Result {
	decoy, why := t.Decoy()
	if why != "" {
		return probe.Result{Outcome: finding.NotChecked, Reason: why}
	}
	if t.Allows(probe.WrongPassword) && decoy == "" {
		return probe.Result{Outcome: finding.NotChecked, Reason: "it needs check.decoy in the file: a user that exists and that nobody needs, since it may be locked out"}
	}
	return probe.Result{}
}

func (m timing) run(ctx context.Context, t *probe.Trial) probe.Result {
	decoy, _ := t.Decoy()
	c, no := t.Counter(ctx)
	if no.Outcome != "" {
		return no
	}
	defer t.Doing("measuring how long refused logins take")()
	r := probe.Result{Expected: "the same time"}
	var rounds []compared
	for len(rounds) < 2 {
		s, why := m.round(ctx, t, c, decoy, &r)
		if why != "" {
			r.Outcome, r.Reason = finding.Unknown, fmt.Sprintf("%s, after %d logins", why, r.Attempts)
			if ctx.Err() != nil {
				r.Outcome = finding.NotChecked
			}
			return r
		}
		rounds = append(rounds, s.compare())
		if t.Planning() {
			continue // a plan says what would be asked at most
		}
		if !rounds[len(rounds)-1].differs() {
			break
		}
	}
	return m.judge(r, c, decoy, rounds)
}

// round measures every name as often, in a random order.
func (m timing) round(ctx context.Context, t *probe.Trial, c probe.Counter, decoy string, r *probe.Result) (s sampled, why string) {
	names := []string{decoy, madeUp(t, decoy, "a"), madeUp(t, decoy, "b")}
	into := []*[]time.Duration{&s.known, &s.made, &s.other}
	begin := time.Now()
	_, password := t.Stray()
	t.Guess(ctx, c, names[1], password) // opens the connection
	status := make([]int, len(names))
	for n := range m.each {
		for _, i := range rand.Perm(len(names)) {
			a := t.Guess(ctx, c, names[i], password)
			r.Attempts++
			if n == 0 { // one of each is enough to repeat it
				r.Evidence = append(r.Evidence, a.Trail...)
			}
			switch {
			case a.NotAsked != "":
				return s, a.NotAsked
			case a.Status != 0 && status[i] == 0 && refusal(a):
				status[i] = a.Status
			case a.Status != status[i] || a.Status == 0 || a.Header.Has("Retry-After"):
				r.Evidence = append(r.Evidence, a.Trail...)
				return s, fmt.Sprintf("a wrong password is answered %s %s, not as the first one", said(a), c.Where())
			}
			*into[i] = append(*into[i], a.Took)
		}
		if n == few {
			if need := time.Since(begin) / few * time.Duration(m.each-few); !t.Lasts(ctx, time.Now().Add(need)) {
				return s, fmt.Sprintf("a round would take %s more, which is longer than the run may take (--timeout)", need.Round(time.Second))
			}
		}
	}
	return s, ""
}

// judge makes a result of one round that shows nothing, or of two.
func (m timing) judge(r probe.Result, c probe.Counter, decoy string, rounds []compared) probe.Result {
	last := rounds[len(rounds)-1]
	r.Control = slices.Clone(r.Evidence)
	r.Observed = fmt.Sprintf("%s against %s", shown(last.known), shown(last.made))
	var text []string
	for i, n := range rounds {
		text = append(text, fmt.Sprintf("round %d: medians %s for %s, %s and %s for made-up names, p = %.2g, and %.2g between those", i+1, shown(n.known), decoy, shown(n.made), shown(n.other), n.p, n.control))
	}
	r.Reason = fmt.Sprintf("%d logins with each name a round %s; %s", m.each, c.Where(), strings.Join(text, "; "))
	differs := !slices.ContainsFunc(rounds, func(n compared) bool { return !n.differs() || n.above(n.made) != rounds[0].above(rounds[0].made) })
	switch {
	case differs && len(rounds) == 2:
		r.Outcome = finding.Fail
		r.Message = fmt.Sprintf("a refused login takes %s for a name that exists and %s for one that does not", shown(last.known), shown(last.made))
	case slices.ContainsFunc(rounds, compared.noisy):
		r.Outcome, r.Reason = finding.Unknown, "two made-up names differ as much as a name that exists would have to; "+r.Reason
	case len(rounds) == 2:
		r.Outcome, r.Reason = finding.Unknown, "the two rounds do not agree; "+r.Reason
	default:
		r.Outcome = finding.Pass
		if last.p < significance {
			r.Reason += "; less than 5 ms are taken for nothing"
		}
		r.Reason += fmt.Sprintf("; provided that %s exists", decoy)
	}
	return r
}

func shown(d time.Duration) string {
	return fmt.Sprintf("%.2f ms", float64(d)/float64(time.Millisecond))
}

// madeUp is the name of a user that does not exist, as long as a name that does
// where that can be: it always begins as the made-up user of the run.
func madeUp(t *probe.Trial, like, suffix string) string {
	name, _ := t.Stray()
	return name + strings.Repeat("x", max(0, len(like)-len(name)-len(suffix))) + suffix
}
