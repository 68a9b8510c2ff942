// SPDX-License-Identifier: Apache-2.0

package peer

import "syscall"

// dieWithParent ends a peer when the test process is killed.
func dieWithParent() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM} }
