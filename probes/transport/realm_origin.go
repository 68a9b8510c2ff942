// SPDX-License-Identifier: Apache-2.0

package transport

import (
	"context"
	"fmt"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/probe"
)

// RealmOrigin looks whose token service clients are sent to.
var RealmOrigin = probe.Probe{
	ID:    "transport/realm-origin",
	Title: "The token service is one that is known to belong to the registry",
	Why: "Clients take their credentials to whatever host the challenge names. A realm that was " +
		"changed, in a registry that was broken into or in a wrong setting, collects the passwords " +
		"of all who log in (CVE-2026-33540 is a mirror that followed one).",
	How: []string{
		"GET /v2/ and a manifest at every address, anonymous; the realm of the Bearer challenge is read and not followed",
		"a failure: it is on another host than the endpoint, is none of the well-known ones (Docker Hub, GitLab.com, ghcr.io, quay.io), and neither --allow-realm nor realms, endpoints in the file name it",
		"low where both were registered under one domain, which is likely to be meant and proves nothing",
	},
	Fix: "If the token service is yours, say so: --allow-realm URL, or realms in the file; a host " +
		"under the same domain is not taken for yours by itself. Else mend the realm, and change every credential that was used.",
	NotWhen:  "The token service belongs to the registry, and only this run was not told.",
	Severity: finding.Medium,
	Control:  "realm-origin",
	Effect:   probe.Read,
	Per:      probe.Registry,
	Run: func(ctx context.Context, t *probe.Trial) probe.Result {
		return realms(ctx, t, "a token service that is known", func(realm string) probe.Verdict {
			where, is, ok := t.Realm(realm)
			switch {
			case !ok:
				return probe.Verdict{Outcome: finding.Pass, Reason: "the realm is no URL that a client would follow"}
			case is == probe.Own:
				return probe.Verdict{Outcome: finding.Pass, Reason: fmt.Sprintf("the realm is on %s", place(where))}
			}
			v := probe.Verdict{
				Outcome: finding.Fail, Reason: fmt.Sprintf("the realm is on %s", place(where)),
				Message: fmt.Sprintf("clients are sent to %s for a token, which is not known to belong to the registry", place(where)),
			}
			if is == probe.Relative {
				v.Severity = finding.Low
				v.Message += "; it is under the same domain"
			}
			return v
		})
	},
}
