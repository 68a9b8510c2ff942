// SPDX-License-Identifier: Apache-2.0

package peer

import (
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// StartVarnish runs varnishd with the text of a VCL file, and waits for addr,
// the only address it listens on.
func StartVarnish(tb testing.TB, addr, vcl string) {
	tb.Helper()
	Need(tb, Varnish)
	dir := tb.TempDir()
	file := write(tb, dir, "default.vcl", "vcl 4.1;\n"+vcl+"\n")
	// No jail: its user could not enter the folder of a test.
	start(tb, dir, addr, Find(Varnish), "-F", "-j", "none", "-n", filepath.Join(dir, "work"), "-a", addr, "-f", file,
		"-s", "malloc,64m", "-T", "none", "-p", "thread_pools=1", "-p", "thread_pool_min=10")
}

// StartSquid runs squid with the text of its configuration, which must have
// the http_port of addr, and waits for addr.
func StartSquid(tb testing.TB, addr, text string) {
	tb.Helper()
	Need(tb, Squid)
	dir, owner := squidDir(tb)
	_, port, _ := strings.Cut(addr, ":")
	conf := write(tb, dir, "squid.conf", fmt.Sprintf(`pid_filename none
%[2]svisible_hostname peer
cache_log /dev/null
access_log none
cache_store_log none
netdb_filename none
pinger_enable off
coredump_dir %[1]s
cache_mem 64 MB
maximum_object_size_in_memory 8 MB
shutdown_lifetime 0 seconds
%[3]s
`, dir, owner, text))
	start(tb, dir, addr, Find(Squid), "-N", "-d", "1", "-n", "peer"+port, "-f", conf)
}

// squidDir is a folder that squid can enter, and the line that says as whom:
// it refuses to run as root, and who is not root must say nothing.
func squidDir(tb testing.TB) (dir, owner string) {
	tb.Helper()
	if os.Geteuid() != 0 {
		return tb.TempDir(), ""
	}
	dir, err := os.MkdirTemp("", "squid")
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = os.RemoveAll(dir) })
	name := "proxy" // the user of Debian's package
	u, err := user.Lookup(name)
	if err != nil {
		name = "nobody"
		u, err = user.Lookup(name)
	}
	if err != nil {
		tb.Fatal(err)
	}
	uid, _ := strconv.Atoi(u.Uid)
	gid, _ := strconv.Atoi(u.Gid)
	err = os.Chmod(dir, 0o755)
	if err == nil {
		err = os.Chown(dir, uid, gid)
	}
	if err != nil {
		tb.Fatal(err)
	}
	return dir, "cache_effective_user " + name + "\n"
}
