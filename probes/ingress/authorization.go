// SPDX-License-Identifier: Apache-2.0

package ingress

import (
	"context"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/probe"
)

// Authorization sends credentials that nobody gave out.
var Authorization = probe.Probe{
	ID:    "ingress/authorization",
	Title: "Only a valid credential opens what is denied",
	Why: "Some guards look whether there is a credential, and not whether it is right: any " +
		"word in the Authorization header opens the registry.",
	How: []string{
		"the manifest and a layer with an empty Authorization, a made-up user and password, any bearer, unknown schemes",
		"two Authorization headers, and credentials in other headers",
		"real user names never carry a wrong password",
	},
	Fix: "Let the registry, or the front, verify the credential of every request; never test " +
		"for its presence.",
	NotWhen:  "The image is meant to be public: say so with a rule in policy.rules.",
	Severity: finding.Critical,
	Control:  "authorization",
	Effect:   probe.Read,
	Per:      probe.Once,
	Run: func(ctx context.Context, t *probe.Trial) probe.Result {
		return vary(ctx, t, credentials)
	},
}

const (
	presence = "The guard looks whether there is a credential, and not whether it is right."
	byScheme = "The guard knows some schemes of credentials, and lets the others through."
)

var credentials = []row{
	{name: "an unknown user and password", header: [][2]string{{"Authorization", "Basic {junk}"}}, cause: presence},
	{header: [][2]string{{"Authorization", ""}}, cause: presence},
	{header: [][2]string{{"Authorization", "x"}}, cause: presence},
	{header: [][2]string{{"Authorization", "Bearer x"}}, cause: presence},
	{header: [][2]string{{"Authorization", "Bearer"}}, cause: presence},
	{header: [][2]string{{"Authorization", "Basic"}}, cause: presence},
	{name: "an empty user and password", header: [][2]string{{"Authorization", "Basic Og=="}}, cause: presence},
	{header: [][2]string{{"Authorization", `Digest username="regproof-{run}"`}}, cause: byScheme},
	{header: [][2]string{{"Authorization", "Negotiate x"}}, cause: byScheme},
	{header: [][2]string{{"Authorization", "Regproof x"}}, cause: byScheme},
	{name: "two Authorization headers", header: [][2]string{{"Authorization", "Basic {junk}"}, {"Authorization", "Bearer x"}}, cause: presence},
	{header: [][2]string{{"Proxy-Authorization", "Basic {junk}"}}, cause: presence},
	{header: [][2]string{{"X-Auth-Token", "x"}}, cause: presence},
	{header: [][2]string{{"X-Api-Key", "x"}}, cause: presence},
	{header: [][2]string{{"Cookie", "session=x; sid=x; _oauth2_proxy=x"}}, cause: presence},
	{of: layer, name: "an unknown user and password", header: [][2]string{{"Authorization", "Basic {junk}"}}, cause: presence},
	{of: layer, header: [][2]string{{"Authorization", ""}}, cause: presence},
	{of: layer, header: [][2]string{{"Authorization", "Bearer x"}}, cause: presence},
}
