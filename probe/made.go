// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"slices"

	"github.com/regproof/regproof/wire"
)

// named makes a change that also says, for the record, who asks.
func named(who string, change func(*wire.Request)) func(*wire.Request) {
	if who == "" {
		return change
	}
	return func(r *wire.Request) {
		r.Identity = who
		if change != nil {
			change(r)
		}
	}
}

// made marks what a change puts into a request as made up by the probe, so that
// a finding can show and repeat it. It is for changes that probes write; one
// that takes anything from an answer stays unmarked.
func made(change func(*wire.Request)) func(*wire.Request) {
	if change == nil {
		return nil
	}
	return func(r *wire.Request) {
		target, header := r.Target, slices.Clone(r.Header)
		change(r)
		if r.Target != target {
			r.Made.Target = r.Target
		}
		for _, h := range r.Header {
			if !slices.Contains(header, h) {
				r.Made.Headers = append(r.Made.Headers, h)
			}
		}
	}
}
