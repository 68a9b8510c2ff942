// SPDX-License-Identifier: Apache-2.0

package main_test

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/lab"
)

// What is open to everybody is open to several probes.
var (
	labImage = []string{"anonymous/config", "anonymous/index-child", "anonymous/layer", "anonymous/manifest-by-digest", "anonymous/manifest-by-tag", "anonymous/referrers-tag", "anonymous/tags"}
	labReads = append([]string{"anonymous/catalog"}, labImage...)
	labAll   = append([]string{"anonymous/upload"}, labReads...)
)

// labMay are the probes that may fail beside the one that an entry is for: the
// same weakness, seen by another control. A star is path.Match's.
var labMay = map[string][]string{
	"no-auth": labAll, "ping-only": labAll, "ban-open": labAll, "limit-req-open": labAll, "replica-open": labAll, "mtls-optional": labAll,
	"reads-open": labReads, "bot-filter": labReads, "second-address-open": labReads, "open-on-http2": labReads,
	"anon-token": append([]string{"token/stranger"}, labImage...),
	// What strangers may do, everybody may.
	"token-anonymous-pull":    append([]string{"authz/upload-session"}, labImage...),
	"token-anonymous-any":     append([]string{"authz/push"}, labAll...),
	"token-escalation":        {"authz/*"}, // the rights are those of the tokens
	"token-account":           {"token/empty-credential"},
	"token-any-service":       {"token/audience"}, // of a token for another service nobody can tell who is to blame
	"verify-no-aud":           {"token/service"},
	"workload-unsigned":       {"token/algorithm"},
	"workload-jwks-open":      {"token/key"},
	"workload-optional":       {"anonymous/config", "anonymous/layer"},
	"anonymous-write":         {"anonymous/upload"},
	"cert-sha1":               {"transport/certificate"},
	"plain-http-beside":       {"transport/plain-challenge"},
	"token-host-plain-login":  {"transport/plain-http"},
	"manifests-open":          {"anonymous/index-child", "anonymous/manifest-by-digest", "anonymous/referrers-tag"},
	"digest-open":             {"anonymous/index-child"},
	"blobs-open":              {"anonymous/config"},
	"presigned-open":          {"anonymous/config"},
	"presigned-loopback-open": {"anonymous/config"},
	"open-to-empty-agent":     {"anonymous/layer", "anonymous/manifest-by-digest"},
	"query-open":              {"anonymous/catalog"}, // its page has a query
	// Whoever shows a version shows it to all who look, and a debug server has metrics too.
	"registration-open": {"exposure/version", "exposure/known-vulnerability"},
	"version-open":      {"exposure/known-vulnerability"},
	"old-version":       {"exposure/version"},
	"debug-open":        {"exposure/metrics"},
}

// labTable shows the cases, for docs/accuracy-lab.md.
func labTable(cases []*labCase) string {
	var b strings.Builder
	b.WriteString("# How well regproof sees the weaknesses of its lab\n\n" +
		"Made by `make accuracy`. Every row opens a door of the lab (`regproof lab ls`) and the\n" +
		"sound one that looks alike, and runs every probe against both. A weak door must fail\n" +
		"the probe that it is for; a sound one must fail none and prove what is required; a door\n" +
		"whose answers prove nothing must be unknown. Bold is what is not as expected.\n\n" +
		"| weakness | door | expected | got | sound twin |\n|---|---|---|---|---|\n")
	var weak, missed, more, sound, accused, unproven, unprovable, guessed int
	judge := func(r *labRun) string {
		sound++
		v := r.verdict()
		switch {
		case v == "holds":
			return v
		case len(r.fails) > 0:
			accused++
		default:
			unproven++
		}
		return "**" + v + "**"
	}
	for _, c := range cases {
		what := cmp.Or(c.Entry, c.Name)
		if _, ok := c.run.got[c.Probe]; !ok {
			row(&b, what, c.Name+": "+c.Title, "", "**not run**", "")
			continue
		}
		f := c.run.got[c.Probe]
		said := f.Message
		if f.Outcome != finding.Fail {
			said = f.Reason
		}
		expected, got, twin := fmt.Sprintf("%s %s", c.want(), c.Probe), fmt.Sprintf("%s: %s", f.Outcome, said), ""
		if c.Kind == lab.Sound {
			expected, got = "no fail", judge(c.run)
		} else if f.Outcome != c.want() {
			got = "**" + got + "**"
		}
		if more := c.others(); c.Kind != lab.Sound && len(more) > 0 {
			got += " **and " + names(more) + "**"
		}
		switch {
		case c.Kind == lab.Weak:
			weak++
			if f.Outcome != finding.Fail {
				missed++
			}
			if len(c.others()) > 0 {
				more++
			}
		case c.Kind == lab.Unprovable:
			unprovable++
			if f.Outcome != finding.Unknown || len(c.others()) > 0 {
				guessed++
			}
		}
		if c.twin != nil && c.twin.ran {
			twin = c.Twin + ": " + judge(c.twin)
		}
		row(&b, what, c.Name+": "+c.Title, expected, got, twin)
	}
	fmt.Fprintf(&b, "\n%d weak doors: %d missed, %d accused of more than they have. %d sound ones, twins included: %d accused, %d not proven. %d that prove nothing: %d not unknown.\n",
		weak, missed, more, sound, accused, unproven, unprovable, guessed)
	return b.String()
}
