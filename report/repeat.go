// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/regproof/regproof/evidence"
	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/login"
	"github.com/regproof/regproof/probe"
)

// shows is the exchange that shows the failure best: the last one that was
// answered with 2xx or 3xx, else the last. A DELETE only tidies up, unless
// nothing else was let through; a request for a token is shown where there was
// nothing else.
func (t *text) shows(f finding.Finding) (evidence.Exchange, bool) {
	x, found := t.best(f, func(x evidence.Exchange) bool { return !tokenRequest(x) && x.Method != "DELETE" })
	if found && (x.Status/100 == 2 || x.Status/100 == 3) {
		return x, true
	}
	if d, ok := t.best(f, func(x evidence.Exchange) bool { return !tokenRequest(x) && x.Method == "DELETE" }); ok {
		return d, true
	}
	if found {
		return x, true
	}
	first := true // the plainest, before those that ask for more
	return t.best(f, func(x evidence.Exchange) bool {
		take := first && tokenRequest(x) && x.Method == "GET"
		first = first && !take
		return take
	})
}

func (t *text) best(f finding.Finding, fits func(evidence.Exchange) bool) (evidence.Exchange, bool) {
	var best evidence.Exchange
	found := false
	for _, id := range f.Evidence {
		x, err := t.r.Recorder.Get(id)
		if err != nil || !fits(x) || strings.HasPrefix(x.Target, "file:") {
			continue
		}
		if !found || x.Status/100 == 2 || x.Status/100 == 3 {
			if found && best.Status/100 == 2 && x.Status/100 != 2 {
				continue
			}
			best, found = x, true
		}
	}
	return best, found
}

// tokenRequest says whether an exchange was with a token service: it is asked
// for a scope, or outside the API.
func tokenRequest(x evidence.Exchange) bool {
	return strings.Contains(x.Target, "scope=") && !strings.HasPrefix(x.Target, "/v2/_catalog")
}

// repeat writes how to see a failure again: the command, after the one that
// gets the token for it, and what has to be set before. What a run made in the
// sandbox is gone, so that it takes another run.
func (t *text) repeat(f finding.Finding, x evidence.Exchange) {
	if p, ok := t.r.Probe(f.Probe); ok && p.Effect == probe.SandboxWrite {
		t.field("repeat", "it takes a run that pushes once more, and removes what it may:")
		t.field("", "--write-sandbox "+f.Repository+" --only "+f.Probe)
		return
	}
	lines := t.again(f, x)
	label := "repeat"
	say := func(lines []string) {
		t.command(label, lines)
		label = ""
	}
	tx, ok := t.token(f, x)
	if ok {
		first := evidence.Curl(tx, t.r.CAFile)
		first[0] = "REGPROOF_TOKEN=$(curl -sS"
		t.set(f, tx, first)
		say(append(first, `| sed 's/.*"token":"\([^"]*\)".*/\1/')`))
	} else {
		t.set(f, x, lines)
	}
	if d, ok := t.denied(f, x); ok {
		say([]string{fmt.Sprintf("# a stranger gets %d:", d.Status)})
		say(evidence.Curl(d, t.r.CAFile))
		say([]string{fmt.Sprintf("# %s gets %d:", x.Identity, x.Status)})
	}
	say(lines)
	if x.Method == "POST" && x.Status == 202 {
		say([]string{"# it starts an upload: end it with DELETE of its Location"})
	}
}

// again is the command for an exchange, as often as the failure takes.
func (t *text) again(f finding.Finding, x evidence.Exchange) []string {
	lines, times := evidence.CurlBody(x, t.r.CAFile), measured[f.Control]
	if times != "" {
		lines = evidence.CurlTimed(x, t.r.CAFile)
	}
	if m := atTimes.FindStringSubmatch(f.Variant); m != nil {
		lines, times = evidence.Curl(x, t.r.CAFile), m[1]
	}
	if times != "" {
		lines[0] = "for i in $(seq " + times + "); do " + lines[0]
		lines[len(lines)-1] += "; done"
	}
	return lines
}

// measured is how often a command has to be run for controls that one answer
// tells nothing of.
var measured = map[string]string{"password-guessing": "20", "user-timing": "10"}

// denied is the answer to a stranger that makes the one to an identity, which
// is no success, a failure: it was denied the same.
func (t *text) denied(f finding.Finding, x evidence.Exchange) (found evidence.Exchange, ok bool) {
	if x.Status != 404 || x.Identity == "" || x.Identity == login.Anonymous {
		return found, false
	}
	for _, id := range slices.Concat(f.Evidence, f.ControlEvidence) {
		d, err := t.r.Recorder.Get(id)
		if err == nil && d.Identity == login.Anonymous && d.Method == x.Method && (d.Status == 401 || d.Status == 403) && kindOf(d.Target) == kindOf(x.Target) {
			found, ok = d, true
		}
	}
	return found, ok
}

// kindOf is a target without its digest: those that cannot exist differ.
func kindOf(target string) string {
	kind, _, _ := strings.Cut(target, "sha256:")
	return kind
}

// token is the request for the token that an exchange was made with: the last
// one of the same caller before it, else the last one before it.
func (t *text) token(f finding.Finding, x evidence.Exchange) (found evidence.Exchange, ok bool) {
	if !usesToken(x) {
		return found, false
	}
	before := f.Evidence
	if i := slices.Index(before, x.ID); i > 0 {
		before = before[:i]
	}
	for _, id := range before {
		tx, err := t.r.Recorder.Get(id)
		if err == nil && tokenRequest(tx) && tx.Status == 200 && (!ok || tx.Identity == x.Identity || found.Identity != x.Identity) {
			found, ok = tx, true
		}
	}
	return found, ok
}

// set says what the variables of a command are.
func (t *text) set(f finding.Finding, x evidence.Exchange, lines []string) {
	all, who := strings.Join(lines, " "), "of "+x.Identity
	switch {
	case f.Control == "user-timing":
		who = "of the decoy, then of a user that does not exist, with wrong passwords"
	case x.Identity == "" || x.Identity == login.Anonymous || x.Identity == probe.Guessing:
		who = "of a user that does not exist"
	}
	var says []string
	for _, v := range []struct{ name, what string }{
		{"$REGPROOF_USER", "$REGPROOF_USER and $REGPROOF_PASSWORD " + who},
		{"$REGPROOF_TOKEN", "$REGPROOF_TOKEN, a token as it is told above"},
		{"$REGPROOF_CERT", "$REGPROOF_CERT, a PEM file with a certificate as it is told above" + subject(x) + ", and its key"},
		{"$REGPROOF_VALUE", "$REGPROOF_VALUE, what is told above and hidden in the report"},
	} {
		if strings.Contains(all, v.name) {
			says = append(says, v.what)
		}
	}
	t.field("set", strings.Join(says, "; "))
}

func subject(x evidence.Exchange) string {
	if x.TLS == nil || x.TLS.Presented == "" {
		return ""
	}
	return " (" + x.TLS.Presented + ")"
}

// atTimes is the variant of a finding that is seen at times only: its command
// has to be run as often as the probe asked.
var atTimes = regexp.MustCompile(`^\d+ of (\d+) new connections$`)

func usesToken(x evidence.Exchange) bool {
	return slices.ContainsFunc(x.RequestHeaders, func(h [2]string) bool {
		return strings.EqualFold(h[0], "authorization") && strings.HasPrefix(h[1], "Bearer ")
	})
}

// command writes words as one shell command, broken where it must be. A word
// is never broken: it could not be pasted then.
func (t *text) command(label string, words []string) {
	line := ""
	flush := func(end string) {
		t.line("  %s%s%s", t.o.dim(fmt.Sprintf("%-10s", label)), line, end)
		label, line = "", "  "
	}
	for i, w := range words {
		if line != "" && strings.TrimSpace(line) != "" && len(line)+1+len(w)+2 > Width-12 {
			flush(` \`)
		}
		if strings.TrimSpace(line) == "" {
			line += w
		} else {
			line += " " + w
		}
		if i == len(words)-1 {
			flush("")
		}
	}
}
