// SPDX-License-Identifier: Apache-2.0

package token

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/probe"
)

// Lifetime reads how long tokens are good for.
var Lifetime = probe.Probe{
	ID:    "token/lifetime",
	Title: "Tokens are short-lived",
	Why: "A token that was stolen, or whose owner has left, works until it ends. Nothing at the " +
		"registry takes it back.",
	How: []string{
		"two tokens of the identity that may read the image, the first of which is seen to open it: exp less iat if they can be read, else expires_in, else 60 s as the specification has it (distribution docs/spec/auth/token.md)",
		"both live longer than 15 minutes: medium; longer than a day, or without end: high",
		"with the second a refresh token is asked for (offline_token=true): what it says of its end is noted",
	},
	Fix: "Let tokens end after five minutes; clients ask for new ones by themselves. Harbor: Configuration, " +
		"System Settings, token expiration; docker_auth: token.expiration.",
	NotWhen:  "Pulls take longer than the token lives and the client cannot ask again: then say how long they take, and no more.",
	Severity: finding.Medium,
	Control:  "token-lifetime",
	Effect:   probe.Read,
	Per:      probe.Once,
	Needs:    []probe.Need{probe.NeedContent},
	Idle:     (*probe.Trial).NoTokens,
	Run:      howLong,
}

// The bars, in seconds.
const (
	short = 15 * 60
	day   = 24 * 60 * 60
)

func howLong(ctx context.Context, t *probe.Trial) probe.Result {
	o, no := ownToken(ctx, t)
	if no.Outcome != "" {
		return no
	}
	second := o.mint(ctx, t, true)
	if second.Token == "" && second.Status == http.StatusBadRequest { // it takes no word that it does not know
		second = o.mint(ctx, t, false)
	}
	if no := unusable(second, "a second token for "+o.id.Name); no.Outcome != "" {
		return no
	}
	r := probe.Result{Identity: o.id.Name, Control: o.used.Trail, Evidence: slices.Concat(o.minted.Trail, second.Trail), Attempts: 2}
	a, b := lifeOf(o.minted), lifeOf(second)
	r.Reason = strings.Join(append([]string{a.text}, notes(o.minted, second)...), "; ")
	shorter := a
	if b.seconds < a.seconds && !b.endless || a.endless {
		shorter = b
	}
	r = decided(r, o.minted.Answer, shorter.observed())
	r.Expected = "at most 15 minutes"
	switch {
	case shorter.endless || shorter.seconds > day:
		r.Outcome, r.Severity = finding.Fail, finding.High
	case shorter.seconds > short:
		r.Outcome = finding.Fail
	default:
		r.Outcome = finding.Pass
		return r
	}
	r.Message = fmt.Sprintf("tokens of %s are good for %s", o.id.Name, shorter.observed())
	return r
}

// life is how long a token lives, as far as it is told.
type life struct {
	seconds int64
	endless bool // a token that can be read and names no end
	text    string
}

func (l life) observed() string {
	if l.endless {
		return "ever"
	}
	return span(l.seconds)
}

// lifeOf reads it of the token itself, or else of the answer that it came in.
func lifeOf(m probe.Minted) life {
	if m.JWT != nil {
		exp, ok := m.JWT.Seconds("exp")
		if !ok {
			return life{endless: true, text: "the token can be read, and its exp is missing or no number"}
		}
		begin, what := began(m)
		n := bounded(exp, begin)
		return life{seconds: n, text: fmt.Sprintf("the token lives %s (exp less %s)", span(n), what)}
	}
	if m.ExpiresIn > 0 {
		return life{seconds: m.ExpiresIn, text: fmt.Sprintf("the token cannot be read; expires_in says %s", span(m.ExpiresIn))}
	}
	return life{seconds: 60, text: "the token cannot be read, and there is no expires_in, which means 60 s"}
}

// notes are what is odd beside the lifetime.
func notes(m, second probe.Minted) (out []string) {
	if m.JWT != nil {
		if exp, ok := m.JWT.Seconds("exp"); ok && m.ExpiresIn > 0 {
			begin, _ := began(m)
			if d := bounded(exp, begin) - m.ExpiresIn; d > 60 || d < -60 {
				out = append(out, fmt.Sprintf("expires_in says %s", span(m.ExpiresIn)))
			}
		}
	}
	refresh := second.Refresh
	if refresh == "" {
		refresh = m.Refresh
	}
	switch end, read := endOf(refresh); {
	case refresh == "" || refresh == m.Token || refresh == second.Token:
	case !read:
		out = append(out, "a refresh token is given, too, whose end is not told")
	case end == nil:
		out = append(out, "a refresh token is given, too, which has no end")
	default:
		out = append(out, "a refresh token is given, too, which lives "+span(bounded(*end, time.Now().Unix())))
	}
	return out
}
