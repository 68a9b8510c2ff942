// SPDX-License-Identifier: Apache-2.0

package evidence

import (
	"net/netip"
	"strings"
)

// openssl is a command that repeats a handshake, for openssl since 1.1.1. What
// a build of it no longer has, it names itself. The client certificate is the
// one in $REGPROOF_CERT and $REGPROOF_KEY.
func openssl(x Exchange, caFile string) []string {
	o := x.Offer
	lines := []string{"openssl s_client -connect " + quote(x.Address)}
	name := strings.TrimSuffix(strings.Trim(x.SNI, "[]"), ".")
	if _, err := netip.ParseAddr(name); err == nil || name == "" {
		lines = append(lines, "-noservername")
	} else {
		lines = append(lines, "-servername "+quote(name))
	}
	version := versionOptions[o.Version]
	if o.AtMost {
		version = atMostOptions[o.Version]
	}
	if version != "" {
		lines = append(lines, version)
	}
	switch {
	case o.Ciphers != "":
		lines = append(lines, "-cipher "+quote(o.Ciphers+":@SECLEVEL=0"))
	case o.Version != "" && o.Version != "TLS 1.3":
		lines = append(lines, "-cipher "+quote("ALL:@SECLEVEL=0"))
	}
	if len(o.ALPN) > 0 {
		lines = append(lines, "-alpn "+quote(strings.Join(o.ALPN, ",")))
	}
	if o.Certificate {
		lines = append(lines, `-cert "$REGPROOF_CERT" -key "$REGPROOF_KEY"`)
	}
	if !o.AtMost && name != "" { // or there is no certificate to look at
		if _, err := netip.ParseAddr(name); err == nil {
			lines = append(lines, "-verify_ip "+quote(name))
		} else {
			lines = append(lines, "-verify_hostname "+quote(name))
		}
	}
	if caFile != "" {
		lines = append(lines, "-CAfile "+quote(caFile))
	}
	return append(lines, "-status", "</dev/null")
}

var versionOptions = map[string]string{
	"SSL 2.0": "-ssl2", "SSL 3.0": "-ssl3", "TLS 1.0": "-tls1", "TLS 1.1": "-tls1_1", "TLS 1.2": "-tls1_2", "TLS 1.3": "-tls1_3",
}

var atMostOptions = map[string]string{
	"TLS 1.0": "-no_tls1_3 -no_tls1_2 -no_tls1_1", "TLS 1.1": "-no_tls1_3 -no_tls1_2", "TLS 1.2": "-no_tls1_3",
}
