// SPDX-License-Identifier: Apache-2.0

package ingress_test

import (
	"net/http"
	"testing"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/internal/labtest"
	"github.com/regproof/regproof/lab"
	"github.com/regproof/regproof/probe"
	"github.com/regproof/regproof/probes/ingress"
)

// TestRealmOfOddRequest: a realm that follows X-Forwarded-Host is a finding of
// one probe; nobody else logs in where an odd request was sent.
func TestRealmOfOddRequest(t *testing.T) {
	l := labtest.Open(t)
	d := labtest.Door(t, l, lab.DoorOptions{Auth: lab.Token})
	front := labtest.Before(t, d, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if host := r.Header.Get("X-Forwarded-Host"); host != "" && r.Header.Get("Authorization") == "" {
			w.Header().Set("Www-Authenticate", `Bearer realm="http://`+host+`/token",service="lab"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r)
	})
	got := labtest.Prove(t, l, d, labtest.Setting{Probes: both(), Change: func(o *probe.Options) {
		labtest.Instead(t, probe.Endpoint{URL: front})(o)
		o.Targets[0].Realms = append(o.Targets[0].Realms, o.Identities[0].Secret.Origins[0])
		o.Identities[0].Realms = append(o.Identities[0].Realms, o.Identities[0].Secret.Origins[0])
	}})
	for _, f := range got.Findings {
		if f.Outcome == finding.Unknown || f.Outcome == finding.NotChecked || f.Outcome == finding.Fail && f.Probe != ingress.RealmHost.ID {
			t.Errorf("%s %s: %s %s", f.Outcome, f.Probe, f.Message, f.Reason)
		}
	}
	if f, _ := got.Probe(ingress.RealmHost.ID); f.Outcome != finding.Fail {
		t.Errorf("%s is %s: %s", f.Probe, f.Outcome, f.Reason)
	}
}
