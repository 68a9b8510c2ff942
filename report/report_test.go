// SPDX-License-Identifier: Apache-2.0

package report_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/regproof/regproof/access"
	"github.com/regproof/regproof/evidence"
	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/probe"
	"github.com/regproof/regproof/report"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// sample is a report with one finding of each outcome.
func sample(t *testing.T) *report.Report {
	t.Helper()
	recorder, err := evidence.NewRecorder()
	if err != nil {
		t.Fatal(err)
	}
	spool, err := report.NewSpool()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = recorder.Close(); spool.Close() })
	sum := strings.Repeat("ab", 32)
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	exchange := func(target string, status int) string {
		return recorder.Record(evidence.Exchange{
			At: at, TookMs: 1.5, Identity: "anonymous", Method: "GET", Target: target, Host: "registry.example", SNI: "registry.example",
			Address: "10.0.0.7:443", Protocol: "HTTP/1.1", TLS: &evidence.TLS{Version: "TLS 1.3", Verified: true},
			RequestHeaders: [][2]string{{"User-Agent", "regproof/1"}, {"Accept", "application/json, */*"}}, Status: status,
			ResponseHeaders: [][2]string{{"Content-Type", "application/json"}}, BodySize: 2811478, BodySHA256: &sum,
		})
	}
	seen := exchange("/v2/team/app/manifests/1.4", 200)
	leak := exchange("/v2/team/app/blobs/sha256:"+sum, 200)
	denied := exchange("/v2/team/app/manifests/1.4", 401)
	unused := exchange("/v2/", 401)
	repo := "team/app"
	base := finding.Finding{Registry: "corp", Endpoint: "https://registry.example", Repository: repo, Reference: "1.4", Identity: "anonymous", Expected: "deny", Observed: "unknown"}
	for _, f := range []finding.Finding{
		{Probe: "anonymous/manifest-by-tag", Control: "manifest-by-tag", Severity: finding.Critical, Outcome: finding.Pass, Required: true, Observed: "deny", Reason: "401 UNAUTHORIZED, own control", Evidence: []string{denied}, ControlEvidence: []string{seen}},
		{Probe: "anonymous/layer", Control: "layer", Severity: finding.Critical, Outcome: finding.Fail, Required: true, Observed: "allow", Reason: "served without credentials", Message: "layer sha256:abababababab is served without credentials", Fix: "Guard blobs as manifests.", Subject: &finding.Subject{Kind: "layer", Digest: "sha256:" + sum}, Evidence: []string{leak}, ControlEvidence: []string{seen}, Attempts: 36, Deviations: []finding.Deviation{{Variant: "Range", Evidence: []string{leak}}}, Frameworks: []finding.Clause{{Framework: "NIST SP 800-190", ID: "3.2.3"}}},
		{Probe: "anonymous/tags", Control: "tags", Severity: finding.Medium, Outcome: finding.Unknown, Reason: "no control: 401, but nobody may list", Evidence: []string{denied}},
		{Probe: "anonymous/upload", Control: "upload", Severity: finding.High, Outcome: finding.NotChecked, Reason: "it needs --active (effect cancelled-write)"},
		{Probe: "anonymous/referrers", Control: "referrers", Severity: finding.Medium, Outcome: finding.NotApplicable, Reason: "the registry has no referrers API (404)"},
	} {
		g := base
		g.Probe, g.Control, g.Severity, g.Outcome, g.Required, g.Reason, g.Message, g.Fix = f.Probe, f.Control, f.Severity, f.Outcome, f.Required, f.Reason, f.Message, f.Fix
		g.Subject, g.Evidence, g.ControlEvidence, g.Attempts, g.Deviations, g.Frameworks = f.Subject, f.Evidence, f.ControlEvidence, f.Attempts, f.Deviations, f.Frameworks
		if f.Observed != "" {
			g.Observed = f.Observed
		}
		if err := spool.Finding(g.Check()); err != nil {
			t.Fatal(err)
		}
	}
	if err := spool.Row(access.Row{Registry: "corp", Endpoint: "https://registry.example", Repository: &repo, Identity: "anonymous", Action: access.Pull, Intended: access.Deny, Claimed: access.Unknown, Observed: access.Deny, Outcome: "pass", Evidence: []string{denied}}); err != nil {
		t.Fatal(err)
	}
	if err := spool.Row(access.Row{Registry: "corp", Endpoint: "https://registry.example", Identity: "anonymous", Action: access.Catalog, Intended: access.Deny, Claimed: access.Unknown, Observed: access.Unknown, Outcome: "unknown", Evidence: []string{}}); err != nil {
		t.Fatal(err)
	}
	_ = unused
	return &report.Report{
		Run:     report.Run{ID: "0a1b2c3d4e", Version: "test", Command: "regproof check registry.example/team/app:1.4", Host: "here", Vantage: report.Vantage{Sources: map[string]string{"https://registry.example": "10.2.0.5"}}, Mode: []string{"read"}, Started: at, Finished: at.Add(11400 * time.Millisecond), Requests: recorder.Sent()},
		Exit:    spool.Judge(finding.High, false, "", recorder.Sent(), true),
		Summary: spool.Summary(), Controls: spool.Controls(),
		Doors: []probe.Door{{Registry: "corp", Endpoint: "https://registry.example", Addresses: []string{"10.0.0.7"}, Product: "distribution", TLS: "1.3", Serves: []string{}}},
		Spool: spool, Recorder: recorder, CAFile: "corp-ca.pem",
		Probe: func(id string) (probe.Probe, bool) { return probe.Probe{ID: id, Why: "Layers hold the program."}, true },
	}
}

func TestJSON(t *testing.T) {
	r := sample(t)
	var b bytes.Buffer
	if err := report.JSON(&b, r); err != nil {
		t.Fatal(err)
	}
	schema, err := jsonschema.UnmarshalJSON(bytes.NewReader(report.JSONSchema()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("schema.json", schema); err != nil {
		t.Fatal(err)
	}
	compiled, err := c.Compile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(b.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	if err := compiled.Validate(doc); err != nil {
		t.Errorf("the report breaks its schema: %v", err)
	}
	doc.(map[string]any)["findings"].([]any)[0].(map[string]any)["outcome"] = "fine"
	if compiled.Validate(doc) == nil {
		t.Error("the schema accepts an outcome that does not exist")
	}

	var got document
	if err := json.Unmarshal(b.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	ids := []string{}
	for _, x := range got.Exchanges {
		ids = append(ids, x.ID)
	}
	// x4 is cited by nothing; x3 by an unknown finding, x1 is a control.
	if d := cmp.Diff([]string{"x1", "x2", "x3"}, ids); d != "" {
		t.Errorf("exchanges (-want +got):\n%s", d)
	}
	if len(got.Findings) != 5 || got.Findings[1].ID != "f2" || got.Exit.Code != 1 || got.Matrix[1].Repository != nil {
		t.Errorf("got %+v", got)
	}
	r.AllEvidence = true
	b.Reset()
	if err := report.JSON(&b, r); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b.Bytes(), &got); err != nil || len(got.Exchanges) != 4 {
		t.Errorf("--evidence all carries %d exchanges, want 4 (%v)", len(got.Exchanges), err)
	}
}

func TestText(t *testing.T) {
	for name, o := range map[string]report.TextOptions{
		"text":     {},
		"verbose":  {Verbose: true},
		"coloured": {Style: report.Style{Color: true}},
	} {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			if err := report.Text(&b, sample(t), o); err != nil {
				t.Fatal(err)
			}
			golden(t, name+".golden", b.Bytes())
			if !o.Color {
				for line := range strings.SplitSeq(b.String(), "\n") {
					if utf8.RuneCountInString(line) > report.Width && !strings.Contains(line, "http") {
						t.Errorf("%d columns: %s", utf8.RuneCountInString(line), line)
					}
				}
			}
		})
	}
}

// TestRepeatAtTimes: what one replica of several serves is asked for as often as
// the probe did.
func TestRepeatAtTimes(t *testing.T) {
	r := sample(t)
	f := finding.Finding{
		Probe: "ingress/replicas", Control: "replicas", Severity: finding.Critical, Outcome: finding.Fail, Registry: "corp", Endpoint: "https://registry.example",
		Expected: "deny", Observed: "allow", Variant: "4 of 20 new connections", Reason: "served, at times", Message: "served at times", Evidence: []string{"x1"},
	}
	if err := r.Spool.Finding(f.Check()); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := report.Text(&b, r, report.TextOptions{}); err != nil {
		t.Fatal(err)
	}
	block := b.String()[strings.Index(b.String(), "ingress/replicas"):]
	if !strings.Contains(block, "  repeat    for i in $(seq 20); do curl -sS -D- -o /dev/null \\\n") || !strings.Contains(block, "https://registry.example/v2/team/app/manifests/1.4; done\n") {
		t.Errorf("no loop in\n%s", block)
	}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), string(got)); d != "" {
		t.Errorf("%s (-want +got):\n%s", path, d)
	}
}

func TestJudge(t *testing.T) {
	f := func(o finding.Outcome, s finding.Severity, required bool) finding.Finding {
		return finding.Finding{Probe: "anonymous/x", Control: "layer", Outcome: o, Severity: s, Required: required, Evidence: []string{"x1"}, ControlEvidence: []string{"x1"}}
	}
	proven := f(finding.Pass, finding.Critical, true)
	for _, c := range []struct {
		name        string
		findings    []finding.Finding
		bar         finding.Severity
		interrupted bool
		problem     string
		anonymous   bool
		want        int
	}{
		{"all proven", []finding.Finding{proven}, finding.High, false, "", false, 0},
		{"nothing", nil, finding.High, false, "", false, 3},
		{"only opportunistic", []finding.Finding{f(finding.Pass, finding.High, false)}, finding.High, false, "", false, 3},
		{"critical", []finding.Finding{proven, f(finding.Fail, finding.Critical, false)}, finding.High, false, "", false, 1},
		{"below the bar", []finding.Finding{proven, f(finding.Fail, finding.Medium, false)}, finding.High, false, "", false, 0},
		{"at the bar", []finding.Finding{proven, f(finding.Fail, finding.Medium, false)}, finding.Medium, false, "", false, 1},
		{"report only", []finding.Finding{proven, f(finding.Fail, finding.Critical, false)}, finding.None, false, "", false, 0},
		{"none never hides 3", []finding.Finding{f(finding.Unknown, finding.High, true)}, finding.None, false, "", false, 3},
		{"1 wins over 3", []finding.Finding{f(finding.Unknown, finding.High, true), f(finding.Fail, finding.High, false)}, finding.High, false, "", false, 1},
		{"required unknown", []finding.Finding{proven, f(finding.Unknown, finding.High, true)}, finding.High, false, "", false, 3},
		{"required notchecked", []finding.Finding{proven, f(finding.NotChecked, finding.High, true)}, finding.High, false, "", false, 3},
		{"opportunistic unknown", []finding.Finding{proven, f(finding.Unknown, finding.High, false)}, finding.High, false, "", false, 0},
		{"an error", []finding.Finding{proven, f(finding.Error, finding.Low, false)}, finding.High, false, "", false, 3},
		{"an identity is unusable", []finding.Finding{proven}, finding.High, false, "identity ci cannot be used", false, 3},
		{"interrupted", []finding.Finding{proven, f(finding.Fail, finding.Critical, false)}, finding.High, true, "", false, 130},
		{"no credential", []finding.Finding{f(finding.Unknown, finding.High, true)}, finding.High, false, "", true, 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := report.NewSpool()
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			for _, x := range c.findings {
				if err := s.Finding(x); err != nil {
					t.Fatal(err)
				}
			}
			got := s.Judge(c.bar, c.interrupted, c.problem, 7, !c.anonymous)
			if got.Code != c.want || got.Reason == "" {
				t.Errorf("exit %d (%s), want %d", got.Code, got.Reason, c.want)
			}
			if c.anonymous && got.Reason != "no leak found in 7 requests; not proven private: log in, or pass --username" {
				t.Errorf("reason %q", got.Reason)
			}
		})
	}
}

func TestSpoolLeavesNothing(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	s, err := report.NewSpool()
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		if err := s.Finding(finding.Finding{Probe: fmt.Sprint(i)}); err != nil {
			t.Fatal(err)
		}
	}
	n := 0
	for f := range s.Findings() {
		if f.Probe != fmt.Sprint(n) {
			t.Errorf("finding %d is %s", n, f.Probe)
		}
		n++
	}
	s.Close()
	if left, _ := os.ReadDir(os.TempDir()); len(left) != 0 || n != 3 {
		t.Errorf("%d findings, left behind: %v", n, left)
	}
}

// TestFront: who reads of a failure is told of the fix for the front that
// answered, if there is one for it.
func TestFront(t *testing.T) {
	for server, want := range map[string]string{"nginx/1.22.1": "regproof explain ingress/host --product nginx\n", "": "regproof explain ingress/host\n"} {
		r := sample(t)
		id := r.Recorder.Record(evidence.Exchange{Method: "GET", Target: "/v2/", Host: "registry.example", Status: 200, ResponseHeaders: [][2]string{{"Server", server}}})
		f := finding.Finding{
			Probe: "ingress/host", Control: "host", Severity: finding.Critical, Outcome: finding.Fail, Registry: "corp", Endpoint: "https://registry.example",
			Expected: "deny", Observed: "allow", Reason: "served", Message: "served", Evidence: []string{id},
		}
		if err := r.Spool.Finding(f.Check()); err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if err := report.Text(&b, r, report.TextOptions{}); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(b.String(), want) {
			t.Errorf("Server %q: no %q in\n%s", server, want, b.String())
		}
	}
}
