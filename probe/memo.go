// SPDX-License-Identifier: Apache-2.0

package probe

import "sync"

// memo holds what the trials of a group find out once and use together.
type memo struct {
	mu    sync.Mutex
	cells map[string]*cell
}

type cell struct {
	once   sync.Once
	value  any
	broken any // what making it panicked with
}

func (m *memo) cell(key string) *cell {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.cells == nil {
		m.cells = map[string]*cell{}
	}
	c := m.cells[key]
	if c == nil {
		c = &cell{}
		m.cells[key] = c
	}
	return c
}

// Remember makes a value one time for all trials of an image at an endpoint, and
// lets the others wait for it. Where making it panicked, it panics for each: none
// of them may go on with nothing.
func Remember[T any](t *Trial, key string, create func() T) T {
	c := t.group.memo.cell(key)
	c.once.Do(func() {
		defer func() { c.broken = recover() }()
		c.value = create()
	})
	if c.broken != nil {
		panic(c.broken)
	}
	v, _ := c.value.(T)
	return v
}
