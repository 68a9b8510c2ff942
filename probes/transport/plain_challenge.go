// SPDX-License-Identifier: Apache-2.0

package transport

import (
	"context"
	"fmt"
	"net/netip"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/probe"
)

// PlainChallenge looks whether a password is asked for without TLS.
var PlainChallenge = probe.Probe{
	ID:    "transport/plain-challenge",
	Title: "Plain HTTP never asks for a credential",
	Why: "A client that falls back to plain HTTP and is answered 401 with a challenge sends its " +
		"password, for everybody on the way to read. A redirect to https before any challenge " +
		"costs nothing.",
	How: []string{
		"the answers of transport/plain-http at /v2/, and at the token service",
		"a failure: 401 with a challenge of Basic or Bearer; it is seen twice",
		"where everything is on this machine and the registry speaks plain HTTP there, there is no way to listen on",
	},
	Fix:      "Redirect at the plain port before anything is authenticated, or close it.",
	NotWhen:  "Nobody can listen between the clients and this port.",
	Severity: finding.Medium,
	Control:  "plain-challenge",
	Effect:   probe.Read,
	Per:      probe.Registry,
	Silent:   true,
	Run: func(ctx context.Context, t *probe.Trial) probe.Result {
		judge := func(a probe.Answer, ask func() probe.Answer) probe.Verdict {
			v := probe.Verdict{Outcome: finding.Pass, Reason: fmt.Sprintf("%s answers %d without a challenge", origin(a), a.Status), Evidence: a.Trail, Control: a.Trail}
			schemes := challenges(a)
			if len(schemes) == 0 {
				return v
			}
			again := ask()
			v.Evidence = append(v.Evidence, again.Trail...)
			if len(challenges(again)) == 0 {
				v.Outcome, v.Reason = finding.Unknown, origin(a)+" asked for a credential, and then not again"
				return v
			}
			v.Outcome, v.Reason = finding.Fail, fmt.Sprintf("%s answers 401 with a challenge of %s", origin(a), list(schemes))
			v.Message = fmt.Sprintf("%s asks clients for a credential without TLS (%s)", origin(a), list(schemes))
			return v
		}
		return beside(ctx, t, func(place netip.AddrPort, a probe.Answer) probe.Verdict {
			return judge(a, func() probe.Answer { return t.InClear(ctx, place, ping, true) })
		}, func(p probe.Place, at netip.AddrPort, a probe.Answer) probe.Verdict {
			return judge(a, func() probe.Answer { return t.TokenInClear(ctx, at, p, true) })
		}).Expecting("no challenge over plain http")
	},
}
