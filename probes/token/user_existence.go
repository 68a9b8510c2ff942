// SPDX-License-Identifier: Apache-2.0

package token

import (
	"context"
	"fmt"
	"slices"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/probe"
)

// UserExistence compares what a wrong password is answered.
var UserExistence = probe.Probe{
	ID:    "token/user-existence",
	Title: "A refused login does not tell whether the user exists",
	Why: "Who can tell which names exist guesses passwords of those alone, and knows whom to " +
		"write to.",
	How: []string{
		"only with --try-wrong-password: one wrong password of a user that exists, between three of a made-up one: check.decoy if the file names one, else a configured identity, each of which is tried once in a run and never twice",
		"status, error codes, names and values of headers, and the body are compared, the user names masked; what differs between the made-up ones counts for nothing, and where something else differs six more of those are tried",
		"identities other than the one that reads the image come first; its own wrong password may be taken by token/empty-credential",
	},
	Fix:      "Answer a wrong name and a wrong password with the same status, headers and text.",
	NotWhen:  "The names are no secret: robots of a published scheme, or e-mail addresses that are known anyway.",
	Severity: finding.Low,
	Control:  "user-existence",
	Effect:   probe.WrongPassword,
	Per:      probe.Last,
	Run:      existence,
}

func existence(ctx context.Context, t *probe.Trial) probe.Result {
	c, no := t.Counter(ctx)
	if no.Outcome != "" {
		return no
	}
	name, who, why := whoExists(t)
	if name == "" {
		return probe.Result{Outcome: finding.NotChecked, Reason: why}
	}
	made := madeUp(t, name, "")
	_, password := t.Stray()
	r := probe.Result{Identity: who, Expected: "the same answer", Attempts: 4}
	var asked []probe.Answer
	for _, n := range []string{made, made, name, made} {
		a := t.Guess(ctx, c, n, password)
		r.Evidence = append(r.Evidence, a.Trail...)
		if a.NotAsked != "" || a.Problem != "" || !refusal(a) {
			r.Outcome, r.Reason = finding.Unknown, fmt.Sprintf("a wrong password of %s is answered %s %s, which is no refusal", whose(n, name), said(a), c.Where())
			if a.NotAsked != "" {
				r.Outcome, r.Reason = finding.NotChecked, a.NotAsked
			}
			return r
		}
		asked = append(asked, a)
	}
	before, after, exists := []features{featuresOf(asked[0], made), featuresOf(asked[1], made)}, featuresOf(asked[3], made), featuresOf(asked[2], name)
	r.Control = slices.Concat(asked[1].Trail, asked[3].Trail)
	r.Evidence = asked[2].Trail
	r = decided(r, asked[2], "the same answer")
	others := append(before, after)
	if len(exists.apart(others)) > 0 { // one backend of several may be what differs: all of them are to be seen
		more, why := moreOf(ctx, t, c, made, password)
		if r.Attempts += len(more); why != "" {
			r.Outcome, r.Reason = finding.Unknown, why
			return r
		}
		for _, a := range more {
			others = append(others, featuresOf(a, made))
			r.Control = append(r.Control, a.Trail...)
		}
	}
	if diff := exists.apart(others); len(diff) > 0 {
		r.Outcome, r.Observed = finding.Fail, "another answer"
		r.Reason = fmt.Sprintf("%s; %d wrong passwords of a made-up user are answered alike", diff[0], len(others))
		r.Message = fmt.Sprintf("a wrong password of a user that exists is answered otherwise than one of a user that does not (%s)", c.Where())
		for _, d := range diff[1:] {
			r.Deviations = append(r.Deviations, finding.Deviation{Variant: d, Evidence: r.Evidence})
		}
		return r
	}
	r.Outcome = finding.Pass
	r.Reason = fmt.Sprintf("%s %s, headers and body alike, as that of a made-up user", said(asked[2]), c.Where())
	if who == "" {
		r.Reason += fmt.Sprintf("; provided that %s exists (check.decoy)", name)
	}
	return r
}

// further is how many more logins with a made-up name have to differ from that with
// one that exists.
const further = 6

// moreOf are further refusals of a made-up name; why says that there are none.
func moreOf(ctx context.Context, t *probe.Trial, c probe.Counter, made, password string) (out []probe.Answer, why string) {
	for range further {
		a := t.Guess(ctx, c, made, password)
		if a.NotAsked != "" || a.Problem != "" || !refusal(a) {
			return out, fmt.Sprintf("a wrong password of a made-up user is answered %s %s at last, which is no refusal", said(a), c.Where())
		}
		out = append(out, a)
	}
	return out, ""
}

func whose(n, exists string) string {
	if n == exists {
		return "a user that exists"
	}
	return "a made-up user"
}

// whoExists is a user that exists and may be tried with a wrong password, and as
// whom the finding counts. why says that there is none.
func whoExists(t *probe.Trial) (name, who, why string) {
	d, unfit := t.Decoy()
	if d != "" {
		return d, "", ""
	}
	ids := t.Identities()
	if e := t.Entitlement(); e != nil { // last: it is needed for other things
		ids = append(slices.DeleteFunc(ids, func(id *probe.Identity) bool { return id.Name == e.Name }), e)
	}
	why = unfit
	if why == "" {
		why = "it needs a user name that exists: an identity with a password, or check.decoy"
	}
	for _, id := range ids {
		c := id.Secret.Credential
		if c.Username == "" || c.Password.IsZero() {
			continue
		}
		by, ok := t.Claim(id)
		if ok {
			return c.Username, id.Name, ""
		}
		why = fmt.Sprintf("the one wrong password of %s was tried by %s; name another identity, or check.decoy", id.Name, by)
	}
	return "", "", why
}
