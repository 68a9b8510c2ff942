// SPDX-License-Identifier: Apache-2.0

package transport

import (
	"context"
	"fmt"
	"strings"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/probe"
)

// RealmScheme looks how clients are to reach the token service.
var RealmScheme = probe.Probe{
	ID:    "transport/realm-scheme",
	Title: "Clients are sent to a token service over https alone",
	Why: "The registry speaks https, and its challenge sends clients to http with their password " +
		"or refresh token, for everybody on the way to read; the token that comes back may be " +
		"anybody's (CVE-2019-10214 is a client that went there).",
	How: []string{
		"GET /v2/ and a manifest at every address, anonymous; the realm of the Bearer challenge is read and not followed",
		"a failure: the endpoint is https and a realm is http",
	},
	Fix: "Set the realm to https (distribution: auth.token.realm; Harbor and GitLab: " +
		"external_url), and let the front pass X-Forwarded-Proto: https.",
	NotWhen:  "Never: some clients refuse such a realm, and the others send their secret.",
	Severity: finding.High,
	Control:  "realm-scheme",
	Effect:   probe.Read,
	Per:      probe.Registry,
	Run: func(ctx context.Context, t *probe.Trial) probe.Result {
		if t.Way().URL.Scheme != "https" {
			return probe.NotApplicable("the endpoint speaks plain http")
		}
		return realms(ctx, t, "a realm of https", func(realm string) probe.Verdict {
			where, _, ok := t.Realm(realm)
			switch {
			case !ok:
				return probe.Verdict{Outcome: finding.Pass, Reason: "the realm is no URL that a client would follow"}
			case strings.HasPrefix(string(where), "http:"):
				return probe.Verdict{
					Outcome: finding.Fail, Reason: fmt.Sprintf("the realm is on %s", place(where)),
					Message: fmt.Sprintf("clients of an https registry are sent to %s for a token", place(where)),
				}
			}
			return probe.Verdict{Outcome: finding.Pass, Reason: fmt.Sprintf("the realm is on %s", place(where))}
		})
	},
}
