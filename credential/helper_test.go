// SPDX-License-Identifier: Apache-2.0

package credential_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/regproof/regproof/credential"
)

func TestHelper(t *testing.T) {
	w := newWorld(t, nil)
	w.helper("pass", answers("ci", hush))
	c, err := credential.Helper{Name: "pass", Server: "r.example:5000"}.Credential(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if c.Username != "ci" || c.Password.Reveal() != hush || !c.Refresh.IsZero() {
		t.Errorf("got %v with password %q", c, c.Password.Reveal())
	}
	if got, want := c.Source.String(), `docker-credential-pass "r.example:5000"`; got != want {
		t.Errorf("source %q, want %q", got, want)
	}
	if got := w.asked(); got != "get r.example:5000\n" {
		t.Errorf("the helper was asked %q", got)
	}
}

func TestHelperRefreshToken(t *testing.T) {
	w := newWorld(t, nil)
	w.helper("desktop", answers("<token>", hush))
	c, err := credential.Helper{Name: "desktop", Server: "r.example"}.Credential(t.Context())
	if err != nil || c.Refresh.Reveal() != hush || c.Username != "" || !c.Password.IsZero() {
		t.Errorf("got %v, %v", c, err)
	}
}

func TestHelperInheritsTheEnvironment(t *testing.T) {
	w := newWorld(t, nil)
	t.Setenv("AWS_PROFILE", "prod")
	w.helper("env", answers("'$AWS_PROFILE'", hush))
	c, err := credential.Helper{Name: "env", Server: "r.example"}.Credential(t.Context())
	if err != nil || c.Username != "prod" {
		t.Errorf("got %v, %v", c, err)
	}
}

func TestHelperWhoseAgentLivesOn(t *testing.T) {
	w := newWorld(t, nil)
	w.helper("agent", "sleep 30 &\n"+answers("ci", hush))
	start := time.Now()
	c, err := credential.Helper{Name: "agent", Server: "r.example"}.Credential(t.Context())
	if err != nil || c.Username != "ci" || time.Since(start) > 8*time.Second {
		t.Errorf("got %v, %v after %v", c, err, time.Since(start))
	}
}

func TestHelperErrors(t *testing.T) {
	for name, tt := range map[string]struct {
		helper string // "" installs none
		name   string
		want   []string
		broken bool // matches ErrHelper
	}{
		"not installed":  {"", "ecr-login", []string{"docker-credential-ecr-login: not in PATH: install it, or name another source"}, true},
		"exit status":    {"echo 'gpg: no\x1b[31m key' >&2; echo second >&2; exit 3", "x", []string{`docker-credential-x: exit status 3: "gpg: no\x1b[31m key"`}, true},
		"says why":       {"echo 'no credentials username'; exit 1", "x", []string{"exit status 1: no credentials username"}, true},
		"secret, fails":  {"echo " + hush + "; exit 1", "x", []string{"exit status 1", "standard output is not shown", "docker-credential-x get"}, true},
		"silent":         {"exit 1", "x", []string{"docker-credential-x: exit status 1"}, true},
		"killed":         {"kill -9 $$", "x", []string{"signal: killed"}, true},
		"not JSON":       {"echo " + hush, "x", []string{"the answer is not JSON"}, true},
		"two answers":    {answers("u", hush) + ";" + answers("u", hush), "x", []string{"the answer is not JSON"}, true},
		"wrong type":     {`echo '{"Username":"u","Secret":12345}'`, "x", []string{"the answer is not JSON"}, true},
		"nothing":        {"exit 0", "x", []string{"the answer is not JSON"}, true},
		"only a user":    {answers("u", ""), "x", []string{"answered with a user name without a secret"}, true},
		"only a secret":  {answers("", hush), "x", []string{"answered with a secret without a user name"}, true},
		"colon":          {answers("a:b", hush), "x", []string{`contains ':'`}, true},
		"endless":        {"while :; do echo " + strings.Repeat(hush, 100) + "; done", "x", []string{"answered more than 64 KiB"}, true},
		"empty answer":   {answers("", ""), "x", []string{`docker-credential-x has no entry for "r.example"`}, false},
		"says not found": {saysNoEntry, "x", []string{`docker-credential-x has no entry for "r.example"`}, false},
		"path":           {"", "../x", []string{`"docker-credential-../x": not a name of a helper`}, true},
		"upper case":     {"", "X", []string{"not a name of a helper"}, true},
		"shell":          {"", "x;y", []string{"not a name of a helper"}, true},
		"no name":        {"", "", []string{"not a name of a helper"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, nil)
			if tt.helper != "" {
				w.helper(tt.name, tt.helper)
			}
			c, err := credential.Helper{Name: tt.name, Server: "r.example"}.Credential(t.Context())
			wantError(t, err, tt.want...)
			if !c.IsZero() {
				t.Errorf("an error, and the credential %v", c)
			}
			if errors.Is(err, credential.ErrHelper) != tt.broken || errors.Is(err, credential.ErrNotFound) {
				t.Errorf("error %v is ErrHelper: %v, ErrNotFound: %v", err, !tt.broken, errors.Is(err, credential.ErrNotFound))
			}
		})
	}
}

func TestHelperNeedsAServer(t *testing.T) {
	_, err := credential.Helper{Name: "x"}.Credential(t.Context())
	wantError(t, err, "no server to ask it for")
}

func TestHelperTimesOut(t *testing.T) {
	w := newWorld(t, nil)
	w.helper("slow", "sleep 60")
	start := time.Now()
	_, err := credential.Helper{Name: "slow", Server: "r.example"}.WithTimeout(200 * time.Millisecond).Credential(t.Context())
	wantError(t, err, "docker-credential-slow: no answer in 200ms: run it by hand")
	if took := time.Since(start); took > 8*time.Second {
		t.Errorf("took %v", took)
	}
}

func TestHelperIsCancelled(t *testing.T) {
	w := newWorld(t, nil)
	w.helper("slow", "sleep 60")
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	_, err := credential.Helper{Name: "slow", Server: "r.example"}.Credential(ctx)
	wantError(t, err, "was stopped")
	if !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, credential.ErrHelper) {
		t.Errorf("got %v", err)
	}
}
