// SPDX-License-Identifier: Apache-2.0

package cache_test

import (
	"net/http"
	"testing"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/internal/labtest"
	"github.com/regproof/regproof/lab"
	"github.com/regproof/regproof/probe"
	"github.com/regproof/regproof/probes/cache"
)

// TestAnyCredential: a cache that only looks whether there is a credential serves
// what the entitled read to whoever makes one up.
func TestAnyCredential(t *testing.T) {
	l := labtest.Open(t)
	d := labtest.Door(t, l, lab.DoorOptions{})
	all := keeps(func(string) bool { return true })
	front := labtest.Before(t, d, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if r.Header.Get("Authorization") == "" {
			next.ServeHTTP(w, r)
			return
		}
		all(w, r, next)
	})
	got := labtest.Prove(t, l, d, labtest.Setting{Probes: cache.All(), Change: labtest.Instead(t, probe.Endpoint{URL: front})})
	if f, _ := got.Probe(probe.CachedContent); f.Outcome != finding.Fail {
		t.Errorf("%s: %s", f.Outcome, f.Reason)
	}
}
