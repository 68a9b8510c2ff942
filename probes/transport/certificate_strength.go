// SPDX-License-Identifier: Apache-2.0

package transport

import (
	"context"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"fmt"
	"slices"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/probe"
	"github.com/regproof/regproof/wire"
)

// CertificateStrength looks at keys and signatures.
var CertificateStrength = probe.Probe{
	ID:    "transport/certificate-strength",
	Title: "The certificate chain has strong keys and signatures",
	Why: "A short key can be computed, and a signature over MD5 or SHA-1 can be moved to another " +
		"certificate: whoever has either is the registry. A certificate that may sign others, or " +
		"that is not meant for servers, is one that was made for something else.",
	How: []string{
		"the chains that transport/certificate looks at, of every address and of the token service, without the root: its own signature counts for nothing",
		"a failure: an RSA key under 2048 bits, an elliptic curve under 256, DSA, a signature with MD5 or SHA-1, a certificate of the server that is an authority's, or one whose extended key usage leaves servers out",
	},
	Fix: "Issue the certificate anew: ECDSA P-256 or RSA 2048 and more, signed with SHA-256 and " +
		"more, basicConstraints CA:FALSE, extendedKeyUsage serverAuth.",
	NotWhen:  "Nothing: clients of today refuse most of these by themselves.",
	Severity: finding.Medium,
	Control:  "certificate-strength",
	Effect:   probe.Read,
	Per:      probe.Registry,
	Silent:   true,
	Public:   true,
	Run: func(ctx context.Context, t *probe.Trial) probe.Result {
		r := t.Handshakes(ctx, presented(), func(_ probe.Place, got []wire.Shaken) []probe.Verdict {
			return strong(got)
		})
		return r.Expecting("keys and signatures that hold")
	},
}

func strong(got []wire.Shaken) []probe.Verdict {
	var out []probe.Verdict
	for _, s := range chains(got) {
		v := probe.Verdict{Evidence: []string{s.ID}, Control: []string{s.ID}, Outcome: finding.Pass, Reason: "the server's key is " + keyOf(s.Chain[0])}
		if why := weaknesses(s.Chain); len(why) > 0 {
			v.Outcome, v.Reason = finding.Fail, list(why)
			v.Message = "the certificate is weak: " + v.Reason
		}
		out = append(out, v)
	}
	if len(out) == 0 {
		return []probe.Verdict{{Outcome: finding.Unknown, Reason: "no certificate was shown"}}
	}
	return out
}

// weaknesses are what is weak in a chain, in words.
func weaknesses(chain []*x509.Certificate) []string {
	var out []string
	for i, c := range chain {
		whose := "its"
		if i > 0 {
			whose = who(c.Subject.CommonName) + "'s"
			if selfSigned(c) {
				break // a root: it is trusted for what it is
			}
		}
		if weakKey(c) {
			out = append(out, whose+" key is "+keyOf(c))
		}
		if brokenSignature(c) {
			out = append(out, fmt.Sprintf("%s signature is %s", whose, c.SignatureAlgorithm))
		}
	}
	if leaf := chain[0]; leaf.BasicConstraintsValid && leaf.IsCA {
		out = append(out, "it is an authority's, which may sign others")
	}
	if usage := chain[0].ExtKeyUsage; len(usage)+len(chain[0].UnknownExtKeyUsage) > 0 && !slices.Contains(usage, x509.ExtKeyUsageServerAuth) && !slices.Contains(usage, x509.ExtKeyUsageAny) {
		out = append(out, "its extended key usage leaves servers out")
	}
	return out
}

// brokenSignature says whether somebody else may have made what a certificate
// says. A root is trusted for what it is.
func brokenSignature(c *x509.Certificate) bool {
	return !selfSigned(c) && slices.Contains([]x509.SignatureAlgorithm{x509.MD2WithRSA, x509.MD5WithRSA, x509.SHA1WithRSA, x509.DSAWithSHA1, x509.ECDSAWithSHA1}, c.SignatureAlgorithm)
}

func weakKey(c *x509.Certificate) bool {
	switch k := c.PublicKey.(type) {
	case *rsa.PublicKey:
		return k.N.BitLen() < 2048
	case *ecdsa.PublicKey:
		return k.Curve.Params().BitSize < 256
	}
	return c.PublicKeyAlgorithm == x509.DSA
}

func keyOf(c *x509.Certificate) string {
	switch k := c.PublicKey.(type) {
	case *rsa.PublicKey:
		return fmt.Sprintf("RSA of %d bits", k.N.BitLen())
	case *ecdsa.PublicKey:
		return "ECDSA on " + k.Curve.Params().Name
	}
	return c.PublicKeyAlgorithm.String()
}
