// SPDX-License-Identifier: Apache-2.0

package transport

import (
	"context"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/probe"
)

// SPIFFEIdentity comes with SPIFFE certificates of others.
var SPIFFEIdentity = probe.Probe{
	ID:    "transport/spiffe-identity",
	Title: "A SPIFFE certificate counts for its own trust domain and path alone",
	Why: "A workload is whoever its SPIFFE ID says. Compared by its beginning, without its " +
		"trust domain, or taken from a field that is not the ID's, one workload's " +
		"certificate is another's.",
	How: []string{
		"with identities[].cert.ca, the manifest with certificates that are made of it: other trust domains and paths, paths that begin like the real one or lie below it, a slash at the end, upper case, a query, another scheme, the ID in the common name alone, beside a foreign one, and expired",
		"that these are refused counts only if one that is as it should be is served; what is served is asked for 3 more times on new connections",
	},
	Fix: "Compare the one URI of the certificate as a whole, verify it against the bundle of " +
		"its own trust domain, and refuse a certificate with more than one (X.509-SVID, section 5).",
	NotWhen:  "Every path below the real one is meant to read the image.",
	Severity: finding.Critical,
	Control:  "spiffe-identity",
	Effect:   probe.Read,
	Per:      probe.Once,
	Run: func(ctx context.Context, t *probe.Trial) probe.Result {
		c := t.Certificates()
		real := leafOf(c.Own())
		id := spiffeID(real)
		ca, signs := given(c.TestCA)
		switch {
		case t.Way().URL.Scheme != "https":
			return probe.NotApplicable("the endpoint speaks no TLS")
		case id == nil:
			return probe.NotApplicable("who may read the image has no certificate with a SPIFFE ID")
		case !signs:
			return probe.Result{Outcome: finding.NotChecked, Reason: "it needs certificates that must be refused: name a test authority (identities[].cert.ca)"}
		}
		c.Others = nil // they are for client-certificate-identity
		return tryAll(ctx, t, c, made(ca, real, identities(id, nobody(t))))
	},
}
