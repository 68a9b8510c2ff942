// SPDX-License-Identifier: Apache-2.0

package clients_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/regproof/regproof/clients"
)

const (
	hosts   = "etc/containerd/certs.d/registry.corp.example/hosts.toml"
	conf    = "etc/containers/registries.conf"
	daemon  = "etc/docker/daemon.json"
	config  = "etc/containerd/config.toml"
	private = "registry.corp.example"
)

func write(t testing.TB, root, name string, data []byte) {
	t.Helper()
	p := filepath.Join(root, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(p, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

// wantProblem holds a result to a problem with all of some words.
func wantProblem(t *testing.T, res clients.Result, words ...string) {
	t.Helper()
next:
	for _, p := range res.Problems {
		for _, w := range words {
			if !strings.Contains(p.String(), w) {
				continue next
			}
		}
		return
	}
	t.Errorf("no problem with %q: %v", words, res.Problems)
}

func read(t *testing.T, c clients.Client, root string) clients.Result {
	t.Helper()
	res, err := clients.Read(c, root, "")
	if err != nil {
		t.Fatal(err)
	}
	return res
}

// TestBounds: what is too large, too many or no file at all is a problem.
func TestBounds(t *testing.T) {
	many := func(n int, format string) []byte {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, format, i)
		}
		return []byte(b.String())
	}
	for name, tt := range map[string]struct {
		client clients.Client
		file   string
		data   []byte
		want   string
	}{
		"hosts.toml larger than 1 MiB":      {clients.Containerd, hosts, many(1<<16, "# %0999d\n"), "larger than 1024 KiB"},
		"registries.conf larger than 1 MiB": {clients.Podman, conf, many(1<<16, "# %0999d\n"), "larger than 1024 KiB"},
		"daemon.json larger than 1 MiB":     {clients.Docker, daemon, many(1<<16, "# %0999d\n"), "larger than 1024 KiB"},
		"hosts":                             {clients.Containerd, hosts, many(1001, "[host.\"https://m%d\"]\n"), "more than 1000 entries"},
		"endpoints":                         {clients.Containerd, config, []byte("[plugins.cri.registry.mirrors.a]\nendpoint = [" + string(many(1001, "\"m%d\",")) + "]"), "more than 1000 entries"},
		"registries":                        {clients.Podman, conf, many(1001, "[[registry]]\nlocation = \"m%d\"\n"), "more than 1000 entries"},
		"insecure-registries":               {clients.Docker, daemon, []byte(`{"insecure-registries": ["m"` + string(many(1001, ",\n\"m%d\"")) + "]}"), "too many entries"},
		"not UTF-8":                         {clients.Podman, conf, []byte("a = \"\xff\""), "not UTF-8"},
		"deep TOML":                         {clients.Podman, conf, []byte("a = " + strings.Repeat("[", 1<<19)), "not valid TOML"},
		"deep JSON":                         {clients.Docker, daemon, []byte(`{"a": ` + strings.Repeat("[", 1<<19)), "not valid JSON"},
		"a name that is none":               {clients.Podman, conf, []byte("[[registry]]\nlocation = \"a b\\u001b/c\"\n"), "conf:2: \"a b\\x1b"},
	} {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			write(t, root, tt.file, tt.data)
			wantProblem(t, read(t, tt.client, root), tt.want)
		})
	}
}

// TestManyDoors: every mirror for every host is more than anybody can use.
func TestManyDoors(t *testing.T) {
	root := t.TempDir()
	var b strings.Builder
	fmt.Fprint(&b, "[plugins.cri.registry.mirrors.\"*\"]\nendpoint = [")
	for i := range 500 {
		fmt.Fprintf(&b, "\"http://m%d\",", i)
	}
	fmt.Fprint(&b, "]\n")
	for i := range 500 {
		fmt.Fprintf(&b, "[plugins.cri.registry.configs.h%d.tls]\n", i)
	}
	write(t, root, config, []byte(b.String()))
	res := read(t, clients.Containerd, root)
	wantProblem(t, res, "more than 5000 doors or weaknesses")
	if len(res.Doors) > 5000 || len(res.Weaknesses) > 5000 {
		t.Errorf("%d doors, %d weaknesses", len(res.Doors), len(res.Weaknesses))
	}
}

// TestManyFiles: a folder with too many names, and too many files in all.
func TestManyFiles(t *testing.T) {
	root := t.TempDir()
	for i := range 999 {
		write(t, root, fmt.Sprintf("etc/containers/registries.conf.d/%d.conf", i), nil)
	}
	for i := range 3 {
		write(t, root, fmt.Sprintf("root/.config/containers/registries.conf.d/%d.conf", i), nil)
	}
	wantProblem(t, read(t, clients.Podman, root), "2.conf", "1000 files were read before it")
	for i := range 3 {
		write(t, root, fmt.Sprintf("etc/containers/registries.conf.d/x%d.conf", i), nil)
	}
	wantProblem(t, read(t, clients.Podman, root), "registries.conf.d", "more than 1000 files")
}

// TestNotAFile: a folder in the place of a file, and files that may not be read.
func TestNotAFile(t *testing.T) {
	for client, file := range map[clients.Client]string{clients.Containerd: hosts, clients.Podman: conf, clients.Docker: daemon} {
		t.Run(string(client), func(t *testing.T) {
			root := t.TempDir()
			write(t, root, file+"/x", nil)
			wantProblem(t, read(t, client, root), file+": not a regular file")
			if os.Getuid() == 0 { // who may read everything
				return
			}
			root = t.TempDir()
			write(t, root, file, nil)
			if err := os.Chmod(filepath.Join(root, file), 0); err != nil {
				t.Fatal(err)
			}
			wantProblem(t, read(t, client, root), file+": permission denied")
		})
	}
}

// TestHome: without a root the files are this machine's and this user's.
func TestHome(t *testing.T) {
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("XDG_CONFIG_HOME", "")
	write(t, home, ".config/containers/registries.conf", []byte("[[registry]]\nlocation = \""+private+"\"\ninsecure = true\n"))
	res, err := clients.Read(clients.Podman, "", private)
	if err != nil || len(res.Weaknesses) != 1 || res.Weaknesses[0].File != home+"/.config/containers/registries.conf" {
		t.Errorf("%+v %v", res, err)
	}
	t.Setenv("XDG_CONFIG_HOME", home+"/xdg")
	if res, err = clients.Read(clients.Podman, "", private); err != nil || len(res.Weaknesses) != 0 {
		t.Errorf("%+v %v", res, err)
	}
}
