// SPDX-License-Identifier: Apache-2.0

package main_test

import (
	"testing"

	"github.com/regproof/regproof/internal/peer"
)

// behindNginx is a pair of an outer front before an inner nginx, whose text is
// the same in both halves.
func behindNginx(outer kind, c accuracyCase, b behind, weak, sound, inner string) accuracyCase {
	at := func(text string) half {
		return func(t *testing.T, w *accuracyWorld) site {
			second := startNginx(plain)(t, w, b.addr(w), inner)
			return outer.start(t, w, second.dial, text)
		}
	}
	c.software = outer.name + ", nginx 1.22, " + b.name
	c.needs = append(c.needs, outer.need, peer.Nginx, b.need)
	c.weak, c.twin = at(weak), at(sound)
	return c
}
