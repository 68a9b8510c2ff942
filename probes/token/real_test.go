// SPDX-License-Identifier: Apache-2.0

package token_test

import (
	"net/url"
	"testing"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/internal/labtest"
	"github.com/regproof/regproof/internal/peer"
	"github.com/regproof/regproof/lab"
	"github.com/regproof/regproof/policy"
	"github.com/regproof/regproof/probe"
)

// TestReal holds the forgeries to releases of distribution: one of them takes the
// key in a token (CVE-2025-24976), and nobody publishes the issuer's.
func TestReal(t *testing.T) {
	l := labtest.Open(t)
	user, password := l.User()
	for name, want := range map[string][]string{peer.RegistryRC2: {"token/key"}, peer.Registry: nil} {
		t.Run(name, func(t *testing.T) {
			service := peer.NewTokenService(t, user, password, peer.Nothing)
			auth := service.Auth("")
			if name == peer.RegistryRC2 { // which cannot read the list: it takes every algorithm
				delete(auth["token"].(map[string]any), "signingalgorithms")
			}
			at := peer.StartRegistry(t, name, auth)
			peer.NewImage(t, "1.4").Push(t, at+"/team-a/app:1.4", user+":"+password)
			change := labtest.Instead(t, probe.Endpoint{URL: &url.URL{Scheme: "http", Host: at}})
			c := labtest.Prove(t, l, labtest.Door(t, l, lab.DoorOptions{}), labtest.Setting{Probes: issued(), Policy: policy.Policy{}, Change: change})
			fails(t, c, want...)
			for _, f := range c.Findings {
				t.Logf("%s %s: %s | %s", f.Outcome, f.Probe, f.Reason, f.Message)
				if f.Outcome == finding.Unknown || f.Outcome == finding.Error {
					t.Errorf("%s is %s: %s", f.Probe, f.Outcome, f.Reason)
				}
			}
		})
	}
}
