// SPDX-License-Identifier: Apache-2.0

package evidence_test

import (
	"strings"
	"testing"

	"github.com/regproof/regproof/evidence"
)

func TestOpenSSL(t *testing.T) {
	for _, c := range []struct {
		name, sni, ca string
		offer         evidence.Offer
		want          string
	}{
		{"both versions", "r.example", "", evidence.Offer{}, "openssl s_client -connect 10.0.0.1:443 -servername r.example -verify_hostname r.example -status </dev/null"},
		{"1.0", "r.example", "my ca.pem", evidence.Offer{Version: "TLS 1.0"}, "openssl s_client -connect 10.0.0.1:443 -servername r.example -tls1 -cipher ALL:@SECLEVEL=0 -verify_hostname r.example -CAfile 'my ca.pem' -status </dev/null"},
		{"1.3 to an address", "[::1]", "", evidence.Offer{Version: "TLS 1.3", ALPN: []string{"h2"}, Certificate: true}, `openssl s_client -connect 10.0.0.1:443 -noservername -tls1_3 -alpn h2 -cert "$REGPROOF_CERT" -key "$REGPROOF_KEY" -verify_ip ::1 -status </dev/null`},
		{"RC4", "r.example", "", evidence.Offer{Version: "TLS 1.2", AtMost: true, Ciphers: "RC4"}, "openssl s_client -connect 10.0.0.1:443 -servername r.example -no_tls1_3 -cipher RC4:@SECLEVEL=0 -status </dev/null"},
		{"a name for a shell", "r.example;id", "", evidence.Offer{}, "openssl s_client -connect 10.0.0.1:443 -servername 'r.example;id' -verify_hostname 'r.example;id' -status </dev/null"},
	} {
		t.Run(c.name, func(t *testing.T) {
			x := evidence.Exchange{Method: evidence.ClientHello, SNI: c.sni, Address: "10.0.0.1:443", Offer: &c.offer}
			if got := strings.Join(evidence.Curl(x, c.ca), " "); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}
