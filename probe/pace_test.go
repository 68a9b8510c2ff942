// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/regproof/regproof/wire"
)

// TestPaceBulk: what nothing waits for lets all others pass, and is not
// forgotten over them.
func TestPaceBulk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPace(1, 0)
		if err := p.enter(t.Context(), step); err != nil {
			t.Fatal(err)
		}
		var order []string
		wait := func(name string, turn turn) {
			go func() {
				if err := p.enter(t.Context(), turn); err != nil {
					t.Error(err)
				}
				order = append(order, name)
				p.leave(wire.Response{})
			}()
			synctest.Wait()
		}
		wait("bulk", bulk)
		wait("step 1", step)
		wait("more bulk", bulk)
		wait("step 2", step)
		wait("early", early)
		p.leave(wire.Response{})
		synctest.Wait()
		for i, want := range []string{"early", "step 1", "step 2", "bulk", "more bulk"} {
			if i >= len(order) || order[i] != want {
				t.Fatalf("in this order: %q", order)
			}
		}
	})
}

// TestPaceBulkComesLater: a place that was freed for a step is not taken by what
// comes in bulk just then.
func TestPaceBulkComesLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPace(1, 0)
		if err := p.enter(t.Context(), step); err != nil {
			t.Fatal(err)
		}
		stepped := false
		go func() {
			if err := p.enter(t.Context(), step); err != nil {
				t.Error(err)
			}
			stepped = true
			p.leave(wire.Response{})
		}()
		synctest.Wait()
		p.leave(wire.Response{})
		if err := p.enter(t.Context(), bulk); err != nil {
			t.Fatal(err)
		}
		if !stepped {
			t.Error("what came in bulk went first")
		}
		p.leave(wire.Response{})
		synctest.Wait()
	})
}

// TestPaceGivenUp: who gives up passes the place on.
func TestPaceGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPace(1, 0)
		if err := p.enter(t.Context(), step); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		var gaveUp, in error
		entered := false
		go func() { gaveUp = p.enter(ctx, step) }()
		synctest.Wait()
		go func() { in = p.enter(t.Context(), bulk); entered = true }()
		synctest.Wait()
		cancel()
		synctest.Wait()
		p.leave(wire.Response{})
		synctest.Wait()
		if gaveUp == nil || !entered || in != nil {
			t.Errorf("gave up: %v; entered: %v, %v", gaveUp, entered, in)
		}
	})
}
