// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"context"
	"time"
)

// Revocation is how the operator takes a credential away, and gives it back.
// What is run belongs to the operator: a run without it changes nothing.
type Revocation struct {
	Identity string        // whose credential it is
	Within   time.Duration // by when the registry must know
	Revoke   func(context.Context) error
	Restore  func(context.Context) error // nil when nothing gives it back
}

// revoked is whose credential the run takes away, "" if it does so to nobody.
func (r *run) revoked() string {
	if r.opts.Revocation == nil {
		return ""
	}
	return r.opts.Revocation.Identity
}

// Revocation is that of the configuration, nil when there is none.
func (t *Trial) Revocation() *Revocation { return t.door.run.opts.Revocation }
