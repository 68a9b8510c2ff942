// SPDX-License-Identifier: Apache-2.0

package evidence_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"

	"github.com/regproof/regproof/evidence"
)

func TestRedaction(t *testing.T) {
	const secret = "hunter2-hunter2"
	for _, h := range [][2]string{
		{"Authorization", "Basic " + secret}, {"authorization", "Bearer " + secret}, {"Authorization", secret},
		{"Proxy-Authorization", "Basic " + secret}, {"Cookie", "s=" + secret}, {"Set-Cookie", secret},
		{"X-Anything-New", secret}, {"Location", "https://u:" + secret + "@h/p?X-Amz-Signature=" + secret + "&n=1"},
		{"Location", "/v2/x?_state=" + secret + "#" + "f"}, {"Link", "</v2/_catalog?last=a&token=" + secret + ">; rel=\"next\""},
	} {
		if got := evidence.Header(h[0], h[1]); strings.Contains(got[1], secret) {
			t.Errorf("%s: %q shows the secret", h[0], got[1])
		}
	}
	for in, want := range map[string]string{
		"/v2/a/tags/list?n=2&last=b":        "/v2/a/tags/list?n=2&last=b",
		"/token?service=s&scope=repository": "/token?service=s&scope=repository",
		"/x?password=":                      "/x?password=",
		"/x?flag":                           "/x?flag",
		"/x?password=p":                     "/x?password=[1 bytes, sha256 148de9c5]",
	} {
		if got := evidence.Target(in); got != want {
			t.Errorf("Target(%q) = %q, want %q", in, got, want)
		}
	}
	if got := evidence.Header("Authorization", "Basic x"); !strings.HasPrefix(got[1], "Basic [") {
		t.Errorf("the scheme of an Authorization is kept, got %q", got[1])
	}
}

func TestPrintable(t *testing.T) {
	for in, want := range map[string]string{
		"plain é":                              "plain é",
		"\x1b]0;owned\a":                       `\u{1B}]0;owned\u{7}`,
		"a\xffb":                               `a\xFFb`,
		"a\u202eb":                             `a\u{202E}b`,
		"\u009b2J":                             `\u{9B}2J`,
		"line\nline":                           `line\u{A}line`,
		strings.Repeat("x", 40):                strings.Repeat("x", 32) + "...",
		strings.Repeat("x", 31) + "é and more": strings.Repeat("x", 31) + "...",
	} {
		if got := evidence.Printable(in, 32); got != want {
			t.Errorf("Printable(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestRecorder(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	r, err := evidence.NewRecorder()
	if err != nil {
		t.Fatal(err)
	}
	sum := "00"
	first := r.Record(evidence.Exchange{Method: "GET", Target: "/v2/", BodySHA256: &sum, BodyTruncated: true})
	for i := range 1000 {
		r.Record(evidence.Exchange{Method: "GET", Target: fmt.Sprintf("/v2/%d", i), Of: first})
	}
	x, err := r.Get("x501")
	if err != nil || x.Target != "/v2/499" || x.ID != "x501" {
		t.Errorf("Get(x501) = %+v, %v", x, err)
	}
	if x, _ := r.Get(first); x.BodySHA256 != nil {
		t.Error("a truncated body keeps no hash")
	}
	if r.Sent() != 1 {
		t.Errorf("Sent() = %d, want 1: shared answers were not sent", r.Sent())
	}
	n := 0
	for x, err := range r.All() {
		n++
		if err != nil || x.ID != fmt.Sprintf("x%d", n) {
			t.Fatalf("All: %d: %q, %v", n, x.ID, err)
		}
	}
	for _, id := range []string{"", "x0", "x1002", "y1", "x-1"} {
		if _, err := r.Get(id); err == nil {
			t.Errorf("Get(%q) found something", id)
		}
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	if left, _ := filepath.Glob(filepath.Join(os.TempDir(), "regproof-exchanges-*")); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

func FuzzPrintable(f *testing.F) {
	f.Add("a\x1b[2J\xff")
	f.Fuzz(func(t *testing.T, s string) {
		for _, r := range evidence.Printable(s, 64) {
			if !unicode.IsPrint(r) {
				t.Fatalf("%q holds %U", s, r)
			}
		}
		for _, r := range evidence.Target(s) {
			if !unicode.IsPrint(r) {
				t.Fatalf("%q holds %U", s, r)
			}
		}
	})
}
