// SPDX-License-Identifier: Apache-2.0

package product_test

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/regproof/regproof/internal/peer"
)

// start runs a front with a text until the test ends, and returns where it
// listens. The placeholders of the text are changed to what is there.
func start(t *testing.T, name, text, backend string) string {
	t.Helper()
	l := loaders[name]
	peer.Need(t, l.binary)
	dir, addr := t.TempDir(), peer.Local(peer.Port(t))
	_, backPort, _ := net.SplitHostPort(backend)
	_, port, _ := net.SplitHostPort(addr)
	other := addr // of squid, where the fix is no port of its own
	if strings.Contains(text, "http_port 80") {
		other = peer.Local(peer.Port(t))
	}
	text = strings.NewReplacer(
		"127.0.0.1:5000", backend, "127.0.0.1:9000", backend, `.port = "5000"`, `.port = "`+backPort+`"`, "parent 5000", "parent "+backPort,
		"listen 443 ssl", "listen "+addr, "listen 80", "listen "+addr,
		"bind :443 ssl crt /etc/haproxy/registry.pem", "bind "+addr, "bind :80", "bind "+addr, "password $5$saltsalt$HASH", "insecure-password right",
		"https_port 443", "http_port "+addr, "http_port 3128", "http_port "+other, "http_port 80", "http_port "+addr, " \\\n    tls-cert=/etc/squid/registry.pem", "",
		"http://registry.example {", "http://registry.example:"+port+" {", "registry.example {", "http://registry.example:"+port+" {",
		"std.port(local.ip) == 80", "std.port(local.ip) == "+port,
	).Replace(text)
	text = files(t, dir, text)
	switch name {
	case "nginx":
		peer.StartNginx(t, addr, "proxy_cache_path "+dir+"/cache keys_zone=registry:1m;\n"+strings.ReplaceAll(text, "{listen}", "listen "+addr+"; server_name registry.example;"))
		return addr
	case "haproxy":
		peer.StartHaproxy(t, addr, text)
		return addr
	case "varnish":
		l.args = []string{"-F", "-j", "none", "-n", dir + "/n", "-a", addr, "-s", "malloc,8m", "-f", "{file}"}
	case "squid":
		text += "\npid_filename none\ncache_log /dev/null\naccess_log none\npinger_enable off\nmemory_cache_shared off\nshutdown_lifetime 0 seconds\nvisible_hostname front\ncoredump_dir " + dir + "\n"
		if err := os.Chmod(filepath.Dir(dir), 0o755); err != nil { // its password helper is another user
			t.Fatal(err)
		}
		l.args = []string{"-N", "-n", "regproof" + port, "-f", "{file}"} // its shared memory has this name
	case "caddy":
		text = "{\n admin off\n auto_https off\n}\n" + strings.ReplaceAll(text, "$2a$14$HASH", strings.TrimSpace(strings.TrimPrefix(passwords(t), "ci:")))
		l.args = []string{"run", "--config", "{file}", "--adapter", "caddyfile"}
	}
	put(t, dir, l.file, text)
	for i, a := range l.args {
		l.args[i] = strings.ReplaceAll(a, "{file}", filepath.Join(dir, l.file))
	}
	run(t, dir, addr, append([]string{peer.Find(l.binary)}, l.args...))
	return addr
}

// run starts a process, waits until it listens, and ends it with the test.
func run(t *testing.T, dir, addr string, args []string) {
	t.Helper()
	log, err := os.Create(filepath.Join(dir, "said"))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, log, log
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }()
	t.Cleanup(func() {
		for tries := 0; ; tries++ { // squid ends sooner when it is asked twice
			_ = cmd.Process.Signal(os.Interrupt)
			if tries == 100 {
				_ = cmd.Process.Kill()
			}
			select {
			case <-ended:
			case <-time.After(100 * time.Millisecond):
				continue
			}
			break
		}
		if t.Failed() {
			said, _ := os.ReadFile(log.Name())
			t.Logf("%s said:\n%s", filepath.Base(args[0]), said)
		}
	})
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		select {
		case <-ended:
			said, _ := os.ReadFile(log.Name())
			t.Fatalf("%s ended at once:\n%s", args[0], said)
		default:
		}
		if conn, err := net.DialTimeout("tcp", addr, time.Second); err == nil {
			_ = conn.Close()
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s does not listen on %s", args[0], addr)
		}
	}
}

// entitled is the header of somebody who may read.
var entitled = "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte("ci:right"))

// backend is a registry in small: it answers with the request that it got. A
// guarded one asks for the password itself. It is also a service that
// authorises, at /authorise: what is asked for decides, and the password.
func backend(t *testing.T, guarded bool) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		asked := r.Header.Get("X-Original-URI") + " " + r.Header.Get("X-Forwarded-Uri")
		open := !guarded && r.URL.Path != "/authorise" || strings.Contains(asked, "/v2/public/")
		if !open && (user != "ci" || password != "right") {
			w.Header().Set("WWW-Authenticate", `Basic realm="registry"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		w.Header().Set("Cache-Control", "public, max-age=31536000")
		fmt.Fprintf(w, "Path: %s\nHost: %s\n", r.URL.Path, r.Host)
		_ = r.Header.Write(w)
	}))
	t.Cleanup(s.Close)
	return strings.TrimPrefix(s.URL, "http://")
}

// ask sends a request as it is written, target first, then headers, and
// returns the status, Location and body. A closed connection is status 0.
func ask(t *testing.T, addr, request string) (status int, location, body string) {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(30 * time.Second))
	lines := strings.Split(request, "\n")
	if !strings.Contains(request, "\nHost: ") {
		lines = append(lines, "Host: registry.example")
	}
	method, target, found := strings.Cut(lines[0], " ")
	if !found {
		method, target = "GET", lines[0]
	}
	fmt.Fprintf(conn, "%s %s HTTP/1.1\r\n%s\r\nConnection: close\r\n\r\n", method, target, strings.Join(lines[1:], "\r\n"))
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return 0, "", ""
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, res.Header.Get("Location"), string(b)
}
