// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"testing"
	"time"

	"github.com/regproof/regproof/wire"
)

// TestTainted: what was asked between the last good round and the next one is
// in doubt when a round between them was bad.
func TestTainted(t *testing.T) {
	s := &sentinels{rounds: []round{
		{good: true},
		{begin: 10, end: 12, good: true},
		{begin: 20, end: 22, why: "bad"},
		{begin: 30, end: 32, why: "worse"},
		{begin: 40, end: 42, good: true},
	}}
	for _, c := range []struct {
		name       string
		begin, end int64
		want       string
	}{
		{"before the last good round began", 5, 9, ""},
		{"ended after the last good round began", 9, 11, "bad"},
		{"between good and bad", 14, 16, "bad"},
		{"between bad and bad", 24, 26, "bad"},
		{"across the good round that ended it", 38, 45, "bad"},
		{"after it", 41, 45, ""},
	} {
		if got := s.tainted(c.begin, c.end); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
	s.rounds = s.rounds[:3]
	if got := s.tainted(50, 60); got != "bad" {
		t.Errorf("after a bad round that was the last: %q", got)
	}
}

// TestWAFMark: a bot filter or a rate limit is no access control.
func TestWAFMark(t *testing.T) {
	for name, c := range map[string]struct {
		resp wire.Response
		want bool
	}{
		"cloudflare":         {wire.Response{Status: 403, Header: wire.Header{{"cf-mitigated", "challenge"}}}, true},
		"aws":                {wire.Response{Status: 403, Header: wire.Header{{"x-amzn-waf-action", "captcha"}}}, true},
		"akamai":             {wire.Response{Status: 403, Header: wire.Header{{"Server", "AkamaiGHost"}}}, true},
		"challenge script":   {wire.Response{Status: 403, Body: []byte(`<script src="/cdn-cgi/challenge-platform/x">`)}, true},
		"503 with a time":    {wire.Response{Status: 503, Header: wire.Header{{"Retry-After", "5"}}}, true},
		"a registry's 403":   {wire.Response{Status: 403, Body: []byte(`{"errors":[{"code":"DENIED"}]}`)}, false},
		"401 with a time":    {wire.Response{Status: 401, Header: wire.Header{{"Retry-After", "5"}}}, false},
		"a plain nginx page": {wire.Response{Status: 403, Body: []byte("<html>403 Forbidden</html>")}, false},
	} {
		if got := wafMark(c.resp) != ""; got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

// TestSigned: the mark of a registry or of an authentication.
func TestSigned(t *testing.T) {
	for name, c := range map[string]struct {
		resp wire.Response
		want bool
	}{
		"a challenge":         {wire.Response{Status: 401, Header: wire.Header{{"www-authenticate", "Basic"}}}, true},
		"an OCI error":        {wire.Response{Status: 403, Body: []byte(`{"errors":[{"code":"DENIED","message":"x"}]}`)}, true},
		"too many requests":   {wire.Response{Status: 403, Body: []byte(`{"errors":[{"code":"TOOMANYREQUESTS"}]}`)}, false},
		"the API version":     {wire.Response{Status: 403, Header: wire.Header{{"Docker-Distribution-Api-Version", "registry/2.0"}}}, false},
		"a page":              {wire.Response{Status: 403, Body: []byte("<html>")}, false},
		"an invented code":    {wire.Response{Status: 403, Body: []byte(`{"errors":[{"code":"\u001b[2J"}]}`)}, false},
		"json of another API": {wire.Response{Status: 403, Body: []byte(`{"error":"forbidden"}`)}, false},
	} {
		if got := signed(c.resp); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

func TestStorageSignature(t *testing.T) {
	for location, want := range map[string]bool{
		"https://s3.example/b/k?X-Amz-Signature=abc&X-Amz-Expires=1200": true,
		"https://storage.example/k?X-Goog-Signature=abc":                true,
		"https://x.blob.example/k?se=2026&sig=abc":                      true,
		"https://cdn.example/k?Expires=1&Signature=abc&Key-Pair-Id=K":   true,
		"https://sso.example/login?return=%2Fv2%2F":                     false,
		"https://s3.example/b/k?X-Amz-Signature=":                       false,
		"https://s3.example/sig=abc":                                    false,
		"https://idp.example/sso?SAMLRequest=x&SigAlg=y&Signature=abc":  false,
	} {
		if got := storageSignature(location); got != want {
			t.Errorf("%s: %v, want %v", location, got, want)
		}
	}
}

// TestPaceTarpit: a registry that delays every denial is no congestion, since
// each class of status is compared with itself.
func TestPaceTarpit(t *testing.T) {
	p := newPace(32, 0)
	enter := func(status int, took int64) {
		if err := p.enter(t.Context(), step); err != nil {
			t.Fatal(err)
		}
		p.leave(wire.Response{Status: status, Took: time.Duration(took) * time.Millisecond})
	}
	for range 200 {
		enter(200, 5)
		enter(401, 1000)
	}
	if p.limit < 32 {
		t.Errorf("a tarpit slowed the pace to %.1f", p.limit)
	}
	for range 200 {
		enter(429, 5)
	}
	if p.limit > 16 {
		t.Errorf("429 left the pace at %.1f", p.limit)
	}
	for range 2000 {
		enter(200, 5)
	}
	if int(p.limit) < 32 {
		t.Errorf("the pace did not recover: %.1f", p.limit)
	}
}
