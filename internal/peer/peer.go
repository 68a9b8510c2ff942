// SPDX-License-Identifier: Apache-2.0

// Package peer starts software that nobody here wrote, for tests: registries,
// reverse proxies and clients, on loopback, from the machine's own packages.
// It refuses to stand in for any of them: what is not installed is skipped by
// name, or is a failure where REGPROOF_PEERS=required says so.
package peer

import (
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"testing"
)

// The peers, by the name of their binary.
const (
	DockerRegistry = "docker-registry"     // Debian's, distribution 2.8.2
	Registry       = "registry"            // distribution v3.1.2, made by tools/registry
	Registry310    = "registry-3.1.0"      // distribution v3.1.0 (CVE-2026-41888)
	RegistryRC2    = "registry-3.0.0-rc.2" // distribution v3.0.0-rc.2 (CVE-2025-24976)
	Nginx          = "nginx"
	Haproxy        = "haproxy"
	Varnish        = "varnishd"
	Squid          = "squid"
	Caddy          = "caddy"
	Skopeo         = "skopeo"
	Curl           = "curl"
)

// Find is where a peer is installed, "" if it is not. The registries of
// distribution v3 are looked for in bin of this repository, then in PATH, and
// Registry before that in $REGPROOF_REGISTRY.
func Find(name string) string {
	if path := os.Getenv("REGPROOF_REGISTRY"); path != "" && name == Registry {
		return path
	}
	switch name {
	case Registry, Registry310, RegistryRC2:
		if path := filepath.Join(Root(), "bin", name); executable(path) {
			return path
		}
	}
	if path, err := exec.LookPath(name); err == nil {
		return path
	}
	for _, dir := range []string{"/usr/sbin", "/usr/local/sbin", "/sbin"} { // not in everybody's PATH
		if path := filepath.Join(dir, name); executable(path) {
			return path
		}
	}
	return ""
}

func executable(path string) bool {
	info, err := os.Stat(path)
	return err == nil && !info.IsDir() && info.Mode()&0o111 != 0
}

// Root is the folder of this repository.
func Root() string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Dir(filepath.Dir(filepath.Dir(file)))
}

// Need skips the test, naming the first peer that is absent.
func Need(tb testing.TB, names ...string) {
	tb.Helper()
	for _, name := range names {
		if Find(name) != "" {
			continue
		}
		if os.Getenv("REGPROOF_PEERS") == "required" {
			tb.Fatalf("peer %s is not installed, and REGPROOF_PEERS=required", name)
		}
		tb.Skipf("peer %s is not installed", name)
	}
}

// ports counts up from a random place below the ephemeral range: tests run in
// parallel, and a port that the kernel draws could be drawn twice.
var ports = func() *atomic.Int32 {
	var n atomic.Int32
	n.Store(20_000 + rand.Int32N(8_000))
	return &n
}()

// Port is a port of loopback that is free and is given out once.
func Port(tb testing.TB) int {
	tb.Helper()
	for range 2_000 {
		port := int(ports.Add(1))
		if free(port) {
			return port
		}
	}
	tb.Fatal("no port of loopback is free")
	return 0
}

// free says whether nobody listens on a port, on any of the addresses in use
// here.
func free(port int) bool {
	for _, host := range []string{"127.0.0.1", "127.0.0.2"} {
		l, err := net.Listen("tcp", fmt.Sprintf("%s:%d", host, port))
		if err != nil {
			return false
		}
		_ = l.Close()
	}
	return true
}

// Local is host:port of a port on 127.0.0.1.
func Local(port int) string { return fmt.Sprintf("127.0.0.1:%d", port) }

// write puts a file where the test can see it go.
func write(tb testing.TB, dir, name, text string) string {
	tb.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		tb.Fatal(err)
	}
	return path
}

// Address is an address of loopback that is given out once, for what must
// listen on the ports of a real machine. Not every system has more than
// 127.0.0.1: the test is skipped there.
func Address(tb testing.TB) string {
	tb.Helper()
	n := Port(tb)
	addr := fmt.Sprintf("127.%d.%d.%d", 64+n>>14, n>>7&127, 1+n&127)
	l, err := net.Listen("tcp", addr+":0")
	if err != nil {
		tb.Skipf("no second address of loopback: %v", err)
	}
	_ = l.Close()
	return addr
}
