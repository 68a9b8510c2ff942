// SPDX-License-Identifier: Apache-2.0

package ingress

import (
	"context"
	"slices"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/probe"
)

// IdentityHeader claims an identity in a header.
var IdentityHeader = probe.Probe{
	ID:    "ingress/identity-header",
	Title: "A client cannot claim an identity in a header",
	Why: "A registry behind single sign-on or client certificates learns from a header who " +
		"asks. Where it can be reached by another way, or the front passes the client's own " +
		"header on, anybody is who they say they are.",
	How: []string{
		"the manifest with X-WEBAUTH-USER, X-Remote-User, X-Forwarded-User and their kin, for admin and for who may read it",
		"the same with underscores, which some servers take for dashes",
		"with X-SSL-Client-Verify: SUCCESS, a subject, and their kin",
	},
	Fix: "Overwrite or drop these headers in the front for every request, in every spelling, " +
		"and let the registry take them from the front's address alone.",
	NotWhen:  "The image is meant to be public: say so with a rule in policy.rules.",
	Severity: finding.Critical,
	Control:  "identity-header",
	Effect:   probe.Read,
	Per:      probe.Once,
	Run: func(ctx context.Context, t *probe.Trial) probe.Result {
		return vary(ctx, t, slices.Concat(users(), certificates()))
	},
}

func users() []row {
	rows := slices.Concat(
		headers("admin", "X-WEBAUTH-USER", "X-Remote-User", "Remote-User", "REMOTE_USER", "X-Forwarded-User", "X_Forwarded_User",
			"X-Forwarded-Preferred-Username", "X-Auth-Request-User", "X-Authenticated-User", "X-Auth-User", "X-Consumer-Username", "X-User"),
		headers("admin@{hostname}", "X-Forwarded-Email", "X-Auth-Request-Email", "X-Goog-Authenticated-User-Email"),
		headers("{user}", "X-WEBAUTH-USER", "X-Remote-User", "X-Forwarded-User", "X-Auth-Request-User"),
	)
	for i := range rows {
		rows[i].cause = "The registry believes the user name that a client writes into a header."
	}
	return rows
}

func certificates() []row {
	rows := slices.Concat(
		headers("SUCCESS", "X-SSL-Client-Verify", "SSL-Client-Verify", "SSL_CLIENT_VERIFY", "X_SSL_Client_Verify", "X-Client-Verify"),
		headers("CN=admin", "X-SSL-Client-S-DN", "SSL-Client-Subject-DN", "X-SSL-Client-DN", "X-Client-DN"),
		headers("admin", "X-SSL-Client-CN"),
		headers(`Subject="CN=admin"`, "X-Forwarded-Client-Cert", "X-Forwarded-Tls-Client-Cert-Info"),
		headers("-----BEGIN CERTIFICATE-----", "X-Client-Cert", "X-SSL-Client-Cert"),
		headers("1", "X-SSL-Client-Verified"),
	)
	rows = append(rows, row{header: [][2]string{{"X-SSL-Client-Verify", "SUCCESS"}, {"X-SSL-Client-S-DN", "CN=admin"}}})
	for i := range rows {
		rows[i].cause = "The registry believes a header that says which client certificate was shown."
	}
	return rows
}
