// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"testing"
	"testing/synctest"
)

// TestBeside: what was begun before is waited for, and what is begun meanwhile is
// not: in a long run there is always something.
func TestBeside(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b beside
		before, meanwhile := make(chan struct{}), make(chan struct{})
		b.Go(func() { <-before })
		waited := false
		go func() { b.Wait(); waited = true }()
		synctest.Wait()
		b.Go(func() { <-meanwhile })
		if waited {
			t.Error("it did not wait for what was begun before")
		}
		close(before)
		synctest.Wait()
		if !waited {
			t.Error("it waits for what was begun meanwhile")
		}
		close(meanwhile)
		b.Wait()
	})
}
