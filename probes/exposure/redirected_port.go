// SPDX-License-Identifier: Apache-2.0

package exposure

import (
	"context"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/probe"
)

// RedirectedPort looks whether plain HTTP does nothing but send to https.
var RedirectedPort = probe.Probe{
	ID:    "exposure/redirected-port",
	Title: "Plain HTTP sends clients to https and serves nothing",
	Why: "A port that redirects the ping and serves the rest, or that redirects to http, " +
		"gives content and passwords to whoever listens.",
	How: []string{
		"for endpoints with expect: redirect: GET /v2/, the catalog and the manifest of the first private image, anonymous, at every address",
		"each must be sent to https at an endpoint of the configuration; refused or silent holds too",
	},
	Fix:      "Redirect every path with 308 to https at an endpoint of this registry, which the configuration names, or close the port.",
	NotWhen:  "Never, for a registry that clients log in to.",
	Severity: finding.High,
	Control:  "redirected-port",
	Effect:   probe.Read,
	Per:      probe.Registry,
	Expects:  probe.Redirected,
	Run: func(ctx context.Context, t *probe.Trial) probe.Result {
		return t.ShutDoor(ctx)
	},
}
