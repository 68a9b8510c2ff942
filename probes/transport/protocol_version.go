// SPDX-License-Identifier: Apache-2.0

package transport

import (
	"context"
	"crypto/tls"
	"slices"
	"time"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/probe"
	"github.com/regproof/regproof/wire"
)

// ProtocolVersion offers one version at a time.
var ProtocolVersion = probe.Probe{
	ID:    "transport/protocol-version",
	Title: "No TLS version before 1.2 is offered",
	Why: "TLS 1.0 and 1.1 (RFC 8996) and SSL rest on MD5 and SHA-1 and on ciphers that can be " +
		"attacked from between. A server that still speaks them lets such a client, and whoever " +
		"can make a client fall back, use them. TLS 1.2 is sound with good suites; where tls.minVersion " +
		"of the file is 1.3, it is not what was agreed.",
	How: []string{
		"at every address one handshake each with TLS 1.3, 1.2, 1.1 and 1.0 alone, and the server name of the endpoint; 1.1 and 1.0 once more, written by hand with every cipher suite there is, where they are not refused as a version",
		"a hello of SSL 3.0 and one of SSL 2.0, written by hand: the server's choice is read, and no more",
		"a failure: a version below 1.2, or below tls.minVersion of the file, is accepted twice; each handshake has 4 s, SSL 2.0 has 2 s, and silence is no offer of that",
		"the same at the token service, " + ofItsOwn,
	},
	Fix:      "Allow TLS 1.2 and 1.3 alone (nginx: ssl_protocols TLSv1.2 TLSv1.3; distribution: http.tls.minimumtls: tls1.2; HAProxy: ssl-min-ver TLSv1.2).",
	NotWhen:  "Clients older than 2014 have to be served; then tls.minVersion in the file says so.",
	Severity: finding.Medium,
	Control:  "protocol-version",
	Effect:   probe.Read,
	Per:      probe.Registry,
	Silent:   true,
	Public:   true,
	Run: func(ctx context.Context, t *probe.Trial) probe.Result {
		hellos := append(ordinary(), wire.Hello{Version: wire.VersionSSL30}, wire.Hello{Version: wire.VersionSSL20, Timeout: ssl2Timeout})
		r := t.Handshakes(ctx, hellos, func(p probe.Place, got []wire.Shaken) []probe.Verdict {
			got = slices.Clone(got)
			for i := range got {
				if got[i] = withEverySuite(ctx, t, p, got[i]); got[i].Failure == wire.Canceled {
					return []probe.Verdict{{Outcome: finding.NotChecked, Reason: got[i].Err.Error(), Evidence: []string{got[i].ID}}}
				}
			}
			return versions(ctx, t, got)
		})
		r = r.Expecting(wire.VersionName(t.MinVersion()) + " or later alone")
		if t.MinVersion() == tls.VersionTLS13 {
			r.Fix = only13
			for i := range r.Also {
				r.Also[i].Fix = only13
			}
		}
		return r
	},
}

// withEverySuite offers an old version once more, by hand, where it was refused and
// not because of the version: the suites that crypto/tls does not have, such as
// DHE, may be the only ones that the server has for it.
func withEverySuite(ctx context.Context, t *probe.Trial, p probe.Place, s wire.Shaken) wire.Shaken {
	v := s.Hello.Version
	if v < tls.VersionTLS10 || v > tls.VersionTLS11 || s.Chose() || s.Failure == wire.Timeout || s.Alerted && s.Alert == protocolVersion {
		return s
	}
	again := t.Shake(ctx, p, wire.Hello{Version: v, ByHand: true})
	if again.Version != v && again.Failure != wire.Canceled { // a lower one is for its own hello
		return s
	}
	return again
}

// protocolVersion is the alert of a server that does not have a version.
const protocolVersion = 70

// only13 is the fix where tls.minVersion of the file is 1.3.
const only13 = "Allow TLS 1.3 alone, as tls.minVersion of the file says (nginx: ssl_protocols TLSv1.3; distribution: " +
	"http.tls.minimumtls: tls1.3; HAProxy: ssl-min-ver TLSv1.3; Caddy: protocols tls1.3)."

// ssl2Timeout is how long a server may take that speaks SSL 2.0.
const ssl2Timeout = 2 * time.Second

// ordinary are the handshakes that a client makes: first with what clients of
// today offer, then one version at a time.
func ordinary() []wire.Hello {
	return []wire.Hello{{}, {Version: tls.VersionTLS13}, {Version: tls.VersionTLS12}, {Version: tls.VersionTLS11}, {Version: tls.VersionTLS10}}
}

// versions judges what one address offers.
func versions(ctx context.Context, t *probe.Trial, got []wire.Shaken) []probe.Verdict {
	var offered, evidence, open []string
	var weak []wire.Shaken
	for _, s := range slices.Backward(got) {
		switch v := s.Hello.Version; {
		case v == 0:
		case s.Chose():
			offered = append(offered, wire.VersionName(v))
			if v < t.MinVersion() {
				weak = append(weak, s)
				continue
			}
			evidence = append(evidence, s.ID)
		case s.Failure == wire.Timeout && v != wire.VersionSSL20: // what does not know it may wait for more
			open = append(open, wire.VersionName(v))
		}
	}
	says := list(offered) + " offered"
	var out []probe.Verdict
	for _, s := range weak {
		name := wire.VersionName(s.Hello.Version)
		v := probe.Verdict{Outcome: finding.Fail, Reason: says, Message: name + " is accepted", Evidence: []string{s.ID}, Control: evidence}
		if s.Hello.Version <= wire.VersionSSL30 {
			v.Severity = finding.High
		}
		again, same := t.Insist(ctx, s, wire.Shaken.Chose)
		v.Evidence = append(v.Evidence, again.ID)
		if !same {
			v.Message += ", and not each time when it was offered again"
		}
		out = append(out, v)
	}
	switch {
	case len(out) > 0:
		for i := range out[1:] {
			out[i+1].Reason = out[i+1].Message
		}
		return out
	case len(open) > 0:
		return []probe.Verdict{{Outcome: finding.Unknown, Reason: list(open) + " got no answer within the time of a handshake"}}
	case len(evidence) == 0: // only what clients of today offer together was answered
		return []probe.Verdict{{Outcome: finding.Unknown, Reason: "no version that is offered alone is accepted"}}
	}
	return []probe.Verdict{{Outcome: finding.Pass, Reason: says, Control: evidence}}
}
