// SPDX-License-Identifier: Apache-2.0

package ingress_test

import (
	"net/http"
	"testing"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/internal/labtest"
	"github.com/regproof/regproof/lab"
	"github.com/regproof/regproof/probe"
)

// TestSignedLogin: single sign-on signs its requests too (SAML 2.0 bindings
// section 3.4.4.1), and that is no storage which lets a stranger in.
func TestSignedLogin(t *testing.T) {
	l := labtest.Open(t)
	d := labtest.Door(t, l, lab.DoorOptions{})
	front := labtest.Before(t, d, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if r.Header.Get("Authorization") == "" {
			http.Redirect(w, r, "https://idp.invalid/sso?SAMLRequest=fZJb&RelayState=x&SigAlg=rsa-sha256&Signature=c2ln", http.StatusFound)
			return
		}
		next.ServeHTTP(w, r)
	})
	got := labtest.Prove(t, l, d, labtest.Setting{Probes: both(), Change: labtest.Instead(t, probe.Endpoint{URL: front})})
	for _, f := range got.Findings {
		if f.Outcome == finding.Fail {
			t.Errorf("accused: %s (%s): %s %s", f.Probe, f.Severity, f.Message, f.Reason)
		}
	}
}
