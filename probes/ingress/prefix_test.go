// SPDX-License-Identifier: Apache-2.0

package ingress_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/internal/labtest"
	"github.com/regproof/regproof/lab"
	"github.com/regproof/regproof/probe"
	"github.com/regproof/regproof/probes/ingress"
)

// TestDepthBelowPrefix: the guard of a prefix endpoint is measured by names as
// deep as the image's own.
func TestDepthBelowPrefix(t *testing.T) {
	l := labtest.Open(t)
	d := labtest.Door(t, l, lab.DoorOptions{})
	guarded := regexp.MustCompile(`^/v2/proxy/[^/]+/[^/]+/(manifests|blobs)/`)
	front := labtest.Before(t, d, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		switch {
		case r.Header.Get("Authorization") != "":
			r.URL.Path = strings.Replace(r.URL.Path, "/v2/proxy/", "/v2/", 1)
			next.ServeHTTP(w, r)
		case r.URL.Path == "/v2/" || guarded.MatchString(r.URL.Path):
			w.Header().Set("Www-Authenticate", `Basic realm="front"`)
			w.WriteHeader(http.StatusUnauthorized)
		default:
			w.WriteHeader(http.StatusNotFound)
			_, _ = w.Write([]byte(`{"errors":[{"code":"NAME_UNKNOWN"}]}`))
		}
	})
	got := labtest.Prove(t, l, d, labtest.Setting{Probes: []probe.Probe{ingress.Depth}, Change: labtest.Instead(t, probe.Endpoint{URL: front, Prefix: "proxy/"})})
	if f, _ := got.Probe(ingress.Depth.ID); f.Outcome != finding.Fail {
		t.Errorf("%s: %s", f.Outcome, f.Reason)
	}
}
