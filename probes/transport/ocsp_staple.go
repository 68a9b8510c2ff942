// SPDX-License-Identifier: Apache-2.0

package transport

import (
	"context"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"slices"
	"time"

	"golang.org/x/crypto/ocsp"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/probe"
	"github.com/regproof/regproof/wire"
)

// OCSPStaple looks at the response that a server staples.
var OCSPStaple = probe.Probe{
	ID:    "transport/ocsp-staple",
	Title: "A stapled OCSP response is good and fresh",
	Why: "A certificate may say that it counts only with a fresh word of its authority (must-staple, " +
		"RFC 7633): then it was made for the day its key is stolen. A server that does not bring " +
		"that word, or an old one, defeats it; one that brings \"revoked\" has a key that is known to be lost.",
	How: []string{
		"the chains that transport/certificate looks at, of every address and of the token service, and the OCSP response that came with each, in any of the handshakes",
		"a failure: must-staple without a response; a response that expired more than 5 minutes ago, for another certificate, or not signed by the issuer or whom it named; one that says revoked (high)",
		"without a response, and without must-staple, there is nothing to hold; no OCSP server is asked",
	},
	Fix:      "Let the server fetch and renew the response by itself (nginx: ssl_stapling on with a resolver), or issue the certificate without must-staple.",
	NotWhen:  "No client looks at it: containerd, podman and docker do not.",
	Severity: finding.Medium,
	Control:  "ocsp-staple",
	Effect:   probe.Read,
	Per:      probe.Registry,
	Silent:   true,
	Public:   true,
	Run: func(ctx context.Context, t *probe.Trial) probe.Result {
		r := t.Handshakes(ctx, presented(), func(_ probe.Place, got []wire.Shaken) []probe.Verdict {
			var out []probe.Verdict
			for _, s := range brought(got) {
				v := stapled(s, issuerOf(s.Chain, t.Roots()), time.Now())
				v.Evidence, v.Control = []string{s.ID}, []string{s.ID}
				out = append(out, v)
			}
			if len(out) == 0 {
				return []probe.Verdict{{Outcome: finding.Unknown, Reason: "no certificate was shown"}}
			}
			return out
		})
		return r.Expecting("a good response where one is due")
	},
}

// brought are the chains that were shown, each in a handshake that brought a
// response, where one did: nginx fetches it after the first one that it needs it for.
func brought(got []wire.Shaken) []wire.Shaken {
	out := chains(got)
	for i, s := range out {
		if at := slices.IndexFunc(got, func(o wire.Shaken) bool { return len(o.Staple) > 0 && same(o.Chain, s.Chain) }); at >= 0 {
			out[i] = got[at]
		}
	}
	return out
}

// mustStaple is the extension TLS Feature (RFC 7633), and its value 5.
var mustStaple = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 1, 24}

// clocks is how far the clock here may be from that of who signed a response: a
// server fetches a new one about when the old one ends.
const clocks = 5 * time.Minute

func mustBeStapled(c *x509.Certificate) bool {
	return slices.ContainsFunc(c.Extensions, func(e pkix.Extension) bool {
		var features []int
		rest, err := asn1.Unmarshal(e.Value, &features)
		return e.Id.Equal(mustStaple) && err == nil && len(rest) == 0 && slices.Contains(features, 5)
	})
}

// issuerOf finds who signed the server's certificate: in the chain, or among
// the roots that lead there; nil when nobody is known.
func issuerOf(chain []*x509.Certificate, roots *x509.CertPool) *x509.Certificate {
	for _, c := range chain[1:] {
		if chain[0].CheckSignatureFrom(c) == nil {
			return c
		}
	}
	opts := x509.VerifyOptions{Roots: roots, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}, CurrentTime: chain[0].NotBefore.Add(time.Second)}
	if found, err := chain[0].Verify(opts); err == nil && len(found[0]) > 1 {
		return found[0][1]
	}
	return nil
}

func stapled(s wire.Shaken, issuer *x509.Certificate, now time.Time) probe.Verdict {
	fail := func(why string, args ...any) probe.Verdict {
		v := probe.Verdict{Outcome: finding.Fail, Reason: fmt.Sprintf(why, args...)}
		v.Message = "the stapled OCSP response does not hold: " + v.Reason
		return v
	}
	leaf := s.Chain[0]
	switch {
	case len(s.Staple) == 0 && mustBeStapled(leaf):
		v := fail("the certificate says must-staple, and no response is stapled")
		v.Message = v.Reason
		return v
	case len(s.Staple) == 0:
		return probe.Verdict{Outcome: finding.NotApplicable, Reason: "no OCSP response is stapled, and none has to be"}
	case issuer == nil:
		return probe.Verdict{Outcome: finding.Unknown, Reason: "who signed the certificate is not known here, so that nobody can say who may sign the response"}
	}
	r, err := ocsp.ParseResponseForCert(s.Staple, leaf, issuer)
	switch {
	case err != nil:
		return fail("it cannot be accepted: %v", err)
	case r.Certificate != nil && !r.Certificate.Equal(issuer) && !slices.Contains(r.Certificate.ExtKeyUsage, x509.ExtKeyUsageOCSPSigning):
		return fail("it is signed by a certificate that may not sign responses")
	case r.SerialNumber.Cmp(leaf.SerialNumber) != 0:
		return fail("it is about another certificate")
	case r.Status == ocsp.Revoked:
		v := fail("the certificate was revoked on %s", day(r.RevokedAt))
		v.Severity = finding.High
		return v
	case !r.NextUpdate.IsZero() && now.After(r.NextUpdate.Add(clocks)):
		return fail("it expired on %s", day(r.NextUpdate))
	case now.Before(r.ThisUpdate.Add(-time.Hour)):
		return fail("it is of the future: %s", day(r.ThisUpdate))
	case r.Status != ocsp.Good:
		return fail("it says that the certificate is unknown")
	}
	return probe.Verdict{Outcome: finding.Pass, Reason: "good, until " + day(r.NextUpdate)}
}
