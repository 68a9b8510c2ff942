// SPDX-License-Identifier: Apache-2.0

package token_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/regproof/regproof/credential"
	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/internal/labtest"
	"github.com/regproof/regproof/lab"
	"github.com/regproof/regproof/policy"
	"github.com/regproof/regproof/probe"
	"github.com/regproof/regproof/probes/token"
)

var ofWorkloads = []probe.Probe{token.WorkloadBroker, token.WorkloadEnforcement}

// asWorkload makes the run ask as a workload in the place of the lab's user.
func asWorkload(t *testing.T, d *lab.Door, subject string, use credential.Use, keyed bool) func(*probe.Options) {
	return func(o *probe.Options) {
		o.Identities = []probe.Identity{labtest.Workload(t, d, "ci", subject, use, keyed)}
	}
}

// TestWorkloads holds both probes to the doors with an issuer, in the three ways
// in which a token is shown.
func TestWorkloads(t *testing.T) {
	l := labtest.Open(t)
	const broker, enforcement = "token/workload-broker", "token/workload-enforcement"
	for _, w := range lab.Weaknesses() {
		if !strings.HasPrefix(w.Name, "workload-") {
			continue
		}
		for _, use := range []credential.Use{credential.Bearer, credential.Password, credential.Exchanged} {
			t.Run(w.Name+" "+string(use), func(t *testing.T) {
				t.Parallel()
				d := labtest.Door(t, l, lab.DoorOptions{Weaknesses: []string{w.Name}})
				c := labtest.Prove(t, l, d, labtest.Setting{Probes: ofWorkloads, Policy: intended, Change: asWorkload(t, d, lab.Workloads()[0], use, true)})
				for _, f := range c.Findings {
					t.Logf("%s %s %s: %s | %s [%s]", f.Outcome, f.Severity, f.Probe, f.Reason, f.Message, f.Variant)
					for _, v := range f.Deviations {
						t.Logf("  also %s", v.Variant)
					}
				}
				var want []string
				switch {
				case w.Kind == lab.Sound, w.Name == "workload-broker-loose" && use == credential.Bearer:
				case w.Name == "workload-broker-loose":
					want = []string{broker}
				case w.Name == "workload-optional", use == credential.Bearer:
					want = []string{enforcement}
				default:
					want = []string{broker, enforcement}
				}
				if got := c.Of(finding.Fail); !slices.Equal(got, want) {
					t.Errorf("fail: %v, want %v", got, want)
				}
				if len(want) == 0 {
					labtest.Sound(t, c)
				}
			})
		}
	}
}

// TestWorkloadControls: what is not shown is said, and is no pass.
func TestWorkloadControls(t *testing.T) {
	l := labtest.Open(t)
	main := lab.Workloads()[0]
	for _, row := range []struct {
		name, weakness string
		change         func(*testing.T, *lab.Door, *probe.Options)
		want           finding.Outcome // of token/workload-enforcement
		reason         string
	}{
		{"no workload", "workload-sound", func(_ *testing.T, _ *lab.Door, _ *probe.Options) {}, finding.NotApplicable, "no identity"},
		{"no key and nobody outside", "workload-sound", func(t *testing.T, d *lab.Door, o *probe.Options) {
			o.Identities = []probe.Identity{labtest.Workload(t, d, "ci", main, credential.Bearer, false)}
		}, finding.NotChecked, "from.oidc.key"},
		{"somebody outside", "workload-sound", func(t *testing.T, d *lab.Door, o *probe.Options) {
			o.Identities = []probe.Identity{
				labtest.Workload(t, d, "ci", main, credential.Bearer, false),
				labtest.Workload(t, d, "fork", "repo:fork/app:pull_request", credential.Bearer, false),
			}
		}, finding.Pass, "audience and time were not tried"},
		{"somebody outside is let in", "workload-pull-request", func(t *testing.T, d *lab.Door, o *probe.Options) {
			o.Identities = []probe.Identity{
				labtest.Workload(t, d, "ci", main, credential.Bearer, false),
				labtest.Workload(t, d, "dev", "repo:acme/app:pull_request", credential.Bearer, false),
			}
		}, finding.Fail, "served"},
		{"a key that is not the issuer's", "workload-sound", func(t *testing.T, d *lab.Door, o *probe.Options) {
			other := labtest.Door(t, l, lab.DoorOptions{Weaknesses: []string{"workload-sound"}})
			o.Identities = []probe.Identity{labtest.Workload(t, d, "ci", main, credential.Bearer, false)}
			o.Identities[0].Workload.Key = labtest.Workload(t, other, "x", main, credential.Bearer, true).Workload.Key
		}, finding.Unknown, "signed anew"},
		{"its own token opens nothing", "workload-sound", func(t *testing.T, d *lab.Door, o *probe.Options) {
			o.Policy = policy.Policy{}
			o.Identities = append(o.Identities, labtest.Workload(t, d, "job", "repo:another/app:ref:refs/heads/main", credential.Bearer, true))
		}, finding.Unknown, "no control"},
		{"further subjects that are meant", "workload-prefix-sub", func(t *testing.T, d *lab.Door, o *probe.Options) {
			o.Identities = []probe.Identity{labtest.Workload(t, d, "ci", main, credential.Bearer, true)}
			o.Identities[0].Workload.Subjects = []string{"repo:acme/app*"}
		}, finding.Pass, "none opened it"},
		{"an open registry", "no-auth", func(t *testing.T, d *lab.Door, o *probe.Options) {
			other := labtest.Door(t, l, lab.DoorOptions{Weaknesses: []string{"workload-sound"}})
			o.Identities = append(o.Identities, labtest.Workload(t, other, "job", main, credential.Bearer, true))
			o.Policy = policy.Policy{}
		}, finding.NotApplicable, "open to everybody"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			d := labtest.Door(t, l, lab.DoorOptions{Weaknesses: []string{row.weakness}})
			var secrets []string
			c := labtest.Prove(t, l, d, labtest.Setting{Probes: ofWorkloads, Policy: intended, Change: func(o *probe.Options) {
				row.change(t, d, o)
				for _, id := range o.Identities {
					if id.Workload != nil {
						secrets = append(secrets, id.Token())
					}
				}
			}})
			f, _ := c.Probe("token/workload-enforcement")
			if f.Outcome != row.want || !strings.Contains(f.Reason, row.reason) {
				t.Errorf("%s: %s | %s", f.Outcome, f.Reason, f.Message)
			}
			for x, err := range c.Recorder.All() {
				line := fmt.Sprintf("%+v %v", x, err)
				for _, s := range secrets {
					if strings.Contains(line, s) || strings.Contains(line, s[:strings.LastIndex(s, ".")]) {
						t.Fatalf("a token is in the evidence: %s", line)
					}
				}
			}
		})
	}
}

// TestWorkloadForms: tokens of other kinds of issuers are tried too.
func TestWorkloadForms(t *testing.T) {
	l := labtest.Open(t)
	for _, subject := range lab.Workloads() {
		for name, want := range map[string]finding.Outcome{"workload-sound": finding.Pass, "workload-prefix-sub": finding.Fail} {
			t.Run(name+" "+subject, func(t *testing.T) {
				t.Parallel()
				d := labtest.Door(t, l, lab.DoorOptions{Weaknesses: []string{name}})
				c := labtest.Prove(t, l, d, labtest.Setting{Probes: ofWorkloads, Policy: intended, Change: asWorkload(t, d, subject, credential.Bearer, true)})
				if f, _ := c.Probe("token/workload-enforcement"); f.Outcome != want {
					t.Errorf("%s: %s | %s", f.Outcome, f.Reason, f.Message)
				}
			})
		}
	}
}

// TestWorkloadPassword: at a registry without a token service the token is the
// password itself.
func TestWorkloadPassword(t *testing.T) {
	l := labtest.Open(t)
	for name, want := range map[string]finding.Outcome{"workload-sound": finding.Pass, "workload-no-aud": finding.Fail} {
		d := labtest.Door(t, l, lab.DoorOptions{Weaknesses: []string{name}})
		at := labtest.Before(t, d, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			user, token, _ := r.BasicAuth()
			if r.Header.Del("Authorization"); user == "oidc" {
				r.Header.Set("Authorization", "Bearer "+token)
			}
			next.ServeHTTP(basicChallenge{w}, r)
		})
		c := labtest.Prove(t, l, d, labtest.Setting{Probes: ofWorkloads, Policy: intended, Change: func(o *probe.Options) {
			asWorkload(t, d, lab.Workloads()[0], credential.Password, true)(o)
			labtest.Instead(t, probe.Endpoint{URL: at})(o)
		}})
		if f, _ := c.Probe("token/workload-broker"); f.Outcome != finding.NotApplicable {
			t.Errorf("%s: broker: %s %s", name, f.Outcome, f.Reason)
		}
		if f, _ := c.Probe("token/workload-enforcement"); f.Outcome != want {
			t.Errorf("%s: %s %s | %s", name, f.Outcome, f.Reason, f.Message)
		}
	}
}

// basicChallenge asks for a password where the registry asks for a token.
type basicChallenge struct{ http.ResponseWriter }

func (w basicChallenge) WriteHeader(status int) {
	if w.Header().Get("Www-Authenticate") != "" {
		w.Header().Set("Www-Authenticate", `Basic realm="x"`)
	}
	w.ResponseWriter.WriteHeader(status)
}
