// SPDX-License-Identifier: Apache-2.0

package report_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/regproof/regproof/evidence"
	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/probe"
	"github.com/regproof/regproof/report"
)

// TestRepeat: of many token requests the one that the failure was seen with is
// shown, once, and what has to be set is told; what the sandbox held is gone.
func TestRepeat(t *testing.T) {
	const hidden = "[5 bytes, sha256 0a1b2c3d]"
	recorder, err := evidence.NewRecorder()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = recorder.Close() })
	record := func(who, target string, headers ...[2]string) string {
		return recorder.Record(evidence.Exchange{Identity: who, Method: "GET", Target: target, Host: "r.example", Address: "10.0.0.7:80", Protocol: "HTTP/1.1", Status: 200, RequestHeaders: headers, BodySize: 1, BodyTruncated: true})
	}
	token := func(who, repository string) string {
		return record(who, "/token?account="+who+"&scope=repository%3A"+repository+"%3Apull", [2]string{"Authorization", "Basic " + hidden})
	}
	alice, bob, later := token("alice", "b"), token("bob", "a"), token("bob", "c")
	list := record("bob", "/v2/a/tags/list", [2]string{"Authorization", "Bearer " + hidden})
	plain := record("bob", "/v2/a/tags/list", [2]string{"Authorization", "Basic " + hidden})

	for _, tc := range []struct {
		name     string
		effect   probe.Effect
		evidence []string
		want     []string
		tokens   int
	}{
		{"its own token", probe.Read, []string{bob, alice, list, later}, []string{"  set       $REGPROOF_USER and $REGPROOF_PASSWORD of bob\n", `account='"$REGPROOF_USER"'&scope=repository%3Aa%3Apull`, "Bearer $REGPROOF_TOKEN"}, 1},
		{"no token request", probe.Read, []string{list}, []string{"  set       $REGPROOF_TOKEN, a token as it is told above\n"}, 0},
		{"a password", probe.Read, []string{bob, plain}, []string{"  set       $REGPROOF_USER and $REGPROOF_PASSWORD of bob\n"}, 0},
		{"the sandbox", probe.SandboxWrite, []string{bob, list}, []string{"            --write-sandbox a --only authz/list\n"}, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			spool, err := report.NewSpool()
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(spool.Close)
			f := finding.Finding{Probe: "authz/list", Control: "c", Severity: finding.Low, Outcome: finding.Fail, Repository: "a", Identity: "bob", Message: "seen", Evidence: tc.evidence, Observed: "allow"}
			if err := spool.Finding(f.Check()); err != nil {
				t.Fatal(err)
			}
			r := &report.Report{Spool: spool, Recorder: recorder, Summary: spool.Summary(), Probe: func(id string) (probe.Probe, bool) { return probe.Probe{ID: id, Effect: tc.effect}, true }}
			var b bytes.Buffer
			if err := report.Text(&b, r, report.TextOptions{}); err != nil {
				t.Fatal(err)
			}
			for _, want := range tc.want {
				if !strings.Contains(b.String(), want) {
					t.Errorf("no %q in\n%s", want, b.String())
				}
			}
			if n := strings.Count(b.String(), "REGPROOF_TOKEN=$("); n != tc.tokens {
				t.Errorf("%d token requests, want %d:\n%s", n, tc.tokens, b.String())
			}
			if strings.Contains(b.String(), "1 byte") {
				t.Error("one byte that was read is told as the size")
			}
		})
	}
}
