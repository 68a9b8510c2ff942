// SPDX-License-Identifier: Apache-2.0

package ingress_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/internal/labtest"
	"github.com/regproof/regproof/lab"
	"github.com/regproof/regproof/probe"
)

// TestSampleLeavesRoom: a sound registry of many repositories is proven within
// the default budget of denied requests, and the odd ways to ask fit in too.
func TestSampleLeavesRoom(t *testing.T) {
	l := labtest.Open(t)
	d := labtest.Door(t, l, lab.DoorOptions{})
	names := []string{}
	for i := range 28 {
		names = append(names, fmt.Sprintf("team-a/app%02d", i))
	}
	var denied, kubelets atomic.Int64
	front := labtest.Before(t, d, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if r.Header.Get("Authorization") == "" {
			denied.Add(1)
		}
		if strings.HasPrefix(r.UserAgent(), "kubelet/") {
			kubelets.Add(1)
		}
		if _, _, ok := r.BasicAuth(); ok && r.URL.Path == "/v2/_catalog" {
			w.Header().Set("Content-Type", "application/json")
			_ = json.NewEncoder(w).Encode(map[string]any{"repositories": names})
			return
		}
		for _, name := range names { // each is the same image under another name
			r.URL.Path = strings.Replace(r.URL.Path, "/v2/"+name+"/", "/v2/team-a/app/", 1)
		}
		next.ServeHTTP(w, r)
	})
	instead := labtest.Instead(t, probe.Endpoint{URL: front})
	c := labtest.Prove(t, l, d, labtest.Setting{Probes: both(), Change: func(o *probe.Options) {
		instead(o)
		o.Images, o.RegistryWide, o.Sample = nil, true, 20
	}})
	for _, f := range c.Findings {
		switch {
		case f.Outcome == finding.Fail:
			t.Errorf("accused: %s: %s", f.Probe, f.Message)
		case f.Required && f.Outcome != finding.Pass && f.Outcome != finding.NotApplicable:
			t.Errorf("not proven: %s of %s is %s: %s", f.Probe, f.Repository, f.Outcome, f.Reason)
		case strings.Contains(f.Reason, "check.budget"):
			t.Errorf("cut: %s: %s", f.Probe, f.Reason)
		}
	}
	if f, _ := c.Probe("ingress/path-spelling"); f.Outcome != finding.Pass {
		t.Errorf("path-spelling is %s: %s", f.Outcome, f.Reason)
	}
	if !slices.ContainsFunc(c.Summary.Notes, func(n string) bool { return strings.Contains(n, "sampled repositories") }) {
		t.Errorf("nothing says that fewer were asked for: %q", c.Summary.Notes)
	}
	if n := kubelets.Load(); n > 10 {
		t.Errorf("%d requests as a kubelet: every sampled image is asked for as every client", n)
	}
	if n := denied.Load(); n > 700 {
		t.Errorf("%d requests of strangers", n)
	}
}
