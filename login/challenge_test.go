// SPDX-License-Identifier: Apache-2.0

package login_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/regproof/regproof/login"
)

func TestParseChallenges(t *testing.T) {
	ch := func(scheme string, params ...string) login.Challenge {
		c := login.Challenge{Scheme: scheme, Params: map[string]string{}}
		for _, p := range params {
			k, v, _ := strings.Cut(p, "=")
			c.Params[k] = v
		}
		return c
	}
	for _, tc := range []struct {
		name   string
		values []string
		want   []login.Challenge
	}{
		{"none", nil, nil},
		{"empty", []string{"", " ", ",", " , ,"}, nil},
		{"distribution's", []string{`Bearer realm="https://auth.example/token",service="registry.example",scope="repository:a/b:pull"`}, []login.Challenge{ch("bearer", "realm=https://auth.example/token", "service=registry.example", "scope=repository:a/b:pull")}},
		{"a quoted comma and spaces", []string{`Bearer realm="https://a/t",scope="repository:a:pull,push repository:b:pull"`}, []login.Challenge{ch("bearer", "realm=https://a/t", "scope=repository:a:pull,push repository:b:pull")}},
		{"spaces around everything", []string{"  Bearer   realm = \"a\" ,\t service =b , "}, []login.Challenge{ch("bearer", "realm=a", "service=b")}},
		{"no commas between parameters", []string{`Bearer realm="a" service="b"`}, []login.Challenge{ch("bearer", "realm=a", "service=b")}},
		{"escapes", []string{`Basic realm="a \"quoted\" \\ realm, really"`}, []login.Challenge{ch("basic", `realm=a "quoted" \ realm, really`)}},
		{"unquoted", []string{`Bearer realm=https://a/t,service=b`}, []login.Challenge{ch("bearer", "realm=https://a/t", "service=b")}},
		{"odd case", []string{`BEARER Realm="A",SERVICE="B"`}, []login.Challenge{ch("bearer", "realm=A", "service=B")}},
		{"two in one field", []string{`Bearer realm="a",service="b", Basic realm="c"`}, []login.Challenge{ch("bearer", "realm=a", "service=b"), ch("basic", "realm=c")}},
		{"two in one field, the other way", []string{`Basic realm="c", Bearer realm="a"`}, []login.Challenge{ch("basic", "realm=c"), ch("bearer", "realm=a")}},
		{"two fields", []string{`Basic realm="c"`, `Bearer realm="a"`}, []login.Challenge{ch("basic", "realm=c"), ch("bearer", "realm=a")}},
		{"a scheme alone", []string{"Negotiate"}, []login.Challenge{ch("negotiate")}},
		{"schemes alone", []string{"Negotiate, NTLM,Basic"}, []login.Challenge{ch("negotiate"), ch("ntlm"), ch("basic")}},
		{"a scheme alone before another", []string{`Negotiate, Basic realm="c"`}, []login.Challenge{ch("negotiate"), ch("basic", "realm=c")}},
		{"token68 alone", []string{"Negotiate YWJjZA=="}, []login.Challenge{ch("negotiate")}},
		{"token68 with two fillers before another", []string{`Negotiate YWJjZA==, Basic realm="c"`}, []login.Challenge{ch("negotiate"), ch("basic", "realm=c")}},
		{"token68 with one filler before another", []string{`Negotiate YWJjZGU=, Basic realm="c"`}, []login.Challenge{ch("negotiate"), ch("basic", "realm=c")}},
		{"token68 without filler before another", []string{`NTLM TlRMTVNTUAAC , Basic realm="c"`}, []login.Challenge{ch("ntlm"), ch("basic", "realm=c")}},
		{"token68 with every character", []string{`X aZ09-._~+/==,Basic realm=c`}, []login.Challenge{ch("x"), ch("basic", "realm=c")}},
		{"no realm", []string{`Bearer service="b"`}, []login.Challenge{ch("bearer", "service=b")}},
		{"an empty realm", []string{`Bearer realm="",service="b"`}, []login.Challenge{ch("bearer", "realm=", "service=b")}},
		{"an empty scope", []string{`Bearer realm="a",scope=""`}, []login.Challenge{ch("bearer", "realm=a", "scope=")}},
		{"a parameter twice", []string{`Bearer realm="a",realm="b"`}, []login.Challenge{ch("bearer", "realm=a")}},
		{"an open quote", []string{`Bearer realm="a,service=b`}, []login.Challenge{ch("bearer", "realm=a,service=b")}},
		{"an open escape", []string{`Bearer realm="a\`}, []login.Challenge{ch("bearer", `realm=a\`)}},
		{"rubbish before another", []string{`="x", Basic realm="c"`}, []login.Challenge{ch("basic", "realm=c")}},
		{"rubbish between", []string{`Bearer realm="a", ==, "x", Basic realm="c"`}, []login.Challenge{ch("bearer", "realm=a"), ch("basic", "realm=c")}},
		{"an error beside", []string{`Bearer realm="a",error="insufficient_scope",error_description="no, really"`}, []login.Challenge{ch("bearer", "realm=a", "error=insufficient_scope", "error_description=no, really")}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, login.ParseChallenges(tc.values)); diff != "" {
				t.Errorf("challenges (-want +got):\n%s", diff)
			}
		})
	}
	if got := login.ParseChallenges([]string{strings.Repeat("Basic realm=x,", 1000), strings.Repeat("Basic realm=x,", 1000)}); len(got) != 16 {
		t.Errorf("%d challenges are read, want 16", len(got))
	}
}

func FuzzParseChallenges(f *testing.F) {
	for _, s := range []string{
		`Bearer realm="https://auth.example/token",service="registry.example",scope="repository:a/b:pull,push"`,
		`Negotiate YWJjZA==, Basic realm="a\"b"`, `Basic realm=x,,=", Bearer`, "\x00= \"\\", "a=b=c",
	} {
		f.Add(s, `Basic realm="c"`)
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		got := login.ParseChallenges([]string{a, b})
		if len(got) > 16 {
			t.Errorf("%d challenges", len(got))
		}
		size := 0
		for _, c := range got {
			if c.Scheme == "" || c.Scheme != strings.ToLower(c.Scheme) || strings.ContainsAny(c.Scheme, " \t,=\"") {
				t.Errorf("scheme %q", c.Scheme)
			}
			for k, v := range c.Params {
				size += len(v)
				if k == "" || k != strings.ToLower(k) {
					t.Errorf("parameter %q", k)
				}
			}
		}
		if size > len(a)+len(b) {
			t.Errorf("values of %d bytes were read from %d", size, len(a)+len(b))
		}
		// What one field says does not depend on the field before it.
		if alone := login.ParseChallenges([]string{b}); len(got) < 16 && len(alone) > 0 {
			if diff := cmp.Diff(alone, got[len(got)-len(alone):]); diff != "" {
				t.Error(diff)
			}
		}
	})
}
