// SPDX-License-Identifier: Apache-2.0

package transport

import (
	"context"
	"crypto/tls"
	"fmt"
	"strings"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/probe"
	"github.com/regproof/regproof/wire"
)

// CipherSuite offers one kind of weak suites at a time.
var CipherSuite = probe.Probe{
	ID:    "transport/cipher-suite",
	Title: "No weak cipher suite is offered",
	Why: "NULL does not encrypt, anonymous suites do not say who is there, EXPORT, RC4, DES and " +
		"3DES can be broken. With a static RSA key exchange a key that is stolen later opens " +
		"what was recorded before.",
	How: []string{
		"at every address one hello, written by hand, for each kind of suites alone, up to TLS 1.2: NULL, anonymous, EXPORT, RC4, DES with 3DES and IDEA, static RSA, finite-field DHE; the server's choice is read, and no more",
		"a failure: NULL, anonymous or EXPORT is chosen (high), RC4, DES or 3DES, or DHE with a group under 2048 bits (medium), static RSA (low); each twice",
		"the suites of TLS 1.3 are all strong",
		"the same at the token service, " + ofItsOwn,
	},
	Fix: "Allow suites with ECDHE and AES-GCM or ChaCha20-Poly1305 alone (nginx: ssl_ciphers " +
		"ECDHE+AESGCM:ECDHE+CHACHA20; distribution: http.tls.ciphersuites).",
	NotWhen:  "Clients that have nothing better have to be served.",
	Severity: finding.Medium,
	Control:  "cipher-suite",
	Effect:   probe.Read,
	Per:      probe.Registry,
	Silent:   true,
	Public:   true,
	Run: func(ctx context.Context, t *probe.Trial) probe.Result {
		hellos := append(ordinary(), byHand(wire.SuitesAEAD))
		for _, k := range kinds {
			hellos = append(hellos, byHand(k.suites))
		}
		r := t.Handshakes(ctx, hellos, func(_ probe.Place, got []wire.Shaken) []probe.Verdict {
			return suites(ctx, t, got[:len(got)-len(kinds)], got[len(got)-len(kinds):])
		})
		return r.Expecting("strong suites alone")
	},
}

func byHand(g wire.SuiteGroup) wire.Hello {
	return wire.Hello{Version: tls.VersionTLS12, Suites: g, ByHand: true}
}

// kinds are what is offered alone, and how grave it is when it is chosen.
var kinds = []struct {
	suites   wire.SuiteGroup
	severity finding.Severity
}{
	{wire.SuitesNull, finding.High},
	{wire.SuitesAnonymous, finding.High},
	{wire.SuitesExport, finding.High},
	{wire.SuitesRC4, finding.Medium},
	{wire.Suites64Bit, finding.Medium},
	{wire.SuitesDHE, finding.Medium},
	{wire.SuitesStaticRSA, finding.Low},
}

// minGroup is the size of a Diffie-Hellman group that holds, in bits.
const minGroup = 2048

// suites judges one address: the handshakes of ordinary clients, the last of
// them with strong suites alone, and one for each kind.
func suites(ctx context.Context, t *probe.Trial, usual, got []wire.Shaken) []probe.Verdict {
	var control, refused, open []string
	strong, modern := usual[len(usual)-1].Chose(), false
	for _, s := range usual {
		if s.Chose() {
			control = append(control, s.ID)
			modern = modern || s.Version == tls.VersionTLS13
		}
	}
	var out []probe.Verdict
	for i, s := range got {
		refused = append(refused, s.ID)
		switch {
		case s.Chose() && s.Failure != "":
			open = append(open, fmt.Sprintf("the group of %s was not told (%s)", kinds[i].suites.Name, s.Failure))
		case s.Failure == wire.Timeout:
			open = append(open, fmt.Sprintf("the hello with %s got no answer within the time of a handshake", kinds[i].suites.Name))
		}
		what, weak := weakSuite(i, s)
		if !weak {
			continue
		}
		v := probe.Verdict{Outcome: finding.Fail, Severity: kinds[i].severity, Reason: what, Message: "a weak cipher suite is accepted: " + what, Evidence: []string{s.ID}, Control: control}
		again, still := t.Insist(ctx, s, func(a wire.Shaken) bool { _, weak := weakSuite(i, a); return weak })
		if v.Evidence = append(v.Evidence, again.ID); !still {
			v.Message += ", and not each time when it was offered again"
		}
		out = append(out, v)
	}
	switch {
	case len(out) > 0:
		return out
	case len(open) > 0:
		return []probe.Verdict{{Outcome: finding.Unknown, Reason: strings.Join(open, "; ")}}
	}
	v := probe.Verdict{Outcome: finding.Pass, Reason: "none of the weak kinds is accepted", Evidence: refused, Control: control}
	if !strong && !modern {
		v.Reason += "; what is offered has CBC alone, which is no failure yet"
	}
	return []probe.Verdict{v}
}

// weakSuite says what a server chose of one kind, if that is weak.
func weakSuite(kind int, s wire.Shaken) (string, bool) {
	what := fmt.Sprintf("%s (%s)", kinds[kind].suites.Name, wire.SuiteName(s.Suite))
	if kinds[kind].suites.Name == wire.SuitesDHE.Name {
		return fmt.Sprintf("%s, with a group of %d bits", what, s.DHBits), s.Chose() && s.DHBits > 0 && s.DHBits < minGroup
	}
	return what, s.Chose()
}
