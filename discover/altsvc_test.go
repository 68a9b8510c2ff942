// SPDX-License-Identifier: Apache-2.0

package discover_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/regproof/regproof/discover"
)

// TestParseAltSvc: the examples of RFC 7838 section 3, and what is broken.
func TestParseAltSvc(t *testing.T) {
	for _, tc := range []struct {
		values []string
		want   string
	}{
		{[]string{`h2=":8000"`}, `h2="" 8000`},
		{[]string{`h2="new.example.org:80"`}, `h2="new.example.org" 80`},
		{[]string{`h2="alt.example.com:8000", h2=":443"`}, `h2="alt.example.com" 8000, h2="" 443`},
		{[]string{`w%3Dx%3Ay%23z="A.example:1"`}, `w=x:y#z="a.example" 1`},
		{[]string{`x%25y=":1"`}, `x%y="" 1`},
		{[]string{`h2=":443"; ma=3600`, `h3=":443" ; ma="3,600"; persist=1,h2="[2001:db8::1]:8443"`}, `h2="" 443, h3="" 443, h2="2001:db8::1" 8443`},
		{[]string{`http/1.1=":1"`}, ""}, // a slash is no token
		{[]string{`http%2F1.1=":1"`}, `http/1.1="" 1`},
		{[]string{`h2="\:443"`}, `h2="" 443`},
		{[]string{`clear`}, ""},
		{[]string{`h2=":1"`, ` clear `}, ""},
		{[]string{`Clear, h2=":1"`}, `h2="" 1`},
		{[]string{""}, ""},
		{nil, ""},
		{[]string{`h2=:443`, `h2=":0"`, `h2=":65536"`, `h2=":x"`, `h2="host"`, `h2=""`, `h2`, `="x:1"`, `h2="a:1`, `h2="a"b:1"`, `h2="\"`, `h%zz=":1"`}, ""},
		{[]string{`h2="user@a.example:1"`, `h2="a.example/x:1"`, `h2="a b:1"`, `h2="[::1:1"`, `h2="2001:db8::1:1"`, `h2="a\` + "\n" + `:1"`}, ""},
		{[]string{`bad, h2=":5"`}, `h2="" 5`},
		{[]string{strings.Repeat(`h2=":1",`, 100)}, strings.TrimSuffix(strings.Repeat(`h2="" 1, `, 32), ", ")},
	} {
		var got []string
		for _, a := range discover.ParseAltSvc(tc.values) {
			got = append(got, fmt.Sprintf("%s=%q %d", a.Protocol, a.Host, a.Port))
		}
		if s := strings.Join(got, ", "); s != tc.want {
			t.Errorf("%q: got %s, want %s", tc.values, s, tc.want)
		}
	}
}

// FuzzParseAltSvc: what is read can be written, and is read alike again.
func FuzzParseAltSvc(f *testing.F) {
	for _, s := range []string{`h2=":8000"`, `h2="alt.example.com:8000"; ma=5, h3=":443"`, `w%3Dx="[::1]:1"`, "clear", `a="\"`, `é="ü:1"`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, a := range discover.ParseAltSvc([]string{s}) {
			if a.Port == 0 || a.Protocol == "" || strings.ContainsAny(a.Host, "/?#@ \\\"") {
				t.Errorf("%q was read as %+v", s, a)
			}
			if again := discover.ParseAltSvc([]string{a.String()}); !reflect.DeepEqual(again, []discover.Alternative{a}) {
				t.Errorf("%+v is written as %s and read as %+v", a, a, again)
			}
		}
	})
}
