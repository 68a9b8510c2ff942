// SPDX-License-Identifier: Apache-2.0

package lab

import "crypto/tls"

// weakMutual are the doors where a client certificate is the credential, or half
// of it, and is not looked at as it should be.
func weakMutual() []entry {
	const any, who, spiffe = "transport/client-certificate", "transport/client-certificate-identity", "transport/spiffe-identity"
	required, given, anyone := tls.RequireAndVerifyClientCert, tls.VerifyClientCertIfGiven, tls.RequireAnyClientCert
	return []entry{
		byCertificate(weak("mtls-optional", "A client certificate is asked for, and nobody looks whether there is one.",
			"mtls-required", any, "mtls-optional"), mutual{mode: given}),
		byCertificate(weak("mtls-any", "Any client certificate will do, one that signs itself too.",
			"mtls-required", any, "mtls-optional"), mutual{mode: anyone}),
		byCertificate(weak("mtls-name-only", "The subject of a client certificate is read, and its signature is not verified.",
			"mtls-required", any, "mtls-optional"), mutual{mode: anyone, accepts: named}),
		byCertificate(weak("mtls-issuer-name", "The names of the subject and of the issuer are read, and no signature is verified.",
			"mtls-required", any, "mtls-optional"), mutual{mode: anyone, accepts: issuerNamed}),
		byCertificate(weak("mtls-password-optional", "A client certificate is asked for, and the password alone is enough.",
			"mtls-password", any, "mtls-optional"), mutual{mode: given, password: true}),
		byCertificate(weak("mtls-password-any", "Any client certificate will do, if the password is right.",
			"mtls-password", any, "mtls-optional"), mutual{mode: anyone, password: true}),
		tokensAt(byCertificate(weak("mtls-token-open", "The registry wants a client certificate, and its token service does not.",
			"mtls-token", any, "mtls-optional"), mutual{mode: required, accepts: named, password: true}), tls.NoClientCert),
		verifying(byCertificate(weak("mtls-token-no-signature", "Behind the client certificate a token is decoded, and its signature is not looked at.",
			"mtls-token-sound", "token/signature", "jwt-signature-not-checked"), mutual{mode: required, accepts: ofUser, password: true}), ignoresSignature),
		verifying(byCertificate(weak("mtls-token-alg-none", "Without a client certificate there is a 400; behind it a token that calls itself unsigned is accepted.",
			"mtls-token-asked", "token/algorithm", "jwt-alg-none"), mutual{mode: given, accepts: ofUser, password: true}), takesNone),
		giving(byCertificate(weak("mtls-token-stranger", "Who has a client certificate gets a token for everything, without a password.",
			"mtls-token-sound", "token/stranger", "token-anon-grant-private"), mutual{mode: required, accepts: ofUser, password: true}), gives(pullsAnything)),
		byCertificate(weak("mtls-any-subject", "Every client certificate of the authority reads everything.",
			"mtls-required", who, "mtls-any-ca-subject"), mutual{mode: required}),
		byCertificate(weak("mtls-prefix", "Whoever's name begins like the user's is the user.",
			"mtls-required", who, "mtls-any-ca-subject"), mutual{mode: required, accepts: namedAlike}),
		byCertificate(weak("mtls-expired-accepted", "Nobody looks when a client certificate ends.",
			"mtls-required", who, "mtls-any-ca-subject"), mutual{mode: anyone, accepts: verified(forgetsTime)}),
		byCertificate(weak("mtls-no-eku-check", "A server's certificate is good for a client.",
			"mtls-required", who, "mtls-any-ca-subject"), mutual{mode: anyone, accepts: verified(forgetsUsage)}),
		byCertificate(weak("mtls-resume", "A session of the site beside the registry, which wants no certificate, is resumed at the registry.",
			"mtls-vhosts", "transport/session-resumption", "front-sni-host-mismatch"), mutual{vhosts: beside(inHandshake)}),
		byCertificate(weak("spiffe-prefix", "Every SPIFFE ID that begins like the right one is it.",
			"spiffe-sound", spiffe, "workload-identity-loose"), mutual{mode: required, accepts: spiffePrefix}),
		byCertificate(weak("spiffe-any-domain", "The path of a SPIFFE ID is read, and not its trust domain.",
			"spiffe-sound", spiffe, "workload-identity-loose"), mutual{mode: required, accepts: spiffeAnyDomain}),
		byCertificate(weak("spiffe-any-case", "SPIFFE IDs are compared without regard to case.",
			"spiffe-sound", spiffe, "workload-identity-loose"), mutual{mode: required, accepts: spiffeAnyCase}),
		byCertificate(weak("spiffe-cn", "A SPIFFE ID in the common name counts.",
			"spiffe-sound", spiffe, "workload-identity-loose"), mutual{mode: required, accepts: spiffeCommonName}),
		byCertificate(weak("spiffe-second-san", "Any of several SPIFFE IDs counts.",
			"spiffe-sound", spiffe, "workload-identity-loose"), mutual{mode: required, accepts: spiffeAnySAN}),
	}
}

// soundMutual are the doors that look at client certificates as they should.
func soundMutual() []entry {
	const any = "transport/client-certificate"
	return []entry{
		byCertificate(sound("mtls-required", "A client certificate of the authority is required, and its name is looked at.", any),
			mutual{mode: tls.RequireAndVerifyClientCert, accepts: named}),
		byCertificate(sound("mtls-asked", "A client certificate is asked for, and without a good one there is a 400.", any),
			mutual{mode: tls.VerifyClientCertIfGiven, accepts: named}),
		byCertificate(sound("mtls-password", "A client certificate and a password are required.", any),
			mutual{mode: tls.RequireAndVerifyClientCert, accepts: named, password: true}),
		tokensAt(byCertificate(sound("mtls-token", "The registry and its token service want a client certificate.", any),
			mutual{mode: tls.RequireAndVerifyClientCert, accepts: named, password: true}), tls.RequireAndVerifyClientCert),
		verifying(byCertificate(sound("mtls-token-sound", "The certificate of a user is required, and behind it a front verifies tokens.", "token/signature"),
			mutual{mode: tls.RequireAndVerifyClientCert, accepts: ofUser, password: true}), 0),
		verifying(byCertificate(sound("mtls-token-asked", "Without the certificate of a user there is a 400, and behind it a front verifies tokens.", "token/algorithm"),
			mutual{mode: tls.VerifyClientCertIfGiven, accepts: ofUser, password: true}), 0),
		byCertificate(sound("mtls-vhosts", "A site beside the registry wants no certificate, and its sessions open nothing.", "transport/session-resumption"),
			mutual{accepts: named, vhosts: beside(inEverySession)}),
		byCertificate(sound("spiffe-sound", "One SPIFFE ID may read, compared as it is.", "transport/spiffe-identity"),
			mutual{mode: tls.RequireAndVerifyClientCert, accepts: spiffeExact}),
	}
}

func byCertificate(w Weakness, m mutual) entry {
	w.Needs.TLS, w.Needs.Certificate = true, true
	return entry{Weakness: w, front: m.front, tls: m.tls}
}

// tokensAt puts the token service on a port of its own.
func tokensAt(e entry, mode tls.ClientAuthType) entry {
	e.Weakness = needsToken(e.Weakness)
	e.tokenHost = &mode
	return e
}

// verifying puts a front that verifies tokens behind the certificate, and the
// token service beside it, on the same port.
func verifying(e entry, flaws flaw) entry {
	e.Weakness, e.verifies, e.flaws = needsToken(e.Weakness), true, flaws
	return giving(e, forAnyService)
}

func giving(e entry, tokens func(*tokenService)) entry {
	e.Weakness, e.tokens = needsToken(e.Weakness), tokens
	return e
}
