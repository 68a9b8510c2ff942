// SPDX-License-Identifier: Apache-2.0

package clients_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/regproof/regproof/clients"
	"github.com/regproof/regproof/internal/peer"
)

const userConf = "root/.config/containers/registries.conf"

// skopeo asks for a manifest with a home in which userConf is; whether it
// succeeds is not asked, since the registry of these tests has nothing.
func skopeo(t *testing.T, root, image string) (output string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, peer.Find(peer.Skopeo), "inspect", "--raw", "--no-creds", "docker://"+image)
	cmd.Env = []string{"HOME=" + filepath.Join(root, "root"), "PATH=" + os.Getenv("PATH")}
	out, _ := cmd.CombinedOutput()
	return string(out)
}

// registryOfNothing records the manifests it is asked for, over plain HTTP.
type registryOfNothing struct {
	mu    sync.Mutex
	asked []string
}

func (r *registryOfNothing) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	if repository, ok := strings.CutSuffix(strings.TrimPrefix(q.URL.Path, "/v2/"), "/manifests/v1"); ok {
		r.mu.Lock()
		r.asked = append(r.asked, repository)
		r.mu.Unlock()
	}
	if q.URL.Path != "/v2/" {
		http.NotFound(w, q)
	}
}

// TestSkopeoAsksTheDoors: for an image that no door has, skopeo asks for the very
// repositories that the doors say, in their order.
func TestSkopeoAsksTheDoors(t *testing.T) {
	peer.Need(t, peer.Skopeo)
	for name, tt := range map[string]struct{ image, conf string }{
		"a location": {"registry.corp.example/team/app", `
[[registry]]
prefix = "registry.corp.example"
location = "SERVER/all"
insecure = true`},
		"the longest prefix": {"registry.corp.example/team/app", `
[[registry]]
prefix = "registry.corp.example"
location = "SERVER/all"
insecure = true
[[registry]]
prefix = "registry.corp.example/team"
location = "SERVER/ours"
insecure = true`},
		"the prefix is the repository": {"registry.corp.example/team/app", `
[[registry]]
prefix = "registry.corp.example/team/app"
location = "SERVER/one/image"
insecure = true`},
		"no part of a name": {"registry.corp.example/teams/app", `
[[registry]]
prefix = "registry.corp.example/team"
location = "SERVER/wrong"
insecure = true
[[registry]]
prefix = "registry.corp.example"
location = "SERVER/right"
insecure = true`},
		"mirrors first": {"registry.corp.example/team/app", `
[[registry]]
prefix = "registry.corp.example"
location = "SERVER/origin"
insecure = true
[[registry.mirror]]
location = "SERVER/two"
insecure = true
[[registry.mirror]]
location = "SERVER/one"
insecure = true`},
		"mirrors for digests": {"registry.corp.example/team/app", `
[[registry]]
prefix = "registry.corp.example"
location = "SERVER/origin"
insecure = true
[[registry.mirror]]
location = "SERVER/digests"
insecure = true
pull-from-mirror = "digest-only"
[[registry.mirror]]
location = "SERVER/tags"
insecure = true
pull-from-mirror = "tag-only"`},
		"mirrors for digests alone": {"registry.corp.example/team/app", `
[[registry]]
prefix = "registry.corp.example"
location = "SERVER/origin"
insecure = true
mirror-by-digest-only = true
[[registry.mirror]]
location = "SERVER/digests"
insecure = true`},
		"a wildcard": {"a.b.corp.example/team/app", `
[[registry]]
prefix = "*.corp.example"
location = "SERVER/all"
insecure = true`},
		"a wildcard with another port": {"a.corp.example:5000/team/app", `
[[registry]]
prefix = "*.corp.example"
location = "SERVERHOST"
insecure = true
[[registry]]
prefix = "a.corp.example:5000"
location = "SERVER/exact"
insecure = true`},
		"a mirror of a name that is blocked": {"registry.corp.example/team/app", `
[[registry]]
prefix = "registry.corp.example"
location = "SERVER/origin"
insecure = true
[[registry.mirror]]
location = "SERVER/blocked"
insecure = true
[[registry]]
location = "SERVER/blocked"
blocked = true
insecure = true`},
		"a blocked registry": {"registry.corp.example/team/app", `
[[registry]]
prefix = "registry.corp.example"
location = "SERVER/blocked"
insecure = true
blocked = true`},
		"a blocked location": {"registry.corp.example/team/app", `
[[registry]]
prefix = "registry.corp.example/team"
location = "SERVER/blocked"
insecure = true
[[registry]]
prefix = "SERVER"
location = "SERVER"
insecure = true
blocked = true`},
		"keys in other letters": {"registry.corp.example/team/app", `
[[Registry]]
PREFIX = "registry.corp.example"
Location = "SERVER/all"
Insecure = true`},
		"the first of two": {"registry.corp.example/team/app", `
[[registry]]
prefix = "registry.corp.example"
location = "SERVER/first"
insecure = true
[[registry]]
prefix = "registry.corp.example"
location = "SERVER/second"
insecure = true`},
		"drop-ins": {"registry.corp.example/team/app", `
[[registry]]
prefix = "registry.corp.example/team"
location = "SERVER/main"
insecure = true
--- next file
[[registry]]
prefix = "registry.corp.example/team"
location = "SERVER/first"
insecure = true
--- next file
[[registry]]
prefix = "registry.corp.example/team"
location = "SERVER/second"
insecure = true
[[registry.mirror]]
location = "SERVER/mirror"
insecure = true
--- next file
[[registry]]
prefix = "registry.corp.example/team/app"
location = "SERVER/no-conf"
insecure = true`},
		"a mirror that is to be verified": {"registry.corp.example/team/app", `
[[registry]]
prefix = "registry.corp.example"
location = "SERVER/origin"
insecure = true
[[registry.mirror]]
location = "SERVER/mirror"`},
	} {
		t.Run(name, func(t *testing.T) {
			var nothing registryOfNothing
			server := httptest.NewServer(&nothing)
			defer server.Close()
			addr := server.Listener.Addr().String()
			host, _, _ := strings.Cut(addr, ":")
			root := t.TempDir()
			for i, text := range strings.Split(strings.NewReplacer("SERVERHOST", host, "SERVER", addr).Replace(tt.conf), "--- next file\n") {
				write(t, root, []string{userConf, userConf + ".d/1.conf", userConf + ".d/2.conf", userConf + ".d/3.txt"}[i], []byte(text))
			}
			output := skopeo(t, root, tt.image+":v1")
			name, repository, _ := strings.Cut(tt.image, "/")
			res, err := clients.Read(clients.Podman, root, name)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(askedOf(res.Of(name, repository), addr, repository), nothing.asked); diff != "" {
				t.Errorf("-doors +asked\n%s%s", diff, output)
			}
		})
	}
}

// askedOf is what a tag is looked for by at a server of plain HTTP: at the doors
// that resolve tags, where the client would go on without TLS.
func askedOf(doors []clients.Door, addr, repository string) (want []string) {
	for _, d := range doors {
		name, ok := d.Repository(repository)
		resolves := len(d.Capabilities) == 0 || strings.Contains(strings.Join(d.Capabilities, " "), "resolve")
		if ok && d.Role == clients.Plain && d.URL.Host == addr && resolves {
			want = append(want, name)
		}
	}
	return want
}

// TestSkopeoRefuses: skopeo refuses every file of which a problem says so, and takes the others.
func TestSkopeoRefuses(t *testing.T) {
	peer.Need(t, peer.Skopeo)
	archive, err := txtar.ParseFile("testdata/podman/malformed.txtar")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range archive.Files {
		if f.Name == "want" {
			continue
		}
		t.Run(filepath.Base(f.Name), func(t *testing.T) {
			root := t.TempDir()
			write(t, root, userConf, f.Data)
			says := false
			for _, p := range read(t, clients.Podman, root).Problems {
				says = says || strings.Contains(p.Text, "podman refuses every registry")
			}
			output := skopeo(t, root, "127.0.0.1:1/team/app:v1")
			if refuses := strings.Contains(output, "loading registries"); refuses != says {
				t.Errorf("skopeo refuses: %v, the problem says so: %v\n%s", refuses, says, output)
			}
		})
	}
}
