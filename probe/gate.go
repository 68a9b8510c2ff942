// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"context"
	"sync"
)

// gate opens when all who were announced are done.
type gate struct {
	mu      sync.Mutex
	waiting map[string]bool
	full    chan struct{} // closed when nobody is waited for
	open    chan struct{} // closed by the group when the next step may begin
}

func newGate(ids []string) *gate {
	g := &gate{waiting: map[string]bool{}, full: make(chan struct{}), open: make(chan struct{})}
	for _, id := range ids {
		g.waiting[id] = true
	}
	if len(ids) == 0 {
		close(g.full)
	}
	return g
}

// done may be called more than once for the same id.
func (g *gate) done(id string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.waiting[id] {
		return
	}
	delete(g.waiting, id)
	if len(g.waiting) == 0 {
		close(g.full)
	}
}

func (g *gate) wait(ctx context.Context) {
	select {
	case <-g.open:
	case <-ctx.Done():
	}
}
