// SPDX-License-Identifier: Apache-2.0

package login_test

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/regproof/regproof/login"
)

func TestParseJWT(t *testing.T) {
	e := base64.RawURLEncoding.EncodeToString
	token := func(header, payload string) string { return e([]byte(header)) + "." + e([]byte(payload)) + ".c2ln" }
	j, err := login.ParseJWT(token(`{"alg":"ES256","kid":"k"}`, `{"sub":"ci","exp":1700000300,"iat":1.7e9,"nbf":"soon","access":[{"type":"repository","name":"a/b","actions":["pull"]}]}`))
	if err != nil {
		t.Fatal(err)
	}
	if j.Header["kid"] != "k" || j.Text("sub") != "ci" || j.Text("exp") != "" || j.RawSignature != "c2ln" {
		t.Errorf("%+v", j)
	}
	for claim, want := range map[string]int64{"exp": 1700000300, "iat": 1700000000} {
		if got, ok := j.Seconds(claim); !ok || got != want {
			t.Errorf("%s is %d, %v", claim, got, ok)
		}
	}
	for _, claim := range []string{"nbf", "jti"} {
		if got, ok := j.Seconds(claim); ok {
			t.Errorf("%s is %d", claim, got)
		}
	}
	grants, ok := j.Grants()
	if diff := cmp.Diff([]login.Access{{Type: "repository", Name: "a/b", Actions: []string{"pull"}}}, grants); !ok || diff != "" {
		t.Errorf("%v (-want +got):\n%s", ok, diff)
	}
	for _, bad := range []string{
		"", "a.b", "a.b.c.d.e", "opaque", token(`{}`, `null`), token(`[]`, `{}`), token(`{}`, `{`), "!." + e([]byte("{}")) + ".x",
		token(`{}`, `{"a":"`+strings.Repeat("x", 1<<20)+`"}`),
	} {
		if _, err := login.ParseJWT(bad); err == nil {
			t.Errorf("%.60q is read", bad)
		}
	}
	huge, err := login.ParseJWT(token(`{}`, `{"exp":1e400,"iat":-1e18,"access":"all"}`))
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := huge.Seconds("exp"); ok {
		t.Error("1e400 is a time")
	}
	if _, ok := huge.Seconds("iat"); ok {
		t.Error("-1e18 as a float is a time")
	}
	if _, ok := huge.Grants(); ok {
		t.Error("a word is a list of grants")
	}
}

func FuzzParseJWT(f *testing.F) {
	f.Add("e30.e30.")
	f.Add("eyJhbGciOiJub25lIn0.eyJleHAiOjFlNDAwfQ.x")
	f.Fuzz(func(t *testing.T, token string) {
		j, err := login.ParseJWT(token)
		if err != nil {
			return
		}
		if j.Header == nil || j.Claims == nil {
			t.Errorf("%q: a part is nil", token)
		}
		for claim := range j.Claims {
			j.Seconds(claim)
		}
		j.Grants()
	})
}

func TestReadReply(t *testing.T) {
	for body, want := range map[string]login.Reply{
		`{"token":"a","expires_in":300}`:                                      {Token: "a", ExpiresIn: 300},
		`{"access_token":"b","refresh_token":"r","scope":"x","id_token":"i"}`: {Token: "b", Refresh: "r", ID: "i", Scope: "x"},
		`{"token":"a","access_token":"b","expires_in":"60","scope":["x"]}`:    {Token: "a", ExpiresIn: 60},
		`{"token":"a","expires_in":-5}`:                                       {Token: "a"},
		`{"token":"a","expires_in":1e300}`:                                    {Token: "a"},
		`{}`:                                                                  {},
	} {
		got, err := login.ReadReply([]byte(body))
		if err != nil || got != want {
			t.Errorf("%s is %+v, %v; want %+v", body, got, err, want)
		}
	}
	for _, body := range []string{"", "<html>", `{"token":1}`, `{"token":"a\r\nX: y"}`, `{"token":"a","refresh_token":"b c"}`} {
		if got, err := login.ReadReply([]byte(body)); err == nil {
			t.Errorf("%q is %+v", body, got)
		}
	}
}
