// SPDX-License-Identifier: Apache-2.0

package peer

import (
	"fmt"
	"os"
	"testing"
)

// StartNginx runs nginx with the text of an http block, and waits for addr.
func StartNginx(tb testing.TB, addr, http string) {
	tb.Helper()
	Need(tb, Nginx)
	dir := tb.TempDir()
	user := ""
	if os.Geteuid() == 0 {
		user = "user root;" // workers read what the test wrote
	}
	conf := write(tb, dir, "nginx.conf", fmt.Sprintf(`daemon off; pid %[1]s/nginx.pid; worker_processes 1; error_log stderr warn; %[2]s
events { worker_connections 512; }
http {
access_log off; client_max_body_size 0;
client_body_temp_path %[1]s/t1; proxy_temp_path %[1]s/t2; fastcgi_temp_path %[1]s/t3; uwsgi_temp_path %[1]s/t4; scgi_temp_path %[1]s/t5;
%[3]s
}
`, dir, user, http))
	start(tb, dir, addr, Find(Nginx), "-p", dir, "-e", "stderr", "-c", conf)
}

// StartHaproxy runs haproxy with the text of its sections, and waits for addr.
func StartHaproxy(tb testing.TB, addr, sections string) {
	tb.Helper()
	Need(tb, Haproxy)
	dir := tb.TempDir()
	conf := write(tb, dir, "haproxy.cfg", `global
  maxconn 512
defaults
  mode http
  timeout connect 5s
  timeout client 30s
  timeout server 30s
`+sections+"\n")
	start(tb, dir, addr, Find(Haproxy), "-db", "-f", conf)
}

// StartCaddy runs caddy with the text of a Caddyfile, and waits for addr. Its
// admin server and its own certificates are off; options are lines of the
// global block, "" for none.
func StartCaddy(tb testing.TB, addr, options, text string) {
	tb.Helper()
	Need(tb, Caddy)
	dir := tb.TempDir()
	conf := write(tb, dir, "Caddyfile", fmt.Sprintf("{\nadmin off\nauto_https off\nstorage file_system %s/store\nlog {\nlevel ERROR\n}\n%s\n}\n%s\n", dir, options, text))
	start(tb, dir, addr, Find(Caddy), "run", "--config", conf, "--adapter", "caddyfile")
}
