// SPDX-License-Identifier: Apache-2.0

package exposure

import (
	"context"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/probe"
)

// DebugPort looks for debug servers beside the registry.
var DebugPort = probe.Probe{
	ID:    "exposure/debug-port",
	Title: "No debug server is reachable on another port",
	Why: "The debug server of distribution listens on a port of its own, in the examples that " +
		"people copy on every address. It tells command line and memory, secrets included.",
	How: []string{
		"with --discover: /metrics, /debug/vars and /debug/pprof/ on ports 5001, 6060 and 9090 of every address",
		"recognised by content; profiles and heap dumps are never asked for",
	},
	Fix:      "Bind the debug server to 127.0.0.1 (distribution: http.debug.addr), or leave it out.",
	NotWhen:  "The port belongs to another program of that host.",
	Severity: finding.High,
	Control:  "debug",
	Effect:   probe.Read,
	Option:   "--discover",
	Per:      probe.Primary,
	Run: func(ctx context.Context, t *probe.Trial) probe.Result {
		return t.DebugPorts(ctx)
	},
}
