// SPDX-License-Identifier: Apache-2.0

package credential_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/regproof/regproof/credential"
)

func TestEnv(t *testing.T) {
	t.Setenv("CI_USER", "ci")
	t.Setenv("CI_PASSWORD", hush)
	t.Setenv("EMPTY", "")
	t.Setenv("COLON", "a:b")
	t.Setenv("SPACED", hush+"\n")
	c, err := credential.Env{Username: "CI_USER", Password: "CI_PASSWORD"}.Credential(t.Context())
	if err != nil || c.Username != "ci" || c.Password.Reveal() != hush || c.Source.String() != "$CI_USER, $CI_PASSWORD" {
		t.Errorf("got %v, %v", c, err)
	}
	c, err = credential.EnvToken{Variable: "CI_PASSWORD"}.Credential(t.Context())
	if err != nil || c.Token.Reveal() != hush || c.Username != "" || c.Source.String() != "$CI_PASSWORD" {
		t.Errorf("got %v, %v", c, err)
	}
	for name, tt := range map[string]struct {
		source credential.Source
		want   string
	}{
		"unset user":     {credential.Env{Username: "REGPROOF_UNSET", Password: "CI_PASSWORD"}, "environment variable REGPROOF_UNSET is not set: export it"},
		"unset password": {credential.Env{Username: "CI_USER", Password: "REGPROOF_UNSET"}, "environment variable REGPROOF_UNSET is not set: export it"},
		"empty":          {credential.Env{Username: "CI_USER", Password: "EMPTY"}, "environment variable EMPTY is empty"},
		"not named":      {credential.Env{Username: "CI_USER"}, "no environment variable is named"},
		"colon":          {credential.Env{Username: "COLON", Password: "CI_PASSWORD"}, "$COLON, $CI_PASSWORD: the user name contains ':'"},
		"unset token":    {credential.EnvToken{Variable: "REGPROOF_UNSET"}, "environment variable REGPROOF_UNSET is not set"},
		"token spaced":   {credential.EnvToken{Variable: "SPACED"}, "$SPACED: the token contains white space"},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := tt.source.Credential(t.Context())
			wantError(t, err, tt.want)
			if !c.IsZero() || errors.Is(err, credential.ErrNotFound) {
				t.Errorf("got %v, %v", c, err)
			}
		})
	}
}

func TestFile(t *testing.T) {
	w := newWorld(t, nil)
	user := w.write("user", "ci\n", 0o600)
	for name, tt := range map[string]struct{ content, want string }{
		"line break":       {hush + "\n", hush},
		"CRLF":             {hush + "\r\n", hush},
		"none":             {hush, hush},
		"only one dropped": {hush + "\n\n", hush + "\n"},
		"a JSON key":       {"{\n \"a\": 1\n}\n", "{\n \"a\": 1\n}"},
	} {
		path := w.write("password", tt.content, 0o600)
		c, err := credential.File{Username: user, Password: path}.Credential(t.Context())
		if err != nil || c.Username != "ci" || c.Password.Reveal() != tt.want || c.Source.String() != path {
			t.Errorf("%s: got %v %q, %v", name, c, c.Password.Reveal(), err)
		}
	}
	open := w.write("open", hush, 0o644)
	c, err := credential.File{Username: "~/user", Password: "~/open"}.Credential(t.Context())
	if err != nil || c.Password.Reveal() != hush {
		t.Errorf("~/: got %v, %v", c, err)
	}
	if runtime.GOOS != "windows" && c.Source.Note != "readable by everyone" {
		t.Errorf("%s: note %q", open, c.Source.Note)
	}
}

func TestFileErrors(t *testing.T) {
	w := newWorld(t, map[string]string{"user": "ci", "pw": hush, "empty": "", "break": "\n", "two": "a\nb", "big": strings.Repeat("x", 64<<10+1), "dir/x": ""})
	in := func(name string) string { return filepath.Join(w.home, name) }
	if err := os.Symlink(in("nowhere"), in("dangling")); err != nil && runtime.GOOS != "windows" {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		user, password string
		want           string
	}{
		"missing password": {in("user"), in("nope"), "password file: " + in("nope") + ": file does not exist: create it"},
		"missing user":     {in("nope"), in("pw"), "user name file: " + in("nope")},
		"empty":            {in("user"), in("empty"), in("empty") + ": the file is empty"},
		"only a break":     {in("user"), in("break"), "the file is empty"},
		"two user lines":   {in("two"), in("pw"), `contains '\n'`},
		"too large":        {in("user"), in("big"), "larger than 64 KiB"},
		"directory":        {in("user"), in("dir"), in("dir") + ": is a directory"},
		"below a file":     {in("user"), in("pw/x"), "not a directory"},
		"dangling link":    {in("user"), in("dangling"), "a symbolic link to a file that does not exist"},
		"no path":          {in("user"), "", "no path is given"},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := credential.File{Username: tt.user, Password: tt.password}.Credential(t.Context())
			wantError(t, err, tt.want)
			if !c.IsZero() || errors.Is(err, credential.ErrNotFound) {
				t.Errorf("got %v, %v", c, err)
			}
		})
	}
	_, err := credential.File{Username: in("user"), Password: in("nope")}.Credential(t.Context())
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v is not fs.ErrNotExist", err)
	}
}

func TestReader(t *testing.T) {
	for name, tt := range map[string]struct{ in, want string }{
		"line":          {hush + "\n", hush},
		"CRLF":          {hush + "\r\n", hush},
		"no line break": {hush, hush},
		"spaces stay":   {" a b ", " a b "},
		"colons stay":   {"a:b", "a:b"},
		"largest":       {strings.Repeat("x", 64<<10), strings.Repeat("x", 64<<10)},
	} {
		c, err := credential.Reader{Username: "ci", R: strings.NewReader(tt.in)}.Credential(t.Context())
		if err != nil || c.Username != "ci" || c.Password.Reveal() != tt.want || c.Source.String() != "standard input" {
			t.Errorf("%s: got %v, %v", name, c, err)
		}
	}
	for name, tt := range map[string]struct {
		r    credential.Reader
		want string
	}{
		"empty":     {credential.Reader{Username: "ci", R: strings.NewReader("")}, "standard input: empty"},
		"break":     {credential.Reader{Username: "ci", R: strings.NewReader("\r\n")}, "standard input: empty"},
		"two lines": {credential.Reader{Username: "ci", R: strings.NewReader(hush + "\n\n")}, "more than one line"},
		"too large": {credential.Reader{Username: "ci", R: strings.NewReader(strings.Repeat("x", 64<<10+1))}, "larger than 64 KiB"},
		"fails":     {credential.Reader{Username: "ci", R: iotest.ErrReader(fs.ErrClosed)}, "standard input: file already closed"},
		"no user":   {credential.Reader{R: strings.NewReader(hush)}, "pass --username"},
		"no reader": {credential.Reader{Username: "ci"}, "nothing to read"},
		"colon":     {credential.Reader{Username: "a:b", R: strings.NewReader(hush)}, "contains ':'"},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := tt.r.Credential(t.Context())
			wantError(t, err, tt.want)
			if !c.IsZero() {
				t.Errorf("got %v", c)
			}
		})
	}
}
