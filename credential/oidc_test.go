// SPDX-License-Identifier: Apache-2.0

package credential_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/regproof/regproof/credential"
)

func oidcToken(claims string) string {
	e := base64.RawURLEncoding.EncodeToString
	return e([]byte(`{"alg":"ES256"}`)) + "." + e([]byte(claims)) + "." + e([]byte("signature"))
}

func forRegistry(aud string, end time.Duration) string {
	return oidcToken(fmt.Sprintf(`{"iss":"i","sub":"s","aud":%s,"exp":%d}`, aud, time.Now().Add(end).Unix()))
}

func TestOIDCFile(t *testing.T) {
	dir := t.TempDir()
	for _, row := range []struct{ name, token, problem string }{
		{"a text", forRegistry(`"registry"`, time.Hour), ""},
		{"a list", forRegistry(`["x","registry"]`, time.Hour), ""},
		{"no end", oidcToken(`{"aud":"registry"}`), ""},
		{"another audience", forRegistry(`"https://kubernetes.default.svc"`, time.Hour), "not for the audience"},
		{"no audience", oidcToken(`{"sub":"x"}`), "not for the audience"},
		{"a list of something else", forRegistry(`[1]`, time.Hour), "not for the audience"},
		{"over", forRegistry(`"registry"`, -time.Minute), "over since"},
		{"no JWT", "secret", "no JWT"},
		{"no JSON", "a.b.c", "no JWT"},
		{"two lines", "a.b.c\na.b.c", "characters"},
	} {
		path := filepath.Join(dir, strings.ReplaceAll(row.name, " ", "-"))
		if err := os.WriteFile(path, []byte(row.token+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, from := range []string{"file", "kubernetes"} {
			c, err := credential.OIDC{From: from, Audience: "registry", Path: path}.Credential(t.Context())
			switch {
			case row.problem == "" && (err != nil || c.Token.Reveal() != row.token || c.Source.Path != path):
				t.Errorf("%s: %v %v", row.name, c, err)
			case row.problem != "" && (err == nil || !strings.Contains(err.Error(), row.problem) || !c.IsZero()):
				t.Errorf("%s: %v", row.name, err)
			case err != nil && strings.Contains(err.Error(), row.token):
				t.Errorf("%s: the token is in %v", row.name, err)
			}
		}
	}
}

func TestOIDCUses(t *testing.T) {
	token := forRegistry(`"registry"`, time.Hour)
	t.Setenv("REGISTRY_ID_TOKEN", token)
	o := credential.OIDC{From: "gitlab", Audience: "registry", Variable: "REGISTRY_ID_TOKEN", Username: "oidc"}
	for use, secret := range map[credential.Use]func(credential.Credential) credential.Secret{
		credential.Bearer:    func(c credential.Credential) credential.Secret { return c.Token },
		credential.Exchanged: func(c credential.Credential) credential.Secret { return c.Subject },
		credential.Password: func(c credential.Credential) credential.Secret {
			if c.Username != "oidc" {
				t.Errorf("user name %q", c.Username)
			}
			return c.Password
		},
	} {
		o.Use = use
		c, err := o.Credential(t.Context())
		if err != nil || secret(c).Reveal() != token || c.IsZero() {
			t.Errorf("%s: %v", use, err)
		}
	}
	o.Use, o.Username = credential.Password, "a:b"
	if _, err := o.Credential(t.Context()); err == nil {
		t.Error("a user name that Basic cannot carry")
	}
	o.Variable = "REGISTRY_NO_TOKEN"
	if _, err := o.Credential(t.Context()); err == nil || !strings.Contains(err.Error(), "REGISTRY_NO_TOKEN is not set") {
		t.Errorf("no variable: %v", err)
	}
	if _, err := (credential.OIDC{From: "elsewhere"}).Credential(t.Context()); err == nil {
		t.Error("a source that does not exist")
	}
}

func TestOIDCGitHub(t *testing.T) {
	token := forRegistry(`"https://registry.example/?a&b"`, time.Hour)
	answer := func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer ask" || r.URL.Query().Get("audience") != "https://registry.example/?a&b" || r.URL.Query().Get("api-version") != "2" {
			t.Errorf("asked with %s %v", r.URL, r.Header)
		}
		fmt.Fprintf(w, `{"count":1,"value":%q}`, token)
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { answer(w, r) }))
	t.Cleanup(s.Close)
	o := credential.OIDC{From: "github", Audience: "https://registry.example/?a&b"}
	if _, err := o.Credential(t.Context()); err == nil || !strings.Contains(err.Error(), "id-token: write") {
		t.Errorf("outside of a job: %v", err)
	}
	t.Setenv("ACTIONS_ID_TOKEN_REQUEST_URL", s.URL+"/token?api-version=2")
	t.Setenv("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "ask")
	if c, err := o.Credential(t.Context()); err != nil || c.Token.Reveal() != token {
		t.Errorf("%v %v", c, err)
	}
	for name, bad := range map[string]http.HandlerFunc{
		"500": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) },
		"a redirect": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://elsewhere.example/", http.StatusFound)
		},
		"no token": func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{}`) },
		"endless": func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, `{"value":"`+strings.Repeat("x", 1<<20)+`"}`)
		},
	} {
		answer = bad
		if c, err := o.Credential(t.Context()); err == nil || !c.IsZero() || strings.Contains(err.Error(), "api-version") || strings.Contains(err.Error(), "ask") {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, raw := range []string{"http://token.example/", "ftp://x", "https://a:b@token.example/", "x"} {
		t.Setenv("ACTIONS_ID_TOKEN_REQUEST_URL", raw)
		if _, err := o.Credential(t.Context()); err == nil || !strings.Contains(err.Error(), "no https URL") {
			t.Errorf("%s: %v", raw, err)
		}
	}
}
