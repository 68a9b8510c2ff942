// SPDX-License-Identifier: Apache-2.0

package credential_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"testing"

	"github.com/regproof/regproof/credential"
)

const hush = "hunter2-s3cr3t"

// holder has the credential where fmt cannot call its methods: in unexported fields.
type holder struct {
	secret credential.Secret
	c      credential.Credential
	p      *credential.Credential
	m      map[string]credential.Secret
	any    any
	bound  credential.Bound
}

func values() map[string]any {
	s := credential.NewSecret(hush)
	c := credential.Credential{Username: "ci", Password: s, Token: s, Refresh: s}
	b := credential.Bound{Credential: c, Origins: []credential.Origin{"https://h:443"}}
	h := holder{secret: s, c: c, p: &c, m: map[string]credential.Secret{"k": s}, any: c, bound: b}
	return map[string]any{
		"secret": s, "secret pointer": &s, "credential": c, "credential pointer": &c,
		"bound": b, "slice": []credential.Secret{s}, "map": map[string]*credential.Credential{"k": &c},
		"holder": h, "holder pointer": &h, "holders": []holder{h}, "error": fmt.Errorf("with %v", c),
	}
}

func TestSecretDoesNotPrint(t *testing.T) {
	leaks := func(s string) bool {
		return strings.Contains(s, hush) || strings.Contains(strings.ToLower(s), fmt.Sprintf("%x", hush))
	}
	verbs := []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "% x", "%#q", "%d", "%08b", "%t", "%10.3s", "%p", "%T", "%w"}
	for name, v := range values() {
		for _, verb := range verbs {
			if got := fmt.Sprintf(verb, v); leaks(got) {
				t.Errorf("%s with %s: %s", name, verb, got)
			}
		}
		if got := fmt.Sprint(v) + fmt.Sprintln(v); leaks(got) {
			t.Errorf("%s with Sprint: %s", name, got)
		}
		if got, _ := json.Marshal(v); leaks(string(got)) {
			t.Errorf("%s as JSON: %s", name, got)
		}
		if got, _ := xml.Marshal(v); leaks(string(got)) {
			t.Errorf("%s as XML: %s", name, got)
		}
		var buf bytes.Buffer
		slog.New(slog.NewTextHandler(&buf, nil)).Info("m", "v", v, slog.Group("g", "v", v))
		slog.New(slog.NewJSONHandler(&buf, nil)).Info("m", "v", v, slog.Group("g", "v", v))
		if leaks(buf.String()) {
			t.Errorf("%s in slog: %s", name, &buf)
		}
	}
}

func TestSecretShowsThatItIsRedacted(t *testing.T) {
	s := credential.NewSecret(hush)
	text, _ := s.MarshalText()
	js, _ := json.Marshal(map[string]any{"s": s})
	for name, got := range map[string]string{
		"%v": fmt.Sprintf("%v", s), "%q": fmt.Sprintf("%q", s), "String": s.String(), "GoString": s.GoString(),
		"Text": string(text), "JSON": string(js), "slog": s.LogValue().String(),
		"zero": credential.Secret{}.String(),
	} {
		if !strings.Contains(got, "[redacted]") {
			t.Errorf("%s: got %q", name, got)
		}
	}
}

func TestSecretValues(t *testing.T) {
	a, b, zero := credential.NewSecret(hush), credential.NewSecret(hush), credential.NewSecret("")
	if a.Reveal() != hush || zero.Reveal() != "" {
		t.Errorf("Reveal: %q, %q", a.Reveal(), zero.Reveal())
	}
	if a.IsZero() || !zero.IsZero() || !(credential.Secret{}).IsZero() {
		t.Error("IsZero is wrong")
	}
	if !a.Equal(b) || a.Equal(zero) || a.Equal(credential.NewSecret(hush+"x")) || !zero.Equal(credential.Secret{}) {
		t.Error("Equal is wrong")
	}
	if reflect.TypeFor[credential.Secret]().Comparable() {
		t.Error("== compiles for secrets, and would compare addresses")
	}
	var back credential.Secret
	if err := json.Unmarshal([]byte(`"[redacted]"`), &back); err == nil {
		t.Error("a redacted report was read back as a secret")
	}
}

func TestCredentialIsZero(t *testing.T) {
	s := credential.NewSecret("x")
	for name, tt := range map[string]struct {
		c    credential.Credential
		want bool
	}{
		"nothing":         {credential.Credential{}, true},
		"provenance only": {credential.Credential{Source: credential.Provenance{Path: "p"}}, true},
		"user name":       {credential.Credential{Username: "u"}, false},
		"password":        {credential.Credential{Password: s}, false},
		"token":           {credential.Credential{Token: s}, false},
		"refresh":         {credential.Credential{Refresh: s}, false},
	} {
		if got := tt.c.IsZero(); got != tt.want {
			t.Errorf("%s: got %v", name, got)
		}
	}
}

func TestProvenanceString(t *testing.T) {
	for want, p := range map[string]credential.Provenance{
		`~/.docker/config.json auths["r.example"]`: {Kind: "docker config", Path: "~/.docker/config.json", Key: `auths["r.example"]`},
		"$A, $B":                    {Kind: "environment", Key: "$A, $B"},
		"/p (readable by everyone)": {Kind: "file", Path: "/p", Note: "readable by everyone"},
		"standard input":            {Kind: "standard input"},
	} {
		if got := p.String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestSentinelsAreApart(t *testing.T) {
	if errors.Is(credential.ErrHelper, credential.ErrNotFound) || errors.Is(credential.ErrNotFound, credential.ErrHelper) {
		t.Error("a broken helper reads as not found")
	}
}
