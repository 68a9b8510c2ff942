// SPDX-License-Identifier: Apache-2.0

package credential_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/regproof/regproof/credential"
)

func TestLookupHelpers(t *testing.T) {
	const file = "~/.docker/config.json "
	all := func(extra string) string {
		return `{"credHelpers":{"` + host + `":"pass"},"credsStore":"desktop","auths":{"` + host + `":{"auth":"` + b64("file:"+hush) + `"}}` + extra + `}`
	}
	store := func(entry string) string {
		return `{"credsStore":"desktop","auths":{` + entry + `}}`
	}
	inFile := `"` + host + `":{"auth":"` + b64("file:"+hush) + `"}`
	for name, tt := range map[string]struct {
		config        string
		pass, desktop string // scripts; "" is not installed
		want          found
		tried         []string
		asked         string
	}{
		"credHelpers win":         {all(""), answers("pass", hush), answers("desktop", hush), found{"pass", file + `credHelpers["` + host + `"]="pass"`}, nil, "get " + host + "\n"},
		"credsStore over auths":   {store(inFile), "", answers("desktop", hush), found{"desktop", file + `credsStore="desktop"`}, nil, "get " + host + "\n"},
		"empty entry, store":      {store(`"` + host + `":{}`), "", answers("desktop", hush), found{"desktop", file + `credsStore="desktop"`}, nil, "get " + host + "\n"},
		"no entry, store":         {store(""), "", answers("desktop", hush), found{"desktop", file + `credsStore="desktop"`}, nil, "get " + host + "\n"},
		"store empty, auths":      {store(inFile), "", saysNoEntry, found{"file", file + `auths["` + host + `"]`}, []string{file + `credsStore="desktop": docker-credential-desktop has no entry for "` + host + `"`}, "get " + host + "\n"},
		"helper empty, next file": {all(""), saysNoEntry, answers("desktop", hush), found{"cfg", `~/.dockercfg auths["` + host + `"]`}, []string{file + `credHelpers["` + host + `"]="pass": docker-credential-pass has no entry for "` + host + `"`}, "get " + host + "\n"},
		"helper \"\" is the file": {`{"credHelpers":{"` + host + `":""},"credsStore":"desktop","auths":{` + inFile + `}}`, "", answers("desktop", hush), found{"file", file + `auths["` + host + `"]`}, nil, ""},
		"helper of another host":  {`{"credHelpers":{"other.example":"nope"},"auths":{` + inFile + `}}`, "", "", found{"file", file + `auths["` + host + `"]`}, nil, ""},
		"empty entry, no store":   {`{"auths":{"` + host + `":{}}}`, "", "", found{"cfg", `~/.dockercfg auths["` + host + `"]`}, []string{file + `auths["` + host + `"]: the entry is empty`}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, map[string]string{".docker/config.json": tt.config, ".dockercfg": `{"` + host + `":{"auth":"` + b64("cfg:"+hush) + `"}}`})
			if tt.pass != "" {
				w.helper("pass", tt.pass)
			}
			if tt.desktop != "" {
				w.helper("desktop", tt.desktop)
			}
			c, err := w.lookup(host).Credential(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, found{c.Username, c.Source.String()}); diff != "" {
				t.Error(diff)
			}
			tried := slices.DeleteFunc(c.Source.Tried, func(s string) bool { return strings.HasSuffix(s, "no such file") })
			if diff := cmp.Diff(tt.tried, tried, cmp.Transformer("nil", func(s []string) string { return strings.Join(s, "\n") })); diff != "" {
				t.Error(diff)
			}
			if got := w.asked(); got != tt.asked {
				t.Errorf("the helpers were asked %q, want %q", got, tt.asked)
			}
		})
	}
}

func TestLookupHubHelper(t *testing.T) {
	onlyFor := func(server string) string {
		return `[ "$server" = ` + server + ` ] || { ` + saysNoEntry + `; }; ` + answers("u", hush)
	}
	for name, tt := range map[string]struct{ file, config, server, asked string }{
		"docker's name":  {".docker/config.json", `{"credsStore":"x"}`, "https://index.docker.io/v1/", "get https://index.docker.io/v1/\n"},
		"podman's name":  {".config/containers/auth.json", `{"credHelpers":{"docker.io":"x"}}`, "docker.io", "get docker.io\n"},
		"the other name": {".docker/config.json", `{"credHelpers":{"https://index.docker.io/v1/":"x"}}`, "docker.io", "get https://index.docker.io/v1/\nget docker.io\n"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, map[string]string{tt.file: tt.config})
			w.helper("x", onlyFor(tt.server))
			c, err := w.lookup("registry-1.docker.io").Credential(t.Context())
			if err != nil || c.Username != "u" || w.asked() != tt.asked {
				t.Errorf("got %v, %v; asked %q", c, err, w.asked())
			}
		})
	}
}

// A helper that is missing or fails must never read as "no credential": other tools go on anonymously there.
func TestLookupHelperBroken(t *testing.T) {
	inFile := `"` + host + `":{"auth":"` + b64("file:"+hush) + `"}`
	for name, tt := range map[string]struct{ config, script, want string }{
		"credHelpers, missing": {`{"credHelpers":{"` + host + `":"ecr-login"}}`, "", `~/.docker/config.json credHelpers["` + host + `"]="ecr-login": docker-credential-ecr-login: not in PATH: install it`},
		"credHelpers, failing": {`{"credHelpers":{"` + host + `":"x"}}`, "echo boom >&2; exit 2", `docker-credential-x: exit status 2: "boom"`},
		"credsStore, missing":  {`{"credsStore":"desktop"}`, "", `~/.docker/config.json credsStore="desktop": docker-credential-desktop: not in PATH`},
		"store, auths, entry":  {`{"credsStore":"desktop","auths":{` + inFile + `}}`, "", "not in PATH"},
		"store, empty entry":   {`{"credsStore":"desktop","auths":{"` + host + `":{}}}`, "", "not in PATH"},
		"store, failing":       {`{"credsStore":"x"}`, "echo " + hush + "; exit 1", "exit status 1"},
		"store, bad JSON":      {`{"credsStore":"x"}`, "echo " + hush, "not JSON"},
		"a path as helper":     {`{"credsStore":"../../bin/x"}`, "", "not a name of a helper"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, map[string]string{".docker/config.json": tt.config, ".dockercfg": `{"` + host + `":{"auth":"` + b64("cfg:"+hush) + `"}}`})
			if tt.script != "" {
				w.helper("x", tt.script)
			}
			c, err := w.lookup(host).Credential(t.Context())
			wantError(t, err, tt.want)
			if !errors.Is(err, credential.ErrHelper) || errors.Is(err, credential.ErrNotFound) || !c.IsZero() {
				t.Errorf("got %v, %v", c, err)
			}
		})
	}
}
