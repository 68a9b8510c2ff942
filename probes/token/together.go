// SPDX-License-Identifier: Apache-2.0

package token

import "sync"

// together does things at once. A panic in one is the caller's, whom the runner
// guards.
func together(tasks ...func()) {
	var wg sync.WaitGroup
	broken := make([]any, len(tasks))
	for i, task := range tasks {
		wg.Go(func() {
			defer func() { broken[i] = recover() }()
			task()
		})
	}
	wg.Wait()
	for _, e := range broken {
		if e != nil {
			panic(e)
		}
	}
}

// beside does one thing while it finds out another.
func beside[T any](do func(), find func() T) (v T) {
	together(do, func() { v = find() })
	return v
}
