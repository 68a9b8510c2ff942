// SPDX-License-Identifier: Apache-2.0

package transport

import (
	"context"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/probe"
)

// HSTS looks whether browsers are told to keep to https.
var HSTS = probe.Probe{
	ID:    "transport/hsts",
	Title: "Browsers are told to use https alone",
	Why: "Without Strict-Transport-Security a browser that is sent to http://, by an old link or by " +
		"somebody on the way, goes there with what cookies it has, and shows whatever page it is given.",
	How: []string{
		"GET /v2/ and / over https, anonymous, at every address",
		"a failure: neither answer has Strict-Transport-Security with a max-age above 0",
		"browsers keep no such rule for an address in the place of a name (RFC 6797 section 8.1.1)",
	},
	Fix:      "Send Strict-Transport-Security: max-age=31536000 with every answer (nginx: add_header ... always;).",
	NotWhen:  "No browser comes here: docker, containerd and podman do not read the header.",
	Severity: finding.Low,
	Control:  "hsts",
	Effect:   probe.Read,
	Per:      probe.Registry,
	Run: func(ctx context.Context, t *probe.Trial) probe.Result {
		w := t.Way()
		if _, err := netip.ParseAddr(w.URL.Hostname()); err == nil || w.URL.Scheme != "https" {
			return probe.NotApplicable("there is no https with a host name, for which alone browsers keep the rule")
		}
		page := probe.Page("/v2/", func(ctx context.Context, t *probe.Trial, _ probe.Attempt, a probe.Answer) probe.Verdict {
			return strict(a, t.Stranger(ctx, a, "/"))
		})
		page.Limits = header
		r := t.Judge(ctx, []probe.Attempt{page})
		r.Expected = "Strict-Transport-Security"
		if r.Outcome == finding.Pass || r.Outcome == finding.Fail {
			r.Observed = r.Reason
		}
		return r
	},
}

func strict(answers ...probe.Answer) probe.Verdict {
	v := probe.Verdict{Outcome: finding.Fail, Reason: "no Strict-Transport-Security", Message: "no answer carries Strict-Transport-Security"}
	answered := false
	for _, a := range answers {
		v.Evidence = append(v.Evidence, a.Trail...)
		answered = answered || a.Status != 0
		value := a.Header.Get("Strict-Transport-Security")
		age, ok := maxAge(value)
		switch {
		case value == "":
		case ok && age > 0:
			return probe.Verdict{Outcome: finding.Pass, Reason: fmt.Sprintf("max-age is %d days", age/86400), Evidence: a.Trail, Control: a.Trail}
		case ok:
			v.Reason, v.Message = "max-age is 0", "Strict-Transport-Security is there with a max-age of 0, which switches it off"
		default:
			v.Reason, v.Message = "a max-age that cannot be read", "Strict-Transport-Security is there without a max-age that can be read"
		}
	}
	if !answered || answers[0].NotAsked != "" {
		return probe.Verdict{Outcome: finding.Unknown, Reason: "no answer", Evidence: v.Evidence}
	}
	return v
}

// maxAge reads the one directive that has to be there (RFC 6797 section 6.1).
func maxAge(value string) (seconds int64, ok bool) {
	for directive := range strings.SplitSeq(value, ";") {
		name, v, _ := strings.Cut(directive, "=")
		if strings.EqualFold(strings.TrimSpace(name), "max-age") {
			n, err := strconv.ParseInt(strings.Trim(strings.TrimSpace(v), `"`), 10, 64)
			return n, err == nil && n >= 0
		}
	}
	return 0, false
}
