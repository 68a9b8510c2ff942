// SPDX-License-Identifier: Apache-2.0

package peer

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// patience is how long a peer may take to listen, and to end.
const patience = 10 * time.Second

// start runs a peer until the test ends, and waits until it listens. What it
// said is logged if the test fails.
func start(tb testing.TB, dir, addr string, args ...string) {
	tb.Helper()
	log, err := os.Create(filepath.Join(dir, "peer.log"))
	if err != nil {
		tb.Fatal(err)
	}
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, log, log
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "OTEL_TRACES_EXPORTER=none"}
	cmd.SysProcAttr = dieWithParent()
	if err := cmd.Start(); err != nil {
		tb.Fatalf("peer %s: %v", args[0], err)
	}
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }()
	tb.Cleanup(func() {
		end(cmd, ended)
		_ = log.Close()
		if tb.Failed() {
			tb.Logf("%s said:\n%s", filepath.Base(args[0]), tail(log.Name()))
		}
	})
	for deadline := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		select {
		case <-ended:
			tb.Fatalf("peer %s ended at once: %s", args[0], tail(log.Name()))
		default:
		}
		conn, err := net.DialTimeout("tcp", addr, time.Second)
		if err == nil {
			_ = conn.Close()
			return
		}
		if time.Now().After(deadline) {
			tb.Fatalf("peer %s does not listen on %s: %s", args[0], addr, tail(log.Name()))
		}
	}
}

// end asks a process to stop, and makes it if it does not.
func end(cmd *exec.Cmd, ended <-chan struct{}) {
	_ = cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-ended:
	case <-time.After(patience):
		_ = cmd.Process.Kill()
		<-ended
	}
}

// tail is the end of a log: enough to see why.
func tail(path string) string {
	b, _ := os.ReadFile(path)
	return string(b[max(0, len(b)-2000):])
}
