// SPDX-License-Identifier: Apache-2.0

package token

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/probe"
	"github.com/regproof/regproof/wire"
)

// Throttling guesses passwords.
var Throttling = probe.Probe{
	ID:    "token/throttling",
	Title: "Guessing passwords is slowed down",
	Why: "Where guessing costs nothing, every leaked list of passwords is tried on every user, " +
		"and a weak one falls in a night.",
	How: []string{
		"only with --try-throttling, and after everything else: 20 different wrong passwords of a made-up user, one at a time, at the token service, or as Basic at /v2/ where there is none; one more before, to see how logins are asked for",
		"slowed down is: 429, 503, a 401 that becomes 403, Retry-After, no answer any more, or the last five answers taking twice as long as the first five and half a second or more",
		"a token service that several endpoints name is tried once; none of that within 20 is a failure; no configured user is guessed, so a lockout of users that exist is not seen",
	},
	Fix: "Slow down or ban who fails to log in time and again, by address and by name: at the token " +
		"service, or in front of it (nginx limit_req on its path, fail2ban on its log).",
	NotWhen:  "Users are locked or slowed by name and not by address: a name that nobody has cannot show it. Or this client is exempt on purpose.",
	Severity: finding.Medium,
	Control:  "password-guessing",
	Effect:   probe.ManyPasswords,
	Per:      probe.Last,
	Run:      tarpit(500 * time.Millisecond).run,
}

const guesses = 20

// enough is how long guessing may take: whoever makes it last longer slows it
// down, on purpose or not.
const enough = 2 * time.Minute

// tarpit is how long a refusal takes that is slow on purpose.
type tarpit time.Duration

func (slow tarpit) run(ctx context.Context, t *probe.Trial) probe.Result {
	c, no := t.Counter(ctx)
	if no.Outcome != "" {
		return no
	}
	if by, ok := t.Guesses(c); !ok {
		return probe.NotApplicable("the same token service was tried at " + by)
	}
	defer t.Doing(fmt.Sprintf("guessing %d passwords of a user that does not exist", guesses))()
	user, password := t.Stray()
	var all []probe.Answer
	silent := 0
	begin := time.Now()
	for n := range guesses {
		a := t.Guess(ctx, c, user, fmt.Sprintf("%s-%d", password, n))
		if a.NotAsked != "" {
			return probe.Result{Outcome: finding.NotChecked, Reason: fmt.Sprintf("%s, after %d guesses", a.NotAsked, n), Evidence: a.Trail}
		}
		all = append(all, a)
		if a.Status == 0 {
			silent++
		} else {
			silent = 0
		}
		if n == 0 && !refusal(a) || time.Since(begin) > enough {
			break
		}
		if silent == 2 || slow.sign(all) != "" {
			break
		}
	}
	return slow.judge(c, all)
}

// judge says what the answers to wrong passwords show.
func (slow tarpit) judge(c probe.Counter, all []probe.Answer) probe.Result {
	first, last := all[0], all[len(all)-1]
	r := probe.Result{
		Attempts: len(all), Evidence: slices.Concat(first.Trail, last.Trail), Control: first.Trail, Expected: "429, a delay or a ban",
	}
	r = decided(r, last, said(last))
	why := slow.sign(all)
	switch {
	case why != "":
		r.Outcome, r.Reason = finding.Pass, fmt.Sprintf("%s %s, after %d guesses", why, c.Where(), len(all)-1)
	case !refusal(first):
		r.Outcome, r.Reason = finding.Unknown, fmt.Sprintf("a wrong password is answered %s %s, which is no refusal", said(first), c.Where())
	case len(all) < guesses || !refusal(last):
		r.Outcome, r.Reason = finding.Unknown, fmt.Sprintf("the last of %d guesses was answered %s, %s after the first", len(all), said(last), shown(total(all)))
	case median(spans(all)) >= 2*time.Duration(slow):
		r.Outcome = finding.Unknown
		r.Reason = fmt.Sprintf("every refusal takes %s, from the first on: by itself or on purpose", shown(median(spans(all))))
	default:
		r.Outcome = finding.Fail
		r.Reason = fmt.Sprintf("%d wrong passwords of a made-up user, one after the other %s: each was answered %s, half of them within %s, without Retry-After", len(all), c.Where(), said(last), shown(median(spans(all))))
		r.Message = fmt.Sprintf("%d wrong passwords in a row are answered as the first one, and as fast", len(all))
	}
	return r
}

func refusal(a probe.Answer) bool {
	return a.Status == http.StatusUnauthorized || a.Status == http.StatusForbidden
}

func spans(all []probe.Answer) (out []time.Duration) {
	for _, a := range all {
		out = append(out, a.Took)
	}
	return out
}

func total(all []probe.Answer) (sum time.Duration) {
	for _, a := range all {
		sum += a.Took
	}
	return sum
}

// sign names the first sign that guessing is slowed down, "" if there is none.
func (slow tarpit) sign(all []probe.Answer) string {
	first, last := all[0], all[len(all)-1]
	switch {
	case last.Status == http.StatusTooManyRequests || last.Status == http.StatusServiceUnavailable:
		return fmt.Sprintf("answered %d", last.Status)
	case last.Header.Has("Retry-After"):
		return fmt.Sprintf("answered %d with Retry-After", last.Status)
	case first.Status == http.StatusUnauthorized && last.Status == http.StatusForbidden:
		return "answered 403 in the place of 401"
	}
	if n := len(all); n >= 3 && refusal(first) && mute(last) && mute(all[n-2]) {
		return "no answer any more"
	}
	if n := len(all); n >= 10 {
		early, late := median(spans(all[:5])), median(spans(all[n-5:]))
		if late >= 2*early && late >= time.Duration(slow) {
			return fmt.Sprintf("delayed from %s to %s", early.Round(time.Millisecond), late.Round(time.Millisecond))
		}
	}
	return ""
}

// mute says whether a connection was refused, dropped or left without an answer.
func mute(a probe.Answer) bool {
	return a.Status == 0 && a.Failure != "" && a.Failure != wire.Canceled
}
