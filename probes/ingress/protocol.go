// SPDX-License-Identifier: Apache-2.0

package ingress

import (
	"context"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/probe"
	"github.com/regproof/regproof/wire"
)

// Protocol asks in another version of HTTP, and to switch protocols.
var Protocol = probe.Probe{
	ID:    "ingress/protocol",
	Title: "No version of HTTP and no upgrade opens what is denied",
	Why: "Fronts exempt requests for a websocket, or old health checkers that speak " +
		"HTTP/1.0, from authentication. The registry ignores both and serves.",
	How: []string{
		"the manifest over HTTP/1.0 with the right Host",
		"with Upgrade: websocket as a browser sends it, Upgrade: h2c, an unknown upgrade, Expect",
		"HTTP/2 is part of the core trials, on every address",
	},
	Fix:      "Guard every request; exempt a websocket by its exact path, not by its header.",
	NotWhen:  "The image is meant to be public: say so with a rule in policy.rules.",
	Severity: finding.Critical,
	Control:  "protocol",
	Effect:   probe.Read,
	Per:      probe.Once,
	Run: func(ctx context.Context, t *probe.Trial) probe.Result {
		return vary(ctx, t, protocols)
	},
}

const exemptUpgrade = "Requests that ask for an upgrade are exempt from the guard."

var protocols = []row{
	{proto: wire.HTTP10, cause: "The guard does not cover HTTP/1.0."},
	{header: [][2]string{{"Connection", "Upgrade"}, {"Upgrade", "websocket"}}, cause: exemptUpgrade},
	{name: "a websocket handshake", header: [][2]string{{"Connection", "Upgrade"}, {"Upgrade", "websocket"}, {"Sec-WebSocket-Version", "13"}, {"Sec-WebSocket-Key", "cmVncHJvb2ZyZWdwcm9vZg=="}}, cause: exemptUpgrade},
	{header: [][2]string{{"Upgrade", "websocket"}}, cause: exemptUpgrade},
	{header: [][2]string{{"Connection", "Upgrade, HTTP2-Settings"}, {"Upgrade", "h2c"}, {"HTTP2-Settings", "AAMAAABkAAQAoAAAAAIAAAAA"}}, cause: exemptUpgrade},
	{header: [][2]string{{"Connection", "Upgrade"}, {"Upgrade", "regproof"}}, cause: exemptUpgrade},
	{header: [][2]string{{"Expect", "100-continue"}}, cause: "Requests with Expect are exempt from the guard."},
}
