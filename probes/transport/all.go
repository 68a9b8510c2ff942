// SPDX-License-Identifier: Apache-2.0

// Package transport asks whether the way to a registry is private: TLS with
// versions, ciphers and certificates that hold, client certificates that are
// really required, no plain HTTP beside it, and token services that are reached
// in the same way. It refuses to show a certificate that somebody made for a
// user to anything but what the configuration names, and to call anything "not
// offered" that it could not ask for.
package transport

import "github.com/regproof/regproof/probe"

// All lists the family, in the order in which a report shows it.
func All() []probe.Probe {
	return []probe.Probe{
		PlainHTTP,
		PlainChallenge,
		RealmScheme,
		RealmOrigin,
		ProtocolVersion,
		CipherSuite,
		Certificate,
		CertificateStrength,
		OCSPStaple,
		HSTS,
		ClientCertificate,
		ClientCertificateIdentity,
		SessionResumption,
		SPIFFEIdentity,
	}
}
