// SPDX-License-Identifier: Apache-2.0

package transport

import (
	"context"
	"slices"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/probe"
)

// ClientCertificateIdentity comes with certificates of the right authority for
// somebody else.
var ClientCertificateIdentity = probe.Probe{
	ID:    "transport/client-certificate-identity",
	Title: "A certificate of the right authority opens nothing for another identity",
	Why: "An authority that also signs for other teams, for laptops or for servers lets " +
		"all of them in, unless the registry looks at the name, the time and the usage " +
		"of each certificate.",
	How: []string{
		"the manifest, with the certificate of each configured identity that policy does not let pull it",
		"with identities[].cert.ca, with certificates that are made of it: ended two days ago, good in two days, for servers alone, of another name, with the name in other fields, and names that begin and end like the real one",
		"that these are refused counts only if one that is as it should be is served; what is served is asked for 3 more times on new connections",
	},
	Fix: "Compare the whole name of the certificate with a list, and verify time and usage " +
		"(nginx: map $ssl_client_s_dn; haproxy: ssl_c_s_dn(cn) -m str). Better: an authority " +
		"for this registry's clients alone.",
	NotWhen:  "Every certificate of the authority is meant to read the image: say so with rules for its identities in policy.rules.",
	Severity: finding.Critical,
	Control:  "client-certificate-identity",
	Effect:   probe.Read,
	Per:      probe.Once,
	Run: func(ctx context.Context, t *probe.Trial) probe.Result {
		c := t.Certificates()
		real := leafOf(c.Own())
		ca, signs := given(c.TestCA)
		switch {
		case t.Way().URL.Scheme != "https":
			return probe.NotApplicable("the endpoint speaks no TLS")
		case real == nil && len(c.Others) == 0:
			return probe.NotApplicable("nobody who may read the image has a client certificate")
		case !signs && len(c.Others) == 0:
			return probe.Result{Outcome: finding.NotChecked, Reason: "it needs a certificate that must be refused: one of an identity that policy does not let pull, or a test authority (identities[].cert.ca)"}
		}
		var tried []shown
		if signs && real != nil {
			tried = made(ca, real, slices.Concat(spoilt, others(real, nobody(t))))
		}
		return tryAll(ctx, t, c, tried)
	},
}

// tryAll asks for the manifest with certificates that must be refused: those of
// others as they log in, and those of the test authority.
func tryAll(ctx context.Context, t *probe.Trial, c probe.Certificates, tried []shown) probe.Result {
	plain := plainManifest(t)
	places, _ := t.Places(ctx)
	if who := anybody(ctx, t, plain, c, tokens(places)); who != "" {
		return t.Told("it is open to "+who, "transport/client-certificate")
	}
	set, who := probe.Set{Plain: plain}, map[string]string{}
	for _, id := range c.Others {
		s := shown{"the certificate of " + id.Name, "The server takes every certificate of the authority, or lets this one read what policy does not.", id.Cert}
		set.Odd = append(set.Odd, s.with(plain))
		if tokens(places) || !id.Secret.Credential.IsZero() {
			a := s.with(plain)
			a.Variant, a.Login = s.who+", and its login", id
			set.Odd = append(set.Odd, a)
			who[a.Variant] = id.Name
		}
		who[s.who] = id.Name
	}
	var control []string
	good, why := true, ""
	if len(tried) > 0 {
		if good, why, control = served(ctx, t, plain, c, tokens(places)); good {
			for _, s := range tried {
				set.Odd = append(set.Odd, s.all(plain, c, tokens(places))...)
			}
		}
	}
	if len(set.Odd) == 0 {
		return probe.Result{Outcome: finding.Unknown, Reason: why, Evidence: control, Attempts: 1}
	}
	r := t.Vary(ctx, set)
	r.Identity, r.Control = who[r.Variant], append(r.Control, control...)
	if r.Outcome == finding.Pass && !good {
		r.Outcome, r.Observed, r.Reason = finding.Unknown, "unknown", why
	}
	return r
}

// served says whether a certificate of the test authority that is as it should
// be opens the image.
func served(ctx context.Context, t *probe.Trial, plain probe.Attempt, c probe.Certificates, tokens bool) (ok bool, why string, trail []string) {
	ca, _ := given(c.TestCA)
	cert := twin(ca, leafOf(c.Own()))
	if cert == nil {
		return false, "no certificate could be made with identities[].cert.ca", nil
	}
	for _, a := range (shown{who: "a good certificate", cert: cert}).all(plain, c, tokens) {
		got, v := t.Gets(ctx, a)
		trail, why = v.Evidence, v.Reason
		if got {
			return true, "", v.Evidence
		}
	}
	return false, "no control: a good certificate of identities[].cert.ca is refused, too (" + why + "), so it proves nothing that the others are", trail
}

// anybody is who gets the image without a certificate of the right authority, ""
// if nobody does: then there is no identity to look at.
func anybody(ctx context.Context, t *probe.Trial, plain probe.Attempt, c probe.Certificates, tokens bool) string {
	var tries []probe.Attempt
	if c.Reader != nil && !c.Only() {
		tries = append(tries, shown{who: "no certificate"}.login(plain, *c.Reader))
	}
	for _, s := range strangers(c.Own(), c.Authorities, nobody(t)) {
		tries = append(tries, s.all(plain, c, tokens)...)
	}
	for _, a := range tries {
		if got, _ := t.Gets(ctx, a); got {
			return "whoever shows " + a.Variant
		}
	}
	return ""
}
