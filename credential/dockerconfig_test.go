// SPDX-License-Identifier: Apache-2.0

package credential_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/regproof/regproof/credential"
)

func TestDockerConfig(t *testing.T) {
	config := `{"credHelpers":{"helped.example":"x"},"auths":{
		"` + host + `":{"auth":"` + b64("host:"+hush) + `"},
		"https://` + host + `/v1/":{"auth":"` + b64("legacy:"+hush) + `"},
		"` + host + `/team":{"auth":"` + b64("team:"+hush) + `"}}}`
	w := newWorld(t, map[string]string{"c.json": config, ".docker/config.json": auths(host, "default")})
	w.helper("x", answers("helped", hush))
	path := filepath.Join(w.home, "c.json")
	for name, tt := range map[string]struct {
		d    credential.DockerConfig
		want found
	}{
		"by host":       {credential.DockerConfig{Path: path, Host: "https://" + host}, found{"host", path + ` auths["` + host + `"]`}},
		"by key":        {credential.DockerConfig{Path: path, Key: host + "/team"}, found{"team", path + ` auths["` + host + `/team"]`}},
		"exact key":     {credential.DockerConfig{Path: path, Key: "https://" + host + "/v1/"}, found{"legacy", path + ` auths["https://` + host + `/v1/"]`}},
		"key over host": {credential.DockerConfig{Path: path, Key: host, Host: "helped.example"}, found{"host", path + ` auths["` + host + `"]`}},
		"helper":        {credential.DockerConfig{Path: path, Key: "helped.example"}, found{"helped", path + ` credHelpers["helped.example"]="x"`}},
		"~":             {credential.DockerConfig{Path: "~/c.json", Key: host}, found{"host", `~/c.json auths["` + host + `"]`}},
		"default file":  {credential.DockerConfig{Host: host}, found{"default", `~/.docker/config.json auths["` + host + `"]`}},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := tt.d.Credential(t.Context())
			if got := (found{c.Username, c.Source.String()}); err != nil || got != tt.want {
				t.Errorf("got %v, %v; want %v", got, err, tt.want)
			}
		})
	}
	t.Setenv("DOCKER_CONFIG", filepath.Join(w.home, "nowhere"))
	_, err := credential.DockerConfig{Host: host}.Credential(t.Context())
	wantError(t, err, "~/nowhere/config.json: no such file or directory")
}

func TestDockerConfigErrors(t *testing.T) {
	w := newWorld(t, map[string]string{
		"c.json": auths(host, "a"), "empty.json": `{"auths":{"` + host + `":{}}}`,
		"store.json": `{"credsStore":"x"}`, "broken.json": "{",
	})
	w.helper("x", saysNoEntry)
	in := func(name string) string { return filepath.Join(w.home, name) }
	for name, tt := range map[string]struct {
		d    credential.DockerConfig
		want string
	}{
		"no file":           {credential.DockerConfig{Path: in("nope"), Key: host}, in("nope") + ": no such file or directory"},
		"no key":            {credential.DockerConfig{Path: in("c.json"), Key: "https://" + host}, `no secret for "https://` + host + `": log in, or name another key; looked at: ` + in("c.json") + ": no entry"},
		"case of the key":   {credential.DockerConfig{Path: in("c.json"), Key: strings.ToUpper(host)}, "no secret for"},
		"no host":           {credential.DockerConfig{Path: in("c.json"), Host: "other.example"}, `no secret for "other.example"`},
		"neither":           {credential.DockerConfig{Path: in("c.json")}, "is not a registry host"},
		"empty entry":       {credential.DockerConfig{Path: in("empty.json"), Key: host}, "the entry is empty"},
		"store has nothing": {credential.DockerConfig{Path: in("store.json"), Key: host}, "docker-credential-x has no entry"},
		"broken":            {credential.DockerConfig{Path: in("broken.json"), Key: host}, "broken.json:1:2: the JSON ends too early"},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := tt.d.Credential(t.Context())
			wantError(t, err, tt.want)
			if !c.IsZero() || errors.Is(err, credential.ErrNotFound) {
				t.Errorf("got %v, %v", c, err)
			}
		})
	}
}

func FuzzConfig(f *testing.F) {
	for _, s := range []string{
		auths(host, "a"), auths("https://"+host+"/v1/", "a", host+"/t", "b"), `{"auths":{"` + host + `":{}}}`,
		`{"auths":{"` + host + `":null}}`, `{"auths":null}`, "null", "", "[]", "{", `{"` + host + `":{"auth":"Og=="}}`,
		`{"auths":{"` + host + `":{"username":"u","password":"p","identitytoken":"i","registrytoken":"t"}}}`,
		`{"credHelpers":{"":""},"credsStore":"x"}`, "\xef\xbb\xbf{}", `{"auths":{"https://":{},"/":{},"//":{}}}`,
	} {
		f.Add([]byte(s), true, host, "t/app")
		f.Add([]byte(s), false, "docker.io", "/")
	}
	f.Fuzz(func(t *testing.T, data []byte, legacy bool, host, repo string) {
		c, err := credential.FindInConfig(data, legacy, host, repo)
		if err != nil && !c.IsZero() {
			t.Errorf("an error, and %v", c)
		}
		if err == nil && c.Password.IsZero() && c.Token.IsZero() && c.Refresh.IsZero() {
			t.Errorf("no error, and no secret: %v", c)
		}
		if p := c.Password.Reveal(); len(p) > 12 && strings.Contains(fmt.Sprintf("%+v", c), p) && !strings.Contains(c.Username+c.Source.Key, p) {
			t.Errorf("printed %+v", c)
		}
	})
}
