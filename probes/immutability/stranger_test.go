// SPDX-License-Identifier: Apache-2.0

package immutability_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/internal/labtest"
	"github.com/regproof/regproof/lab"
	"github.com/regproof/regproof/probe"
	"github.com/regproof/regproof/probes/immutability"
)

// TestStrangerByMethod: a guard that asks for a password where uploads begin, and
// not elsewhere, lets strangers write all the same.
func TestStrangerByMethod(t *testing.T) {
	t.Parallel()
	l := labtest.Open(t)
	for _, method := range []string{http.MethodPut, http.MethodDelete} {
		d := labtest.Door(t, l, lab.DoorOptions{})
		at := labtest.Before(t, d, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			if r.Method == method && strings.Contains(r.URL.Path, "/manifests/") && r.Header.Get("Authorization") == "" {
				r.SetBasicAuth(l.User())
			}
			next.ServeHTTP(w, r)
		})
		repository := "box-method-" + strings.ToLower(method)
		c := labtest.Prove(t, l, d, labtest.Setting{Probes: []probe.Probe{immutability.AnonymousWrite}, Change: writing(t, repository, labtest.Instead(t, probe.Endpoint{URL: at}))})
		if f, _ := c.Probe("immutability/anonymous-write"); f.Outcome != finding.Fail || f.Severity != finding.Critical || !strings.Contains(f.Message, "a stranger") {
			t.Errorf("%s: %s %s: %s; %s", method, f.Outcome, f.Severity, f.Message, f.Reason)
		}
		if left := tagsOf(t, l, d, repository); len(left) > 0 {
			t.Errorf("left behind: %v", left)
		}
	}
}

// TestStrangerAtTheEnd: a registry that lets everybody begin an upload and asks for
// a password at its end, and a front that answers 202 to whatever it is sent.
func TestStrangerAtTheEnd(t *testing.T) {
	t.Parallel()
	l := labtest.Open(t)
	for i, c := range []struct {
		location string
		outcome  finding.Outcome
		severity finding.Severity
	}{
		{"/v2/%s/blobs/uploads/1", finding.Fail, finding.Low},
		{"", finding.Unknown, finding.Critical},
	} {
		d := labtest.Door(t, l, lab.DoorOptions{})
		repository := fmt.Sprintf("box-end-%d", i)
		at := labtest.Before(t, d, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			if r.Method == http.MethodPost && r.Header.Get("Authorization") == "" {
				if c.location != "" {
					w.Header().Set("Location", fmt.Sprintf(c.location, repository))
				}
				w.WriteHeader(http.StatusAccepted)
				return
			}
			next.ServeHTTP(w, r)
		})
		got := labtest.Prove(t, l, d, labtest.Setting{Probes: []probe.Probe{immutability.AnonymousWrite}, Change: writing(t, repository, labtest.Instead(t, probe.Endpoint{URL: at}))})
		if f, _ := got.Probe("immutability/anonymous-write"); f.Outcome != c.outcome || f.Severity != c.severity {
			t.Errorf("%q: %s %s: %s; %s", c.location, f.Outcome, f.Severity, f.Message, f.Reason)
		}
	}
}

// TestStrangerStores: a stranger whose blobs are taken is no refused one, though a
// manifest is.
func TestStrangerStores(t *testing.T) {
	t.Parallel()
	l := labtest.Open(t)
	d := labtest.Door(t, l, lab.DoorOptions{})
	user, password := l.User()
	at := labtest.Before(t, d, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if strings.Contains(r.URL.Path, "/blobs/uploads/") && r.Header.Get("Authorization") == "" {
			r.SetBasicAuth(user, password)
		}
		next.ServeHTTP(w, r)
	})
	got := labtest.Prove(t, l, d, labtest.Setting{Probes: []probe.Probe{immutability.AnonymousWrite}, Change: writing(t, "box-stores", labtest.Instead(t, probe.Endpoint{URL: at}))})
	if f, _ := got.Probe("immutability/anonymous-write"); f.Outcome != finding.Fail || f.Severity != finding.High || strings.Contains(f.Message, "was refused") {
		t.Errorf("%s %s: %s; %s", f.Outcome, f.Severity, f.Message, f.Reason)
	}
}

// TestStrangerByToken: a write that is asked for a password may still be let in with
// the token that the service of /v2/ gives to everybody.
func TestStrangerByToken(t *testing.T) {
	t.Parallel()
	l := labtest.Open(t)
	for weakness, want := range map[string]finding.Outcome{"sound-token": finding.Pass, "token-anonymous-any": finding.Fail} {
		d := labtest.Door(t, l, lab.DoorOptions{Weaknesses: []string{weakness}})
		at := labtest.Before(t, d, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			next.ServeHTTP(&passwordBelow{w, r.URL.Path != "/v2/"}, r)
		})
		got := labtest.Prove(t, l, d, labtest.Setting{Probes: []probe.Probe{immutability.AnonymousWrite}, Change: writing(t, "box-token-"+weakness, labtest.Instead(t, probe.Endpoint{URL: at}))})
		if f, _ := got.Probe("immutability/anonymous-write"); f.Outcome != want {
			t.Errorf("%s: %s: %s; %s", weakness, f.Outcome, f.Message, f.Reason)
		}
	}
}

// passwordBelow asks for a password where a registry asks for a token.
type passwordBelow struct {
	http.ResponseWriter
	below bool
}

func (p *passwordBelow) WriteHeader(status int) {
	if p.below && p.Header().Get("WWW-Authenticate") != "" {
		p.Header().Set("WWW-Authenticate", `Basic realm="house"`)
	}
	p.ResponseWriter.WriteHeader(status)
}
