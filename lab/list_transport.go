// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"crypto/tls"
	"net/http"
)

// weakTransport are the doors whose guard holds, on a way that does not.
func weakTransport() []entry {
	make1 := func(name, title, twin, probe, id string, s secure) entry {
		return entry{Weakness: needsTLS(weak(name, title, twin, "transport/"+probe, id)), secure: s}
	}
	version := func(name, title string, s secure) entry {
		return make1(name, title, "sound-tls", "protocol-version", "tls-weak-protocol", s)
	}
	suite := func(name, title string, s secure) entry {
		return make1(name, title, "sound-tls", "cipher-suite", "tls-weak-protocol", s)
	}
	cert := func(name, title string, s secure) entry {
		return make1(name, title, "sound-tls", "certificate", "tls-cert-invalid", s)
	}
	staple := func(name, title string, s secure) entry {
		return make1(name, title, "staple-sound", "ocsp-staple", "tls-cert-invalid", s)
	}
	second := func(e entry) entry {
		e.Twin, e.second = "second-address-tls", true
		return e
	}
	plain := func(name, title, probe, id string, f front) entry {
		e := make1(name, title, "sound-tls", probe, id, nil)
		e.plainToo, e.front = true, f
		return e
	}
	host := func(name, title, probe, id string, s secure) entry {
		return onTokenHost(weak(name, title, "token-host-sound", "transport/"+probe, id), s)
	}
	hostPlain := func(name, title, probe, id string, f front) entry {
		e := host(name, title, probe, id, nil)
		e.tokenPlain = f
		return e
	}
	return []entry{
		host("token-host-tls10", "The token service has a port of its own, and offers TLS 1.0 and 1.1.", "protocol-version", "tls-weak-protocol", fromVersion(tls.VersionTLS10)),
		host("token-host-rc4", "The token service has a port of its own, and offers RC4.", "cipher-suite", "tls-weak-protocol", alsoSuites(tls.TLS_ECDHE_ECDSA_WITH_RC4_128_SHA)),
		host("token-host-3des", "The token service has a port of its own, and offers 3DES.", "cipher-suite", "tls-weak-protocol",
			withRSA(2048, alsoSuites(tls.TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA))),
		host("token-host-expired", "The token service has a port of its own, and its certificate expired yesterday.", "certificate", "tls-cert-invalid", issued(expired)),
		host("token-host-other-name", "The token service has a port of its own, and its certificate is for another name.", "certificate", "tls-cert-invalid", issued(otherName)),
		host("token-host-rsa-1024", "The token service has a port of its own, and an RSA key of 1024 bits.", "certificate-strength", "tls-cert-invalid", withRSA(1024)),
		host("token-host-staple-revoked", "The token service has a port of its own, and staples an OCSP response that says revoked.", "ocsp-staple", "tls-cert-invalid", staples(revoked)),
		hostPlain("token-host-plain", "The port of the token service gives tokens over plain HTTP too.", "plain-http", "alt-plain-http-port", plainTokens),
		hostPlain("token-host-plain-login", "The port of the token service asks for a password over plain HTTP too.", "plain-challenge", "ssl-redirect-cred-leak", namedTokens),
		version("tls10-offered", "TLS 1.0 and 1.1 are offered.", fromVersion(tls.VersionTLS10)),
		second(version("second-address-tls10", "TLS 1.0 is offered on one of two addresses.", onSecond(fromVersion(tls.VersionTLS10)))),
		version("tls11-alone", "TLS 1.0 and 1.1 are all that is offered.", func(c *tls.Config, _ *authority) error {
			c.MinVersion, c.MaxVersion = tls.VersionTLS10, tls.VersionTLS11
			return nil
		}),
		suite("rc4-offered", "RC4 is offered.", alsoSuites(tls.TLS_ECDHE_ECDSA_WITH_RC4_128_SHA)),
		suite("3des-offered", "3DES is offered.", withRSA(2048, alsoSuites(tls.TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA))),
		suite("static-rsa-offered", "A key exchange with the certificate's own RSA key is offered.", withRSA(2048, alsoSuites(tls.TLS_RSA_WITH_AES_128_GCM_SHA256))),
		cert("cert-expired", "The certificate expired yesterday.", issued(expired)),
		cert("cert-not-yet", "The certificate is valid from tomorrow.", issued(notYet)),
		cert("cert-other-name", "The certificate is for another name.", issued(otherName)),
		cert("cert-self-signed", "The certificate is signed by itself.", selfSigned),
		cert("cert-incomplete", "The certificate comes without its intermediate.", incomplete),
		second(cert("second-address-cert", "The certificate of one of two addresses is for another name.", onSecond(issued(otherName)))),
		make1("cert-rsa-1024", "The certificate has an RSA key of 1024 bits.", "sound-tls", "certificate-strength", "tls-cert-invalid", withRSA(1024)),
		make1("cert-sha1", "The certificate is signed with SHA-1.", "sound-tls", "certificate-strength", "tls-cert-invalid", issued(withSHA1)),
		staple("staple-missing", "The certificate says must-staple, and nothing is stapled.", issued(mustStaple)),
		staple("staple-revoked", "The stapled OCSP response says revoked.", staples(revoked)),
		staple("staple-stale", "The stapled OCSP response expired days ago.", staples(stale)),
		plain("plain-http-beside", "The port answers plain HTTP too.", "plain-http", "alt-plain-http-port", nil),
		plain("plain-open-beside", "The port answers plain HTTP too, without a guard.", "plain-http", "alt-plain-http-port",
			leak(func(r *http.Request, _ *Door) bool { return r.TLS == nil })),
		plain("plain-login-beside", "The port asks for a password over plain HTTP too.", "plain-challenge", "ssl-redirect-cred-leak",
			instead(func(r *http.Request) bool { return r.TLS == nil }, asksPlainly)),
		{Weakness: needsToken(needsTLS(weak("realm-http", "The token service of an https registry is named with http.",
			"sound-token-tls", "transport/realm-scheme", "realm-plain-http"))), front: instead(anonymousAPI, realmPlain)},
		{Weakness: needsToken(needsTLS(weak("realm-elsewhere", "The token service is on a host that nobody knows.",
			"sound-token-tls", "transport/realm-origin", "realm-foreign-host"))), front: instead(anonymousAPI, realmElsewhere)},
		{Weakness: needsTLS(weak("hsts-missing", "Browsers are not told to keep to https.",
			"second-address-tls", "transport/hsts", "hsts-missing")), second: true, quiet: true},
	}
}

// soundTransport are the doors whose way holds.
func soundTransport() []entry {
	return []entry{
		{Weakness: needsTLS(sound("sound-tls", "TLS 1.2 and 1.3, and nothing else.", "transport/protocol-version"))},
		{Weakness: needsToken(needsTLS(sound("sound-token-tls", "The token service is on the registry's own host, with https.", "transport/realm-scheme")))},
		onTokenHost(sound("token-host-sound", "The token service has a port of its own, with TLS 1.2 and 1.3.", "transport/protocol-version"), nil),
		redirectingTokens(onTokenHost(sound("token-host-redirects", "The port of the token service sends plain HTTP to https.", "transport/plain-http"), staples(nil))),
		{Weakness: needsTLS(sound("staple-sound", "The certificate says must-staple, and a good response is stapled.", "transport/ocsp-staple")), secure: staples(nil)},
		{Weakness: needsTLS(sound("second-address-tls", "TLS is the same on both of two addresses.", "transport/certificate")), second: true},
	}
}
