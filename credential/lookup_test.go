// SPDX-License-Identifier: Apache-2.0

package credential_test

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/regproof/regproof/credential"
)

const host = "registry.corp.example"

// found is what a lookup must say: the user name tells which entry answered.
type found struct{ User, Source string }

// TestLookupOrder takes one place away after the other.
func TestLookupOrder(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the order of Linux")
	}
	w := newWorld(t, map[string]string{
		"named.json":                     auths(host, "named"),
		"env.json":                       auths(host, "env"),
		"run/containers/auth.json":       auths(host, "run"),
		"xdg/containers/auth.json":       auths(host, "xdg"),
		".config/containers/auth.json":   auths(host, "config"),
		"dockerdir/config.json":          auths(host, "dockerdir"),
		".docker/config.json":            auths(host, "docker"),
		".dockercfg":                     `{"https://` + host + `/v1/":{"auth":"` + b64("cfg:"+hush) + `"}}`,
		"other/containers/somethingelse": "",
	})
	l := w.lookup(host)
	l.AuthFile = filepath.Join(w.home, "named.json")
	w.env["REGISTRY_AUTH_FILE"] = filepath.Join(w.home, "env.json")
	w.env["XDG_CONFIG_HOME"] = filepath.Join(w.home, "xdg")
	w.env["DOCKER_CONFIG"] = filepath.Join(w.home, "dockerdir")
	w.env["DOCKER_AUTH_CONFIG"] = auths(host, "dockerenv")
	auth := ` auths["` + host + `"]`
	for _, step := range []struct {
		want   found
		tried  int
		remove func()
	}{
		{found{"named", filepath.Join(w.home, "named.json") + auth}, 0, func() { l.AuthFile = "" }},
		{found{"env", "~/env.json ($REGISTRY_AUTH_FILE)" + auth}, 0, func() { delete(w.env, "REGISTRY_AUTH_FILE") }},
		{found{"run", "~/run/containers/auth.json" + auth}, 0, func() { w.write("run/containers/auth.json", `{}`, 0o600) }},
		{found{"xdg", "~/xdg/containers/auth.json" + auth}, 1, func() { delete(w.env, "XDG_CONFIG_HOME") }},
		{found{"config", "~/.config/containers/auth.json" + auth}, 1, func() { _ = os.Remove(filepath.Join(w.home, ".config/containers/auth.json")) }},
		{found{"dockerenv", "$DOCKER_AUTH_CONFIG" + auth}, 2, func() { delete(w.env, "DOCKER_AUTH_CONFIG") }},
		{found{"dockerdir", "~/dockerdir/config.json" + auth}, 2, func() { delete(w.env, "DOCKER_CONFIG") }},
		{found{"docker", "~/.docker/config.json" + auth}, 2, func() { w.write(".docker/config.json", auths("other.example", "x"), 0o600) }},
		{found{"cfg", `~/.dockercfg auths["https://` + host + `/v1/"]`}, 3, func() {}},
	} {
		c, err := l.Credential(t.Context())
		if err != nil {
			t.Fatalf("%v: %v", step.want, err)
		}
		if diff := cmp.Diff(step.want, found{c.Username, c.Source.String()}); diff != "" {
			t.Error(diff)
		}
		if len(c.Source.Tried) != step.tried || c.Password.Reveal() != hush {
			t.Errorf("%s: tried %q", c.Source, c.Source.Tried)
		}
		step.remove()
	}
}

func TestLookupTriesInOrder(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the order of Linux")
	}
	w := newWorld(t, map[string]string{".docker/config.json": auths("other.example", "x")})
	delete(w.env, "XDG_RUNTIME_DIR")
	c, err := w.lookup("HTTPS://" + strings.ToUpper(host) + "/v2/").Credential(t.Context())
	wantError(t, err, `no credential for "`+host+`": log in with docker or podman, or name a source`, "~/.config/containers/auth.json: no such file; ~/.docker/config.json: no entry")
	if !errors.Is(err, credential.ErrNotFound) || errors.Is(err, credential.ErrHelper) || !c.IsZero() {
		t.Errorf("got %v, %v", c, err)
	}
	want := []string{
		"/run/containers/987654/auth.json: no such file",
		"~/.config/containers/auth.json: no such file",
		`~/.docker/config.json: no entry for "registry.corp.example"`,
		"~/.dockercfg: no such file",
	}
	if diff := cmp.Diff(want, c.Source.Tried); diff != "" {
		t.Error(diff)
	}
}

func TestLookupKeys(t *testing.T) {
	for name, tt := range map[string]struct {
		config string
		podman bool
		host   string
		repo   string
		want   string // user name
	}{
		"host":                      {auths(host, "a"), false, host, "", "a"},
		"host and port":             {auths(host, "a", host+":5000", "b"), false, host + ":5000", "", "b"},
		"upper case asked":          {auths(host, "a"), false, strings.ToUpper(host), "", "a"},
		"upper case key":            {auths("Registry.Corp.Example", "a"), false, host, "", "a"},
		"scheme in the key":         {auths("https://"+host, "a"), false, host, "", "a"},
		"http in the key":           {auths("http://"+host+"/", "a"), false, host, "", "a"},
		"v1 key":                    {auths("https://"+host+"/v1/", "a"), false, host, "", "a"},
		"v2 key":                    {auths("https://"+host+"/v2/", "a"), false, host, "", "a"},
		"exact before legacy":       {auths("https://"+host+"/v1/", "a", host, "b"), false, host, "", "b"},
		"legacy twice the same":     {auths("https://"+host+"/v1/", "a", "https://"+host+"/v2/", "a"), false, host, "", "a"},
		"repository":                {auths(host, "a", host+"/t", "b", host+"/t/app", "c"), true, host, "t/app", "c"},
		"namespace":                 {auths(host, "a", host+"/t", "b", host+"/t/other", "c"), true, host, "t/app", "b"},
		"part of a segment is none": {auths(host, "a", host+"/t", "b"), true, host, "team/app", "a"},
		"no repository":             {auths(host, "a", host+"/t", "b"), true, host, "", "a"},
		"deep":                      {auths(host, "a", host+"/t/u", "b"), true, host, "t/u/v/w", "b"},
		"namespace in docker's":     {auths(host, "a", host+"/t", "b"), false, host, "t/app", "b"},
		"namespace named v1":        {auths(host, "a", host+"/v1", "b"), true, host, "v1/app", "b"},
		"hub, docker's key":         {auths("https://index.docker.io/v1/", "a"), false, "docker.io", "", "a"},
		"hub, API host":             {auths("https://index.docker.io/v1/", "a"), false, "registry-1.docker.io", "", "a"},
		"hub, index host":           {auths("docker.io", "a"), true, "index.docker.io", "", "a"},
		"hub, both, docker":         {auths("docker.io", "a", "https://index.docker.io/v1/", "b"), false, "docker.io", "", "b"},
		"hub, both, podman":         {auths("docker.io", "a", "https://index.docker.io/v1/", "b"), true, "docker.io", "", "a"},
		"hub, tokens beside":        {auths("https://index.docker.io/v1/access-token", "a", "https://index.docker.io/v1/", "b", "https://index.docker.io/v1/refresh-token", "c"), false, "docker.io", "", "b"},
		"hub, namespace":            {auths("docker.io", "a", "docker.io/acme", "b"), true, "registry-1.docker.io", "acme/app", "b"},
	} {
		t.Run(name, func(t *testing.T) {
			file := ".docker/config.json"
			if tt.podman {
				file = ".config/containers/auth.json"
			}
			l := newWorld(t, map[string]string{file: tt.config}).lookup(tt.host)
			l.Repository = tt.repo
			c, err := l.Credential(t.Context())
			if err != nil || c.Username != tt.want {
				t.Errorf("got %q from %s, %v; want %q", c.Username, c.Source, err, tt.want)
			}
		})
	}
}

func TestLookupOtherHosts(t *testing.T) {
	for name, key := range map[string]string{
		"other port":        host + ":5000",
		"default port":      host + ":443",
		"subdomain":         "a." + host,
		"suffix":            "x" + host,
		"prefix":            host + ".evil.example",
		"path with scheme":  "https://" + host + "/other/",
		"user in the key":   "https://x@" + host,
		"namespace":         host + "/team",
		"hub is not a host": "docker.io",
	} {
		t.Run(name, func(t *testing.T) {
			c, err := newWorld(t, map[string]string{".docker/config.json": auths(key, "a")}).lookup(host).Credential(t.Context())
			if !errors.Is(err, credential.ErrNotFound) || !c.IsZero() {
				t.Errorf("got %v, %v", c, err)
			}
		})
	}
}

// The Kelvin sign lowers to k in Unicode; a host with it is another host.
func TestLookupUnicodeHost(t *testing.T) {
	c, err := newWorld(t, map[string]string{".docker/config.json": auths("\u212aiwi.example", "a")}).lookup("kiwi.example").Credential(t.Context())
	if !errors.Is(err, credential.ErrNotFound) || !c.IsZero() {
		t.Errorf("got %v, %v", c, err)
	}
}

// A key with a scheme is a host that docker wrote, or else nothing: no namespace.
func TestLookupPathWithScheme(t *testing.T) {
	l := newWorld(t, map[string]string{".docker/config.json": auths("https://"+host+"/t", "a")}).lookup(host)
	l.Repository = "t/app"
	if c, err := l.Credential(t.Context()); !errors.Is(err, credential.ErrNotFound) {
		t.Errorf("got %v, %v", c, err)
	}
}

func TestLookupHubInDockerConfigDir(t *testing.T) {
	w := newWorld(t, map[string]string{"d/config.json": auths("docker.io", "a", "https://index.docker.io/v1/", "b")})
	w.env["DOCKER_CONFIG"] = filepath.Join(w.home, "d")
	if c, err := w.lookup("docker.io").Credential(t.Context()); err != nil || c.Username != "b" {
		t.Errorf("got %v, %v", c, err)
	}
}

func TestLookupUnreadable(t *testing.T) {
	t.Run("directory", func(t *testing.T) {
		w := newWorld(t, map[string]string{".docker/config.json/x": ""})
		_, err := w.lookup(host).Credential(t.Context())
		wantError(t, err, "~/.docker/config.json: is a directory: make it a readable file, or name another one")
	})
	t.Run("below a file", func(t *testing.T) {
		w := newWorld(t, map[string]string{".docker": ""})
		_, err := w.lookup(host).Credential(t.Context())
		wantError(t, err, "~/.docker/config.json: not a directory")
	})
	if os.Getuid() > 0 { // root may read everything, and Windows has no mode bits
		t.Run("no permission", func(t *testing.T) {
			w := newWorld(t, nil)
			w.write(".docker/config.json", auths(host, "a"), 0)
			_, err := w.lookup(host).Credential(t.Context())
			wantError(t, err, "~/.docker/config.json: permission denied")
		})
	}
	t.Run("named, missing", func(t *testing.T) {
		w := newWorld(t, map[string]string{".docker/config.json": auths(host, "a")})
		l := w.lookup(host)
		l.AuthFile = filepath.Join(w.home, "nope.json")
		_, err := l.Credential(t.Context())
		wantError(t, err, "nope.json: no such file or directory: make it")
		l.AuthFile, w.env["REGISTRY_AUTH_FILE"] = "", filepath.Join(w.home, "nope.json")
		_, err = l.Credential(t.Context())
		wantError(t, err, "~/nope.json ($REGISTRY_AUTH_FILE): no such file or directory: make it")
		if errors.Is(err, credential.ErrNotFound) {
			t.Error("a named file that is missing reads as not found")
		}
	})
	t.Run("named, without the host", func(t *testing.T) {
		w := newWorld(t, map[string]string{".docker/config.json": auths(host, "a"), "n.json": "{}"})
		l := w.lookup(host)
		l.AuthFile = filepath.Join(w.home, "n.json")
		c, err := l.Credential(t.Context())
		if !errors.Is(err, credential.ErrNotFound) || len(c.Source.Tried) != 1 {
			t.Errorf("got %v, %v", c, err)
		}
	})
	t.Run("variable", func(t *testing.T) {
		w := newWorld(t, nil)
		w.env["DOCKER_AUTH_CONFIG"] = "{"
		_, err := w.lookup(host).Credential(t.Context())
		wantError(t, err, "$DOCKER_AUTH_CONFIG:1:2: the JSON ends too early")
	})
}

func TestLookupHost(t *testing.T) {
	for _, bad := range []string{"", "https://", "/x", "a b", "u@h"} {
		_, err := credential.Lookup{Host: bad}.Credential(t.Context())
		wantError(t, err, "is not a registry host: expected HOST or HOST:PORT")
	}
}

func TestLookupNotesOpenFiles(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no mode bits")
	}
	w := newWorld(t, nil)
	w.write(".docker/config.json", auths(host, "a"), 0o644)
	c, err := w.lookup(host).Credential(t.Context())
	if err != nil || c.Source.Note != "readable by everyone" {
		t.Errorf("got %s, %v", c.Source, err)
	}
}
