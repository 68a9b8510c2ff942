// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/regproof/regproof/report"
)

// TestTell: a long line is folded and loses nothing; a word that is too long
// stands whole, and so do an example and a place in a file.
func TestTell(t *testing.T) {
	long := "regproof: " + strings.TrimSpace(strings.Repeat("word ", 40))
	address := "regproof: no answer from https://registry.example/" + strings.Repeat("a", 90)
	var b bytes.Buffer
	foldErrors(&b, long)
	for l := range strings.Lines(b.String()) {
		if utf8.RuneCountInString(l) > report.Width+1 {
			t.Errorf("%d columns: %q", utf8.RuneCountInString(l), l)
		}
	}
	if got := strings.Join(strings.Fields(b.String()), " "); got != long {
		t.Errorf("%q", got)
	}
	b.Reset()
	foldErrors(&b, address)
	if !strings.Contains(b.String(), strings.Repeat("a", 90)) {
		t.Errorf("a word was cut: %q", b.String())
	}
	b.Reset()
	tell(&b, long)
	if b.String() != long+"\n" {
		t.Errorf("what is no terminal gets %q", b.String())
	}
	example := "two faults:\n  " + long
	b.Reset()
	foldErrors(&b, example)
	if b.String() != example+"\n" {
		t.Errorf("%q", b.String())
	}
}

// TestClosest: near names are hinted at, others are not.
func TestClosest(t *testing.T) {
	for _, tc := range []struct{ args, want string }{
		{"check --activ", `did you mean "--active"?`},
		{"check --usrname x", `did you mean "--username"?`},
		{"check --pass", `did you mean "--password-stdin"?`},
		{"check --tokn x", "(regproof check --help lists the flags)"},
		{"lab run --tl", `did you mean "--tls"?`},
		{"lab run blobs-opn", `no weakness is called "blobs-opn", did you mean "blobs-open"?`},
		{"lab run zzzzzzzz", `no weakness is called "zzzzzzzz" (regproof lab ls lists them)`},
	} {
		var out, errOut bytes.Buffer
		code := run(strings.Fields(tc.args), strings.NewReader(""), &out, &errOut)
		if got := strings.Join(strings.Fields(errOut.String()), " "); code != report.Usage || !strings.Contains(got, tc.want) || out.Len() > 0 {
			t.Errorf("%s: exit %d, %q, want %q", tc.args, code, got, tc.want)
		}
	}
}
