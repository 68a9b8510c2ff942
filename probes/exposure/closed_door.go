// SPDX-License-Identifier: Apache-2.0

package exposure

import (
	"context"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/probe"
)

// ClosedDoor looks whether a way in that is meant to be closed is.
var ClosedDoor = probe.Probe{
	ID:    "exposure/closed-door",
	Title: "A way in that is meant to be closed is closed",
	Why: "A firewall rule or a bind address is all that keeps strangers from the registry " +
		"behind its front, and both change unseen.",
	How: []string{
		"for endpoints with expect: closed: GET /v2/ and the manifest of the first private image, anonymous, at every address",
		"refused, silent, or answered by something that is no registry: it is closed from here",
	},
	Fix:      "Bind the registry to loopback or to the network of its front, and publish no port.",
	NotWhen:  "The way in is used: leave expect: closed out, so that its controls are proven.",
	Severity: finding.High,
	Control:  "closed-door",
	Effect:   probe.Read,
	Per:      probe.Registry,
	Expects:  probe.Closed,
	Run: func(ctx context.Context, t *probe.Trial) probe.Result {
		return t.ShutDoor(ctx)
	},
}
