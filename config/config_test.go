// SPDX-License-Identifier: Apache-2.0

package config_test

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/regproof/regproof/config"
)

var opts = cmp.Options{
	cmpopts.IgnoreUnexported(config.File{}),
	cmp.Comparer(func(a, b netip.Addr) bool { return a == b }),
	cmpopts.EquateComparable(netip.AddrPort{}),
}

func TestLoadEveryKey(t *testing.T) {
	t.Setenv("HOME", "/home/op")
	file := filepath.Join("testdata", "valid.yaml")
	got, err := config.Load(file)
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(data)
	want := &config.File{
		Path: file, SHA256: hex.EncodeToString(sum[:]), Version: 1,
		Registries: []config.Registry{{
			Name: "corp", URL: "https://Registry.corp.example:443/", Base: base("https", "registry.corp.example"), Type: "harbor",
			Endpoints: []config.Endpoint{
				{URL: "https://mirror.corp.example", Base: base("https", "mirror.corp.example"), Role: config.Alias, Expect: config.Same, Pos: at(8, 9)},
				{URL: "https://registry.corp.example", Base: base("https", "registry.corp.example"), Address: netip.MustParseAddr("10.0.4.8"), Role: config.Alias, Expect: config.Same, Pos: at(9, 9)},
				{URL: "https://cache.corp.example", Base: base("https", "cache.corp.example"), Role: config.Cache, Prefix: "dockerproxy/", Expect: config.Same, Pos: at(10, 9)},
				{URL: "http://registry.corp.example", Base: base("http", "registry.corp.example"), Role: config.Plain, Expect: config.Public, Pos: at(11, 9)},
			},
			Tokens: config.Tokens{
				OtherRealms: []string{"https://auth.test.example/token"}, SigningKey: path("issuer.pem", "testdata/issuer.pem"), PublicKey: path("issuer-public.pem", "testdata/issuer-public.pem"), KeyID: "k1",
			},
			TLS:       config.TLS{CA: path("corp-ca.pem", "testdata/corp-ca.pem"), MinVersion: "1.3", Mutual: true},
			Rate:      config.Rate{PerSecond: 2.5, Concurrent: 8},
			Redirects: []string{"minio.corp.example", "s3.corp.example:9000"},
			Pos:       at(4, 5),
		}, {
			Name: "lab", URL: "http://[::1]:5000", Base: base("http", "[::1]:5000"), Type: config.Auto,
			TLS: config.TLS{MinVersion: "1.2"}, Rate: config.Rate{Concurrent: 32}, Pos: at(16, 5),
		}},
		Identities: []config.Identity{{
			Name: "ci", For: []string{"corp"}, Origins: []string{"https://mirror.corp.example"}, Realms: []string{"https://auth.corp.example:8443"},
			From:   &config.Source{Env: &config.Env{User: "CI_USER", Password: "CI_PASSWORD"}, Pos: at(23, 11)},
			Groups: []string{"builders", "PRS"}, Pos: at(19, 5),
		}, {
			Name: "bot", For: []string{"corp", "lab"},
			From: &config.Source{Env: &config.Env{Token: "BOT_TOKEN"}, Pos: at(27, 11)},
			Cert: &config.Certificate{Cert: path("certs/bot.pem", "testdata/certs/bot.pem"), Key: path("/etc/regproof/bot.key", "/etc/regproof/bot.key")},
			Pos:  at(25, 5),
		}, {
			Name: "dev", For: []string{"lab"}, Origins: []string{"http://lab.corp.example"}, PlainHTTP: true,
			From: &config.Source{DockerConfig: &config.DockerConfig{Path: path("~/.docker/config.json", "/home/op/.docker/config.json"), Key: "lab.corp.example"}, Pos: at(33, 11)},
			Pos:  at(29, 5),
		}, {
			Name: "helper", For: []string{"corp"},
			From: &config.Source{CredentialHelper: &config.CredentialHelper{Name: "ecr-login", Server: "registry.corp.example"}, Pos: at(36, 11)},
			Pos:  at(34, 5),
		}, {
			Name: "filed", For: []string{"corp"},
			From: &config.Source{File: &config.SecretFile{Username: path("../secrets/user", "secrets/user"), Password: path("../secrets/password", "secrets/password")}, Pos: at(39, 11)},
			Pos:  at(37, 5),
		}, {
			Name: "machine", For: []string{"corp"},
			Cert: &config.Certificate{Cert: path("c.pem", "testdata/c.pem"), Key: path("k.pem", "testdata/k.pem"), CA: &config.TestAuthority{
				Cert: path("test-ca.pem", "testdata/test-ca.pem"), Key: path("test-ca.key", "testdata/test-ca.key"),
			}},
			Pos: at(40, 5),
		}},
		Policy: &config.Policy{Rules: []config.Rule{
			{Who: []string{"anonymous"}, Repos: []string{"public/**"}, Can: []config.Action{config.Pull, config.List}, Pos: at(45, 7)},
			{Who: []string{"ci", "group:builders"}, Repos: []string{"team-a/**", "team-*/app"}, Can: []config.Action{config.Pull, config.Push, config.Delete, config.List, config.Catalog}, Pos: at(46, 7)},
		}, Pos: at(44, 3)},
		Images: []config.Image{
			{Registry: "corp", Repository: "team-a/app", Reference: "1.4", Control: "ci", Pos: at(50, 5)},
			{Registry: "lab", Repository: "tools/a__b.c-d", Reference: "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", Pos: at(51, 5)},
		},
		Check: config.Check{
			Sandbox: "regproof-sandbox",
			Require: []config.Requirement{{ID: "anonymous/*", Pos: at(55, 13)}, {ID: "NIST SP 800-190 4.2.3", Pos: at(55, 28)}},
			Budget:  config.Budget{Requests: 500, Denied: 50},
			Decoy:   "nobody.needs@corp.example",
			Revoke: &config.Revoke{
				Identity: "ci", Command: []string{"./revoke.sh", "ci"}, Restore: []string{"./restore.sh"},
				Within: config.Duration{Duration: 90 * time.Minute}, Pos: config.Position{Line: 60, Column: 5},
			},
			Upstream: &config.Upstream{
				Listen: config.Listen{AddrPort: netip.MustParseAddrPort("127.0.0.1:5999")},
				Base:   base("http", "127.0.0.1:5999"), Foreign: base("http", "localhost:5999"), Pos: at(57, 13),
			},
		},
	}
	if diff := cmp.Diff(want, got, opts); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestDefaults(t *testing.T) {
	got := parse(t, minimal+"identities: [{name: ci, from: {env: [U, P]}}]\nimages: [{repository: a, reference: b}]\n")
	want := &config.File{
		Path: "regproof.yaml", Version: 1,
		Registries: []config.Registry{{
			Name: "corp", URL: "https://r.example", Base: base("https", "r.example"), Type: config.Auto,
			TLS: config.TLS{MinVersion: "1.2"}, Rate: config.Rate{PerSecond: 0, Concurrent: 32}, Pos: at(2, 14),
		}},
		Identities: []config.Identity{{Name: "ci", For: []string{"corp"}, From: &config.Source{Env: &config.Env{User: "U", Password: "P"}, Pos: at(3, 31)}, Pos: at(3, 14)}},
		Images:     []config.Image{{Registry: "corp", Repository: "a", Reference: "b", Pos: at(4, 10)}},
		Check:      config.Check{Sandbox: "regproof-sandbox", Budget: config.Budget{Requests: 20000, Denied: 600}},
	}
	got.SHA256 = ""
	if diff := cmp.Diff(want, got, opts); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// TestUpstream: the foreign token service is never on the host of the upstream.
func TestUpstream(t *testing.T) {
	for text, want := range map[string][2]string{
		"listen: '127.0.0.1:5999'":                                                           {"http://127.0.0.1:5999", "http://localhost:5999"},
		"listen: '[::1]:5999'":                                                               {"http://[::1]:5999", "http://localhost:5999"},
		"listen: '127.0.0.1:5999', url: 'http://localhost:5999'":                             {"http://localhost:5999", "http://127.0.0.1:5999"},
		"listen: '10.0.0.1:5999', url: 'http://u.example:5999'":                              {"http://u.example:5999", "http://10.0.0.1:5999"},
		"listen: '0.0.0.0:80', url: 'http://127.0.0.1'":                                      {"http://127.0.0.1", "http://localhost"},
		"listen: '10.0.0.1:5999', realm: 'http://u.example:5999'":                            {"http://10.0.0.1:5999", "http://u.example:5999"},
		"listen: '10.0.0.1:5999', url: 'https://u.example', realm: 'https://other.example/'": {"https://u.example", "https://other.example"},
	} {
		got := parse(t, minimal+"check: {upstream: {"+text+"}}\n").Check.Upstream
		if got.Base.String() != want[0] || got.Foreign.String() != want[1] {
			t.Errorf("%s: %s and %s, want %s", text, got.Base, got.Foreign, want)
		}
	}
}

func TestAcceptedSpellings(t *testing.T) {
	for name, text := range map[string]string{
		"byte order mark":      "\ufeff" + minimal,
		"Windows line ends":    strings.ReplaceAll(minimal, "\n", "\r\n"),
		"document marker":      "---\n" + minimal,
		"anchors":              minimal + "identities: [{name: a, from: &f {env: [U, P]}}, {name: b, from: *f}]\n",
		"quoted keys":          strings.ReplaceAll(minimal, "version", `"version"`),
		"no rules":             minimal + "policy: {rules: []}\n",
		"realm on loopback":    minimal + "identities: [{name: a, realms: ['http://127.0.0.1:5001'], from: {env: [U, P]}}]\n",
		"longest tag":          minimal + "images: [{repository: a, reference: " + strings.Repeat("x", 128) + "}]\n",
		"block list, unquoted": minimal + "images:\n- repository: a/b\n  reference: v1.4.0\n",
	} {
		t.Run(name, func(t *testing.T) { parse(t, text) })
	}
}

func TestLoadNamesWhatItCannotRead(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "absent.yaml")
	for _, file := range []string{missing, t.TempDir()} {
		_, err := config.Load(file)
		if err == nil || !strings.Contains(err.Error(), file) {
			t.Errorf("Load(%s) = %v, want an error that names the file", file, err)
		}
	}
	if _, err := config.Load(missing); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v, want it to wrap os.ErrNotExist", err)
	}
}

func TestFaultForALaterStage(t *testing.T) {
	f := parse(t, minimal+"check: {require: [anonymous/kat]}\n")
	r := f.Check.Require[0]
	got := f.Fault(r.Pos, "no probe or control "+r.ID, "list them with regproof probes").Error()
	want := `regproof.yaml:3:19 no probe or control anonymous/kat
  1 | version: 1
  2 | registries: [{name: corp, url: "https://r.example"}]
> 3 | check: {require: [anonymous/kat]}
    |                   ^
  list them with regproof probes`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// minimal is a whole file of two lines.
const minimal = "version: 1\nregistries: [{name: corp, url: \"https://r.example\"}]\n"

func parse(t *testing.T, text string) *config.File {
	t.Helper()
	f, err := config.Parse("regproof.yaml", []byte(text))
	if err != nil {
		t.Fatalf("refused:\n%v", err)
	}
	return f
}

func base(scheme, host string) *url.URL     { return &url.URL{Scheme: scheme, Host: host} }
func at(line, column int) config.Position   { return config.Position{Line: line, Column: column} }
func path(written, open string) config.Path { return config.Path{Written: written, Resolved: open} }

// TestSandboxNamed: a file that names the usual sandbox has named one.
func TestSandboxNamed(t *testing.T) {
	for text, named := range map[string]bool{"": false, "check: {sandbox: regproof-sandbox}\n": true, "check: {budget: {denied: 5}}\n": false} {
		if got := parse(t, minimal+text).Check; got.SandboxNamed != named || got.Sandbox != config.Sandbox {
			t.Errorf("%q: %+v", text, got)
		}
	}
}
