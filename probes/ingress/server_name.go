// SPDX-License-Identifier: Apache-2.0

package ingress

import (
	"context"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/probe"
)

// ServerName makes the TLS handshake for another name than the Host header's.
var ServerName = probe.Probe{
	ID:    "ingress/server-name",
	Title: "No TLS server name opens what is denied",
	Why: "Where client certificates or guards hang on the name in the TLS handshake, and " +
		"the registry is chosen by the Host header, a handshake for another name walks past.",
	How: []string{
		"the manifest with the right Host over a handshake without a name, for an unknown name, for localhost",
		"for each other name in the certificate; no credential and no secret is sent",
	},
	Fix: "Answer 421 when the Host header is not the name of the handshake (RFC 9110 section " +
		"15.5.20), or ask for the client certificate on every name of the listener.",
	NotWhen:  "The image is meant to be public: say so with a rule in policy.rules.",
	Severity: finding.Critical,
	Control:  "server-name",
	Effect:   probe.Read,
	Per:      probe.Once,
	Run: func(ctx context.Context, t *probe.Trial) probe.Result {
		if t.Way().URL.Scheme != "https" {
			return probe.NotApplicable("the endpoint speaks no TLS")
		}
		rows := serverNames
		for _, name := range t.Way().Names {
			rows = append(rows[:len(rows):len(rows)], row{sni: name, cause: bySNI})
		}
		return vary(ctx, t, rows)
	},
}

const bySNI = "The front decides by the name in the TLS handshake, and the registry is chosen by the Host header."

var serverNames = []row{
	{sni: "-", cause: bySNI},
	{sni: "{other}", cause: bySNI},
	{sni: "localhost", cause: bySNI},
	{sni: "public.{hostname}", cause: bySNI},
}
