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

	of := func(who, method, target string, status int) string {
		return recorder.Record(evidence.Exchange{
			Identity: who, Method: method, Target: target, Host: "r.example", Address: "10.0.0.7:80", Protocol: "HTTP/1.1", Status: status, BodySize: 60,
			ResponseHeaders: [][2]string{{"Content-Type", "application/json"}},
		})
	}
	named := of("bob", "GET", "/v2/a/tags/list", 200)
	gone, refused := of("bob", "DELETE", "/v2/a/manifests/sha256:01", 404), of("anonymous", "DELETE", "/v2/a/manifests/sha256:00", 401)
	upload := of("bob", "POST", "/v2/a/blobs/uploads/", 202)

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
		{"the sandbox", probe.SandboxWrite, []string{bob, list}, []string{"it takes a run that pushes once more, and removes what it may:", "            --write-sandbox a --only authz/list\n"}, 0},
		{"a list", probe.Read, []string{named}, []string{"curl -sS -D- ", "| head -c 4000\n"}, 0},
		{"a stranger beside it", probe.CancelledWrite, []string{gone, refused}, []string{"repeat    # a stranger gets 401:\n", "            # bob gets 404:\n            curl -sS -D- -X DELETE", "| head -c 4000\n"}, 0},
		{"an upload", probe.CancelledWrite, []string{upload}, []string{"-X POST", "            # it starts an upload: end it with DELETE of its Location\n"}, 0},
		{"a token request alone", probe.Read, []string{bob, later}, []string{"  got       200", "  repeat    curl -sS -D- ", "scope=repository%3Aa%3Apull"}, 0},
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

// TestRepeatMeasured: what one answer tells nothing of is asked again and again.
func TestRepeatMeasured(t *testing.T) {
	recorder, err := evidence.NewRecorder()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = recorder.Close() })
	id := recorder.Record(evidence.Exchange{
		Identity: probe.Guessing, Method: "GET", Target: "/token?service=r&scope=repository%3Aa%3Apull", Host: "r.example", Address: "10.0.0.7:80", Protocol: "HTTP/1.1", Status: 401,
		RequestHeaders: [][2]string{evidence.Header("Authorization", "Basic bm9ib2R5OndydW5n")},
	})
	for control, want := range map[string][]string{
		"password-guessing": {"of a user that does not exist\n", "for i in $(seq 20); do curl -sS -D- -o /dev/null \\\n              -w '%{time_total} s\\n'", "; done\n"},
		"user-timing":       {"of the decoy, then of a user\n            that does not exist, with wrong passwords\n", "for i in $(seq 10); do curl "},
	} {
		spool, err := report.NewSpool()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(spool.Close)
		f := finding.Finding{Probe: "token/x", Control: control, Severity: finding.Low, Outcome: finding.Fail, Message: "seen", Evidence: []string{id}, Observed: "allow"}
		if err := spool.Finding(f.Check()); err != nil {
			t.Fatal(err)
		}
		r := &report.Report{Spool: spool, Recorder: recorder, Summary: spool.Summary(), Probe: func(id string) (probe.Probe, bool) { return probe.Probe{ID: id}, true }}
		var b bytes.Buffer
		if err := report.Text(&b, r, report.TextOptions{}); err != nil {
			t.Fatal(err)
		}
		for _, w := range want {
			if !strings.Contains(b.String(), w) {
				t.Errorf("%s: no %q in\n%s", control, w, b.String())
			}
		}
	}
}
