// SPDX-License-Identifier: Apache-2.0

//go:build unix && !solaris && !aix

package sandbox

import (
	"errors"
	"os"
	"syscall"
)

const canSyncDir = true

// hold takes the lock of a journal. It ends with the process, however that ends.
func hold(f *os.File) error {
	err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return ErrBusy
	}
	if errors.Is(err, syscall.ENOTSUP) || errors.Is(err, syscall.ENOSYS) || errors.Is(err, syscall.ENOLCK) {
		return nil // a file system without locks
	}
	return err
}
