// SPDX-License-Identifier: Apache-2.0

package transport

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/probe"
	"github.com/regproof/regproof/wire"
)

// Certificate verifies what every address shows.
var Certificate = probe.Probe{
	ID:    "transport/certificate",
	Title: "The certificate verifies for the name of every way in",
	Why: "Where a certificate does not verify, clients are told not to look (insecure-registries, " +
		"skip_verify, --tls-verify=false). Then whoever stands between may be the registry: he " +
		"reads the credentials, and serves other images.",
	How: []string{
		"at every address the handshakes of transport/protocol-version, and two of TLS 1.2 that ask for a certificate with an RSA and with an ECDSA key",
		"each chain that is shown is verified for the endpoint's name, with the authorities of the system, or of --ca-file (tls.ca in the file)",
		"a failure, named: it expired, is not valid yet, is for another name, lacks an intermediate, or is of an authority that is not trusted here; seen twice",
		"the same at the token service, " + ofItsOwn,
		"revocation is not asked for: see transport/ocsp-staple",
	},
	Fix: "Serve a certificate for this name with its whole chain, and renew it in time. If clients " +
		"are given an authority of your own, name it here too: --ca-file, or tls.ca in the file.",
	NotWhen:  "Every client is given the authority, and this run was not.",
	Severity: finding.High,
	Control:  "certificate",
	Effect:   probe.Read,
	Per:      probe.Registry,
	Silent:   true,
	Public:   true,
	Run: func(ctx context.Context, t *probe.Trial) probe.Result {
		r := t.Handshakes(ctx, presented(), func(p probe.Place, got []wire.Shaken) []probe.Verdict {
			return verified(ctx, t, p.Host, got)
		})
		r = r.Expecting("a certificate that verifies for the name of the token service")
		r.Expected = "a certificate that verifies for " + t.Way().URL.Hostname()
		return r
	},
}

// soon is how long before its end a certificate is worth a note.
const soon = 14 * 24 * time.Hour

func verified(ctx context.Context, t *probe.Trial, name string, got []wire.Shaken) []probe.Verdict {
	var out []probe.Verdict
	for _, s := range got {
		if unread(s) {
			v := probe.Verdict{Outcome: finding.Fail, Reason: "it cannot be read: " + strings.TrimPrefix(s.Err.Error(), "tls: "), Evidence: []string{s.ID}}
			v.Message = "the certificate " + strings.TrimPrefix(v.Reason, "it ")
			return append(out, v)
		}
	}
	shown := chains(got)
	if len(shown) == 0 {
		return []probe.Verdict{{Outcome: finding.Unknown, Reason: "no certificate was shown"}}
	}
	for _, s := range shown {
		why := faults(s.Chain, name, t.Roots(), time.Now())
		if len(why) == 0 && s.Unverified != nil { // it must not depend on this file's own reading
			why = []string{s.Unverified.Error()}
		}
		v := probe.Verdict{Evidence: []string{s.ID}, Control: []string{s.ID}}
		if len(why) > 0 {
			v.Outcome, v.Reason = finding.Fail, list(why)
			v.Message = fmt.Sprintf("clients refuse the certificate of %s: %s", name, v.Reason)
			again, still := t.Insist(ctx, s, func(a wire.Shaken) bool { return a.Unverified != nil })
			if v.Evidence = append(v.Evidence, again.ID); !still {
				v.Message += "; another was shown when it was asked again"
			}
			out = append(out, v)
			continue
		}
		v.Outcome, v.Reason = finding.Pass, fmt.Sprintf("valid until %s, from %s", day(s.Chain[0].NotAfter), who(s.Chain[0].Issuer.String()))
		if left := time.Until(s.Chain[0].NotAfter); left < soon {
			v.Reason = fmt.Sprintf("it expires in %d days, on %s: renew it", int(left.Hours()/24), day(s.Chain[0].NotAfter))
		}
		out = append(out, v)
	}
	return out
}
