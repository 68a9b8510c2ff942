// SPDX-License-Identifier: Apache-2.0

package transport

import (
	"context"
	"fmt"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/login"
	"github.com/regproof/regproof/probe"
)

// ClientCertificate comes without a client certificate, and with those of nobody.
var ClientCertificate = probe.Probe{
	ID:    "transport/client-certificate",
	Title: "A client certificate is required, and one of anybody is refused",
	Why: "A server that asks for a certificate and does not look at the answer lets " +
		"everybody in, and from the outside it looks like one that is locked: browsers " +
		"ask for a certificate, and clients that have one work.",
	How: []string{
		"the manifest, in a whole exchange since TLS 1.3 tells of a refusal only then: without a certificate, with one that signs itself, with one of a made-up authority named like one that the server accepts, with one that has expired; where the identity has a certificate, with its names",
		"the same after a login, where there is a token service",
		"with tls.mutual: true also /v2/ and the token service, and the manifest with the password of the identity: an answer to the request itself means that the certificate is not required",
		"what is served or answered is asked for 3 more times, on new connections",
	},
	Fix: "Require and verify: ssl_verify_client on (nginx), verify required (haproxy), " +
		"client_auth mode require_and_verify (caddy), http.tls.clientauth: " +
		"require-and-verify-client-cert (distribution), on the token service, too.",
	NotWhen:  "The certificate is meant to be one way in among others: leave tls.mutual out.",
	Severity: finding.Critical,
	Control:  "client-certificate",
	Effect:   probe.Read,
	Per:      probe.Once,
	Run: func(ctx context.Context, t *probe.Trial) probe.Result {
		c := t.Certificates()
		switch {
		case t.Way().URL.Scheme != "https":
			return probe.NotApplicable("the endpoint speaks no TLS")
		case !c.Mutual && !c.Asked && !c.Only():
			return probe.NotApplicable("no client certificate is asked for, and tls.mutual does not say that one should be")
		}
		plain := plainManifest(t)
		if r, open := t.ServedPlainly(ctx, plain); open {
			return unguarded(r, c)
		}
		places, why := t.Places(ctx)
		forged := strangers(c.Own(), c.Authorities, nobody(t))
		set := probe.Set{Plain: plain}
		for _, s := range forged {
			set.Odd = append(set.Odd, s.with(plain))
			if tokens(places) {
				set.Odd = append(set.Odd, s.login(plain, login.Identity{}))
			}
		}
		if c.Mutual {
			set.Odd = append(set.Odd, withPassword(plain, c, forged)...)
		}
		r := t.Vary(ctx, set)
		if c.Mutual {
			return demanded(ctx, t, r, c, forged, places, why)
		}
		return asked(ctx, t, r, c, places)
	},
}

// unguarded is the result where a stranger without a certificate gets the image.
func unguarded(r probe.Result, c probe.Certificates) probe.Result {
	if !c.Mutual && !c.Only() {
		return probe.NotApplicable("the image is open to everybody, whatever certificate is asked for")
	}
	r.Reason = "served without a client certificate"
	r.Message = named(r.Subject) + " is served to whoever shows no client certificate, though one is meant to be required"
	if c.Asked {
		r.Message = named(r.Subject) + " is served without a client certificate: the server asks for one, and does not require it"
	}
	return r
}

// withPassword are attempts as who may read the image, with everything but the
// right certificate.
func withPassword(plain probe.Attempt, c probe.Certificates, forged []shown) []probe.Attempt {
	var out []probe.Attempt
	if c.Reader == nil || c.Reader.Secret.Credential.IsZero() {
		return nil
	}
	for _, s := range append([]shown{{who: "no certificate", why: "A password alone is enough."}}, forged...) {
		out = append(out, s.login(plain, *c.Reader))
	}
	return out
}

// asked is the result where nobody said that a certificate must be required: the
// server may ask for one, and let a password guard.
func asked(ctx context.Context, t *probe.Trial, r probe.Result, c probe.Certificates, places []probe.Place) probe.Result {
	if r.Outcome != finding.Pass || c.Only() {
		return r
	}
	for _, p := range places {
		if p.Token {
			continue
		}
		if a := t.At(ctx, p, nil); !refused(a) {
			n := probe.NotApplicable(fmt.Sprintf("a client certificate is asked for and not required (without one /v2/ answers %s); set tls.mutual: true if it is meant to be", text(a)))
			n.Attempts = r.Attempts
			return n
		}
	}
	return r
}
