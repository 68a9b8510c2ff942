// SPDX-License-Identifier: Apache-2.0

package clients_test

import (
	"net/url"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/regproof/regproof/clients"
)

func TestRepository(t *testing.T) {
	for name, tt := range map[string]struct {
		scope, prefix, repository, want string
	}{
		"as it is":                 {"", "", "team/app", "team/app"},
		"below a prefix":           {"", "proxy/", "team/app", "proxy/team/app"},
		"a scope is cut":           {"team/", "", "team/app", "app"},
		"a scope is replaced":      {"team/", "all/", "team/app", "all/app"},
		"the scope itself":         {"team/app/", "all/app/", "team/app", "all/app"},
		"the scope becomes nought": {"app/", "", "app", ""},
		"another scope":            {"team/", "all/", "teams/app", ""},
		"beside it":                {"team/", "all/", "app", ""},
	} {
		t.Run(name, func(t *testing.T) {
			got, ok := clients.Door{Scope: tt.scope, Prefix: tt.prefix}.Repository(tt.repository)
			if got != tt.want || ok != (tt.want != "") {
				t.Errorf("got %q %v, want %q", got, ok, tt.want)
			}
		})
	}
}

func TestOf(t *testing.T) {
	u := &url.URL{Scheme: "https", Host: "h"}
	door := func(host, scope, file string) clients.Door {
		return clients.Door{Host: host, Scope: scope, Prefix: "p/", File: file, URL: u}
	}
	res := clients.Result{Doors: []clients.Door{
		door("h", "", "1"), door("h", "a/b/", "2"), door("h", "a/", "3"), door("h", "a/b/", "4"), door("g", "a/b/", "5"), door("h", "", "6"),
	}}
	for repository, want := range map[string][]string{"x": {"1", "6"}, "a/x": {"3"}, "a/b/x": {"2", "4"}, "a/b": {"2", "4"}} {
		var got []string
		for _, d := range res.Of("h", repository) {
			got = append(got, d.File)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", repository, diff)
		}
	}
}

func TestReadArguments(t *testing.T) {
	for _, tt := range []struct {
		client     clients.Client
		root, host string
	}{
		{"crio", "", ""},
		{"", "", ""},
		{clients.Docker, "testdata/none", ""},
		{clients.Docker, "door_test.go", ""},
		{clients.Docker, "", "https://registry.corp.example"},
		{clients.Docker, "", "registry.corp.example/team"},
		{clients.Containerd, "", ".."},
		{clients.Containerd, "", "_default"},
		{clients.Podman, "", "*.corp.example"},
		{clients.Podman, "", "a b"},
		{clients.Podman, "", "a\nb"},
		{clients.Podman, "", "user@a"},
	} {
		if res, err := clients.Read(tt.client, tt.root, tt.host); err == nil {
			t.Errorf("%+v: no error: %+v", tt, res)
		}
	}
	for _, host := range []string{"", "localhost:5000", "[::1]:5000", "192.0.2.1", "Registry.corp.example"} {
		for _, c := range clients.All() {
			if _, err := clients.Read(c, t.TempDir(), host); err != nil {
				t.Errorf("%s %s: %v", c, host, err)
			}
		}
	}
}
