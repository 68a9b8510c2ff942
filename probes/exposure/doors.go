// SPDX-License-Identifier: Apache-2.0

package exposure

import (
	"context"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/probe"
)

// Doors looks for ways in that nobody listed.
var Doors = probe.Probe{
	ID:    "exposure/doors",
	Title: "There is no way in that nobody listed",
	Why: "A registry is proven door by door. One that nobody knows of, a published backend " +
		"port, plain HTTP beside https, a second name in the certificate, is proven by nobody.",
	How: []string{
		"with --discover: every address of the host, the usual ports, plain HTTP, names in the certificate, Alt-Svc, hosts of redirects and of the token realm",
		"each is asked GET /v2/ and the known manifest by its digest, anonymous, and nothing else",
		"a failure: it serves the same manifest (critical), speaks plain HTTP beside https (high), or is the same registry and not in the configuration (medium)",
	},
	Fix: "Close the door, or list it under endpoints, so that every control is proven there " +
		"too; expect: closed or redirect says what it should be.",
	NotWhen:  "The door belongs to another registry that happens to share the host.",
	Severity: finding.Critical,
	Control:  "doors",
	Effect:   probe.Read,
	Option:   "--discover",
	Per:      probe.Primary,
	Run: func(ctx context.Context, t *probe.Trial) probe.Result {
		return t.Doors(ctx)
	},
}
