// SPDX-License-Identifier: Apache-2.0

package probe

import "sync"

// beside counts what runs beside the attempts. Unlike a sync.WaitGroup it may be
// waited for while more is begun: then that is waited for, too.
type beside struct {
	mu   sync.Mutex
	n    int
	idle chan struct{} // closed when n is 0 again; nil while it is
}

// Go runs f in a goroutine of its own.
func (b *beside) Go(f func()) {
	b.mu.Lock()
	if b.n == 0 {
		b.idle = make(chan struct{})
	}
	b.n++
	b.mu.Unlock()
	go func() {
		defer b.done()
		f()
	}()
}

func (b *beside) done() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.n--; b.n == 0 {
		close(b.idle)
		b.idle = nil
	}
}

// Wait returns once nothing runs.
func (b *beside) Wait() {
	b.mu.Lock()
	idle := b.idle
	b.mu.Unlock()
	if idle != nil {
		<-idle
	}
}
