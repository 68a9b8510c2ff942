// SPDX-License-Identifier: Apache-2.0

package probe

import "encoding/base64"

// basicJunk is the Basic credential of a user that does not exist: real user
// names never carry a wrong password, which could lock them out.
func basicJunk(r *run) string {
	return base64.StdEncoding.EncodeToString([]byte("regproof-" + r.opts.ID + ":" + r.random))
}
