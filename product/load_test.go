// SPDX-License-Identifier: Apache-2.0

package product_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/regproof/regproof/internal/peer"
	"github.com/regproof/regproof/product"
)

// loader is how a product is asked whether it accepts a configuration.
type loader struct {
	binary string
	file   string // its configuration in the folder of the test
	args   []string
	// ready makes a configuration one that can be read here: files that are
	// there, ports that are free.
	ready func(t *testing.T, dir, text string) string
}

var loaders = map[string]loader{
	"apache": {binary: "apache2", file: "apache.conf", args: []string{"-t", "-d", "{dir}", "-f", "{file}"}, ready: func(t *testing.T, dir, text string) string {
		modules := filepath.Join(filepath.Dir(peer.Find("apache2")), "../lib/apache2/modules")
		head := "ServerName localhost\nDefaultRuntimeDir " + dir + "\nPidFile " + dir + "/pid\nErrorLog " + dir + "/log\n"
		for _, m := range []string{"mpm_event", "authn_core", "authn_file", "authz_core", "authz_user", "authz_host", "auth_basic", "alias", "headers", "setenvif", "remoteip", "proxy", "proxy_http", "cache", "socache_shmcb", "ssl"} {
			head += fmt.Sprintf("LoadModule %s_module %s/mod_%s.so\n", m, modules, m)
		}
		return head + text
	}},
	"nginx": {binary: peer.Nginx, file: "nginx.conf", args: []string{"-t", "-e", "stderr", "-p", "{dir}", "-c", "{file}"}, ready: func(t *testing.T, dir, text string) string {
		text = listen.ReplaceAllStringFunc(text, func(string) string { return "listen " + peer.Local(peer.Port(t)) })
		for n, name := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
			text = strings.Replace(text, "http {", fmt.Sprintf("http {\n%s_temp_path %s/t%d;", name, dir, n), 1)
		}
		return "pid " + dir + "/nginx.pid;\n" + strings.ReplaceAll(text, "/var/cache/nginx", dir+"/cache")
	}},
	"haproxy": {binary: peer.Haproxy, file: "haproxy.cfg", args: []string{"-c", "-f", "{file}"}, ready: func(t *testing.T, dir, text string) string {
		return "global\n  crt-base " + dir + "\n  ca-base " + dir + "\n" + text + "\n"
	}},
	"varnish": {binary: "varnishd", file: "registry.vcl", args: []string{"-j", "none", "-C", "-n", "{dir}/n", "-f", "{file}"}},
	"squid": {binary: "squid", file: "squid.conf", args: []string{"-k", "parse", "-f", "{file}"}, ready: func(t *testing.T, dir, text string) string {
		return fmt.Sprintf("%s\npid_filename %[2]s/squid.pid\ncache_log %[2]s/log\ncoredump_dir %[2]s\n", text, dir)
	}},
	"caddy": {binary: "caddy", file: "Caddyfile", args: []string{"adapt", "--validate", "--config", "{file}", "--adapter", "caddyfile"}, ready: func(t *testing.T, dir, text string) string {
		return strings.ReplaceAll(text, "$2a$14$HASH", strings.TrimSpace(strings.TrimPrefix(passwords(t), "ci:")))
	}},
}

// passwords is a password file: the user ci has the password "right".
func passwords(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile(peer.HtpasswdFile(t, "ci", "right"))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

var (
	listen = regexp.MustCompile(`listen (127\.0\.0\.1:|192\.0\.2\.10:)?\d+`)
	named  = regexp.MustCompile(`/etc/(ssl|squid|haproxy|nginx|apache2)/([a-z.]+)`)
)

// TestFixesLoad gives every snippet, in the frame that its file declares, to
// the software itself.
func TestFixesLoad(t *testing.T) {
	for name, l := range loaders {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			peer.Need(t, l.binary)
			ids, err := product.Controls(name)
			if err != nil {
				t.Fatal(err)
			}
			done := map[string]bool{}
			for _, id := range ids {
				text, _ := product.Fix(id, name)
				whole := text.Whole()
				if whole == "" {
					t.Errorf("%s: no frame %q", id, text.In)
				}
				if done[whole] {
					continue
				}
				done[whole] = true
				if out, err := l.load(t, whole); err != nil {
					t.Errorf("%s: %v\n%s", id, err, out)
				}
			}
			if out, err := l.load(t, "nosuch_setting on;\n"); err == nil {
				t.Errorf("accepts anything: %s", out)
			}
		})
	}
}

// load asks the product, and returns what it said.
func (l loader) load(t *testing.T, text string) (string, error) {
	t.Helper()
	dir := t.TempDir()
	text = files(t, dir, text)
	if l.ready != nil {
		text = l.ready(t, dir, text)
	}
	put(t, dir, l.file, text)
	var args []string
	for _, a := range l.args {
		args = append(args, strings.NewReplacer("{dir}", dir, "{file}", filepath.Join(dir, l.file)).Replace(a))
	}
	cmd := exec.Command(peer.Find(l.binary), args...)
	cmd.Dir = dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir}
	out, err := cmd.CombinedOutput()
	said := string(out)
	if err == nil && complains.MatchString(said) {
		err = fmt.Errorf("it complains: %s", complains.FindString(said))
	}
	return said, err
}

// complains are words of software that goes on after a fault.
var complains = regexp.MustCompile(`(?m)^.*(\[warn\]|\[emerg\]|\[WARNING\]|\[ALERT\]|WARNING:|ERROR:|FATAL:|UPGRADE:|unrecognized|Unnecessary header_up).*$`)

// files puts the certificates and passwords that a text names into a folder.
func files(t *testing.T, dir, text string) string {
	t.Helper()
	ca := peer.NewAuthority(t)
	for name, from := range map[string][]string{"registry.pem": {ca.Cert, ca.Key}, "registry.key": {ca.Key}, "clients.pem": {ca.Cert}, "ca.pem": {ca.Cert}} {
		var b strings.Builder
		for _, f := range from {
			part, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			b.Write(part)
		}
		put(t, dir, name, b.String())
	}
	put(t, dir, "registry.htpasswd", passwords(t))
	return named.ReplaceAllString(text, dir+"/$2")
}

func put(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
