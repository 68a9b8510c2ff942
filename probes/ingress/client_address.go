// SPDX-License-Identifier: Apache-2.0

package ingress

import (
	"context"
	"slices"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/probe"
)

// ClientAddress claims to come from an address that may be let in.
var ClientAddress = probe.Probe{
	ID:    "ingress/client-address",
	Title: "A client cannot claim an address that is let in",
	Why: "Where internal addresses need no password, and the front believes the address " +
		"that a client writes into a header, anybody is internal.",
	How: []string{
		"the manifest with X-Forwarded-For and its kin, one at a time",
		"each with loopback and private addresses, and the registry's own",
	},
	Fix: "Take the client's address from the connection, or from the header of proxies that " +
		"you name by address, and overwrite the header on the way in.",
	NotWhen:  "The image is meant to be public: say so with a rule in policy.rules.",
	Severity: finding.Critical,
	Control:  "client-address",
	Effect:   probe.Read,
	Per:      probe.Once,
	Run: func(ctx context.Context, t *probe.Trial) probe.Result {
		rows := addresses()
		for i := range rows {
			rows[i].cause = "The front believes the address that a client claims, and lets it in without a password."
		}
		return vary(ctx, t, rows)
	},
}

func addresses() []row {
	return slices.Concat(
		names("X-Forwarded-For", "127.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.0.1", "169.254.0.1", "::1", "{address}", "127.0.0.1, 127.0.0.1"),
		names("X-Real-IP", "127.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.0.1"),
		names("Forwarded", "for=127.0.0.1", "for=10.0.0.1", `for="[::1]"`),
		names("True-Client-IP", "127.0.0.1", "10.0.0.1"),
		headers("127.0.0.1", "CF-Connecting-IP", "X-Client-IP", "X-Cluster-Client-IP", "Fastly-Client-IP", "X-Originating-IP", "X-Remote-Addr", "X-Envoy-External-Address"),
	)
}
