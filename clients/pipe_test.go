// SPDX-License-Identifier: Apache-2.0

//go:build unix

package clients_test

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/regproof/regproof/clients"
)

// TestPipe: a pipe without a writer is not waited for.
func TestPipe(t *testing.T) {
	root := t.TempDir()
	file := filepath.Join(root, conf)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(file, 0o644); err != nil {
		t.Skip(err)
	}
	wantProblem(t, read(t, clients.Podman, root), conf+": not a regular file")
}
