// SPDX-License-Identifier: Apache-2.0

package credential_test

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/regproof/regproof/credential"
)

// world is a home directory with files, an environment and helper programs on a PATH of their own.
type world struct {
	t    *testing.T
	home string
	env  map[string]string
}

func newWorld(t *testing.T, files map[string]string) *world {
	t.Helper()
	home := t.TempDir()
	w := &world{t: t, home: home, env: map[string]string{"XDG_RUNTIME_DIR": filepath.Join(home, "run")}}
	for name, content := range files {
		w.write(name, content, 0o600)
	}
	t.Setenv("HOME", home)
	t.Setenv("DOCKER_CONFIG", "")
	t.Setenv("PATH", filepath.Join(home, "bin"))
	return w
}

func (w *world) write(name, content string, mode os.FileMode) string {
	w.t.Helper()
	path := filepath.Join(w.home, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), mode); err != nil {
		w.t.Fatal(err)
	}
	return path
}

// helper puts a shell script on the PATH that logs the server it is asked for.
func (w *world) helper(name, body string) {
	w.t.Helper()
	if runtime.GOOS == "windows" {
		w.t.Skip("helper programs are shell scripts here")
	}
	w.write("bin/docker-credential-"+name, "#!/bin/sh\nPATH=/usr/bin:/bin\nread -r server\necho \"$1 $server\" >>"+w.home+"/asked\n"+body+"\n", 0o755)
}

// asked returns what the helpers were asked.
func (w *world) asked() string {
	data, _ := os.ReadFile(filepath.Join(w.home, "asked"))
	return string(data)
}

func (w *world) lookup(host string) credential.Lookup {
	return credential.Lookup{Host: host, Home: w.home, UID: 987654, Env: func(k string) string { return w.env[k] }}
}

func answers(user, secret string) string {
	return `printf '{"ServerURL":"%s","Username":"` + user + `","Secret":"` + secret + `"}\n' "$server"`
}

const saysNoEntry = `echo "credentials not found in native keychain"; exit 1`

func b64(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

// auths writes a configuration with user:password under each key, the user being the key's name in the test.
func auths(pairs ...string) string {
	var parts []string
	for i := 0; i < len(pairs); i += 2 {
		parts = append(parts, `"`+pairs[i]+`":{"auth":"`+b64(pairs[i+1]+":"+hush)+`"}`)
	}
	return `{"auths":{` + strings.Join(parts, ",") + `}}`
}

func wantError(t *testing.T, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want one with %q", parts)
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error %q does not contain %q", err, part)
		}
	}
	if strings.Contains(err.Error(), hush) {
		t.Errorf("error shows the secret: %q", err)
	}
	if strings.Contains(err.Error(), "\n") {
		t.Errorf("error has more than one line: %q", err)
	}
}
