// SPDX-License-Identifier: Apache-2.0

package authz_test

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/internal/labtest"
	"github.com/regproof/regproof/lab"
	"github.com/regproof/regproof/probe"
	"github.com/regproof/regproof/probes/authz"
)

// TestLink: what HEAD says is told as what it is, and a link that the registry
// does not let be removed is named.
func TestLink(t *testing.T) {
	l := labtest.Open(t)
	name, _ := l.Dev()
	for _, c := range []struct {
		name, door string
		front      func(w http.ResponseWriter, r *http.Request, byDev bool, heads int64) bool // says whether it has answered
		want       finding.Outcome
		severity   finding.Severity
		says       string
	}{
		{
			name: "head tells", door: "rights-sound", want: finding.Fail, severity: finding.Low, says: "tells dev that a blob of team-a/app exists",
			front: func(w http.ResponseWriter, r *http.Request, byDev bool, heads int64) bool {
				tells := byDev && r.Method == http.MethodHead && heads != 2 // the second is of what nothing has
				if tells {
					w.WriteHeader(http.StatusOK)
				}
				return tells
			},
		},
		{
			name: "head says yes to anything", door: "rights-sound", want: finding.Unknown, says: "for a digest that nothing has 200",
			front: func(w http.ResponseWriter, r *http.Request, byDev bool, _ int64) bool {
				if byDev && r.Method == http.MethodHead {
					w.WriteHeader(http.StatusOK)
				}
				return byDev && r.Method == http.MethodHead
			},
		},
		{
			name: "reads nothing in the sandbox", door: "rights-sound", want: finding.Unknown, says: "no control",
			front: func(w http.ResponseWriter, r *http.Request, byDev bool, _ int64) bool {
				if byDev {
					w.WriteHeader(http.StatusNotFound)
				}
				return byDev
			},
		},
		{
			name: "who may not push", door: "blob-head-links", want: finding.Fail, severity: finding.Critical, says: "reads it there, by HEAD",
			front: func(w http.ResponseWriter, r *http.Request, byDev bool, _ int64) bool {
				pushes := byDev && r.Method != http.MethodGet && r.Method != http.MethodHead && r.Method != http.MethodDelete
				if pushes {
					w.WriteHeader(http.StatusForbidden)
				}
				return pushes
			},
		},
		{
			name: "links for ever", door: "blob-head-links", want: finding.Fail, severity: finding.Critical, says: "could not be taken out of the sandbox again",
			front: func(w http.ResponseWriter, r *http.Request, _ bool, _ int64) bool {
				if r.Method == http.MethodDelete && strings.Contains(r.URL.Path, "/blobs/sha256:") {
					w.WriteHeader(http.StatusMethodNotAllowed)
				}
				return r.Method == http.MethodDelete && strings.Contains(r.URL.Path, "/blobs/sha256:")
			},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			d := labtest.Door(t, l, lab.DoorOptions{Weaknesses: []string{c.door}})
			var heads atomic.Int64
			u := labtest.Before(t, d, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
				user, _, _ := r.BasicAuth()
				inBox := strings.HasPrefix(r.URL.Path, "/v2/"+lab.Sandbox+"/") && strings.Contains(r.URL.Path, "/blobs/")
				if inBox && user == name && r.Method == http.MethodHead {
					heads.Add(1)
				}
				if !inBox || !c.front(w, r, user == name, heads.Load()) {
					next.ServeHTTP(w, r)
				}
			})
			s := setting()
			s.Probes, s.Also = []probe.Probe{authz.BlobLink}, nil
			change := s.Change
			s.Change = func(o *probe.Options) { change(o); labtest.Instead(t, probe.Endpoint{URL: u})(o) }
			write := writing
			if c.name == "links for ever" { // it is left behind, and the journal keeps it
				write = leaving
			}
			f := of(labtest.Prove(t, l, d, write(t, "link-"+strings.ReplaceAll(c.name, " ", "-"), s)), "authz/blob-link", "dev", "")
			if f.Outcome != c.want || (c.want == finding.Fail && f.Severity != c.severity) || !strings.Contains(f.Message+f.Reason, c.says) {
				t.Errorf("%s %s: %s (%s)", f.Outcome, f.Severity, f.Message, f.Reason)
			}
		})
	}
}
