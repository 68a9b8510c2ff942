// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"context"
	"net/http"

	"github.com/regproof/regproof/oci"
	"github.com/regproof/regproof/sandbox"
)

// Look asks with HEAD whether the sandbox has a blob (distribution-spec end-2).
// A registry that finds the blob elsewhere may put it there, so that it is
// written down first. Absent strikes it out again: it is for who has seen
// afterwards that the sandbox has no such blob.
func (s *Sandbox) Look(ctx context.Context, d oci.Digest) (a Answer, absent func()) {
	n, err := s.begin(sandbox.Entry{Kind: sandbox.Blob, Reference: string(d)})
	if err != nil {
		return Answer{NotAsked: err.Error()}, func() {}
	}
	a = s.g.ask(ctx, question{
		lane: s.g.door.first(), id: s.id, phase: phaseFresh, private: true, fresh: true,
		request: oci.Request{Method: http.MethodHead, Kind: oci.Blob, Repository: s.box.name, Reference: string(d)},
	})
	return a, func() { _ = s.box.journal.Removed(n) } // an error of the journal shows at the next object
}
