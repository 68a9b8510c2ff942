// SPDX-License-Identifier: Apache-2.0

package probe

import "sync"

// beside runs what is done beside the attempts. Unlike a sync.WaitGroup it may be
// waited for while more is begun, and then waits for what was begun before alone.
type beside struct {
	mu      sync.Mutex
	running map[chan struct{}]bool
}

// Go runs f in a goroutine of its own.
func (b *beside) Go(f func()) {
	done := make(chan struct{})
	b.mu.Lock()
	if b.running == nil {
		b.running = map[chan struct{}]bool{}
	}
	b.running[done] = true
	b.mu.Unlock()
	go func() {
		defer func() {
			b.mu.Lock()
			defer b.mu.Unlock()
			delete(b.running, done)
			close(done)
		}()
		f()
	}()
}

// Wait returns once nothing runs that was begun before the call.
func (b *beside) Wait() {
	b.mu.Lock()
	under := make([]chan struct{}, 0, len(b.running))
	for done := range b.running {
		under = append(under, done)
	}
	b.mu.Unlock()
	for _, done := range under {
		<-done
	}
}
