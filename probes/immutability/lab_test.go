// SPDX-License-Identifier: Apache-2.0

package immutability_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/internal/labtest"
	"github.com/regproof/regproof/lab"
	"github.com/regproof/regproof/probe"
	"github.com/regproof/regproof/probes/immutability"
	"github.com/regproof/regproof/sandbox"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// writing lets a run write to a sandbox of its own.
func writing(t *testing.T, repository string, more ...func(*probe.Options)) func(*probe.Options) {
	dir := t.TempDir()
	return func(o *probe.Options) {
		o.ID = "t" + strings.NewReplacer("-", "", "/", "").Replace(repository)
		o.Effects = append(o.Effects, probe.SandboxWrite)
		o.Sandbox, o.Journal = repository, sandbox.New(dir, o.ID, repository)
		for _, f := range more {
			f(o)
		}
		j := o.Journal
		t.Cleanup(func() {
			if err := j.Close(); err != nil {
				t.Error(err)
			}
			if left, _ := os.ReadDir(dir); len(left) > 0 != (len(j.Left()) > 0) {
				t.Errorf("%d files of journals for %d objects", len(left), len(j.Left()))
			}
		})
	}
}

// mutable are the probes that fail wherever tags move.
var mutable = []string{"immutability/tag"}

// TestLab holds the family to the lab: what is weak fails where it should and
// nowhere else, its twin holds everything, and both are left as they were found.
func TestLab(t *testing.T) {
	l := labtest.Open(t)
	twins := map[string]bool{}
	for _, w := range lab.Weaknesses() {
		if strings.HasPrefix(w.Probe, "immutability/") && w.Twin != "" {
			twins[w.Twin] = true
		}
	}
	for _, w := range lab.Weaknesses() {
		if !strings.HasPrefix(w.Probe, "immutability/") && !twins[w.Name] {
			continue
		}
		t.Run(w.Name, func(t *testing.T) {
			t.Parallel()
			d := labtest.Door(t, l, lab.DoorOptions{Weaknesses: []string{w.Name}})
			repository := "sandbox-" + w.Name
			c := labtest.Prove(t, l, d, labtest.Setting{Probes: immutability.All(), Change: writing(t, repository)})
			var want []string
			if w.Kind == lab.Weak {
				want = append(want, w.Probe)
			}
			if !strings.HasPrefix(w.Name, "immutable-") && w.Name != "tag-mutable" {
				want = append(want, mutable...)
			}
			slices.Sort(want)
			if got := c.Of(finding.Fail); !slices.Equal(got, want) {
				t.Errorf("fail: %v, want %v", got, want)
			}
			for _, f := range c.Findings {
				if f.Outcome != finding.Pass && f.Outcome != finding.NotApplicable && f.Outcome != finding.Fail {
					t.Errorf("undecided: %s: %s", f.Probe, f.Reason)
				}
				t.Logf("%s %s: %s; %s", f.Outcome, f.Probe, f.Message, f.Reason)
			}
			for _, n := range c.Summary.Notes {
				t.Log(n)
			}
			tags := tagsOf(t, l, d, repository)
			keeps := strings.HasPrefix(w.Name, "immutable-") && w.Name != "immutable-delete" || w.Name == "deletes-disabled" || w.Name == "delete-tag-enabled"
			if left := len(tags); left > 0 && !keeps {
				t.Errorf("left behind: %v", tags)
			}
			if _, secret := l.User(); bytes.Contains(dump(t, c), []byte(secret)) {
				t.Error("the password is in what the run leaves behind")
			}
		})
	}
}

// tagsOf lists what is left in a repository.
func tagsOf(t *testing.T, l *lab.Lab, d *lab.Door, repository string) []string {
	t.Helper()
	r, err := http.NewRequest("GET", d.URL()+"/v2/"+repository+"/tags/list", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.SetBasicAuth(l.User())
	resp, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var list struct{ Tags []string }
	_ = json.NewDecoder(resp.Body).Decode(&list)
	return list.Tags
}

// dump is everything that a run leaves behind.
func dump(t *testing.T, c *labtest.Collected) []byte {
	t.Helper()
	var b bytes.Buffer
	for x, err := range c.Recorder.All() {
		if err != nil {
			t.Fatal(err)
		}
		if err := json.NewEncoder(&b).Encode(x); err != nil {
			t.Fatal(err)
		}
	}
	if err := json.NewEncoder(&b).Encode([]any{c.Findings, c.Summary}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
