// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"github.com/regproof/regproof/wire"
)

// simulation answers as a sound registry would, so that a plan is made by the
// very code that makes the run.
type simulation struct{}

func (s *simulation) answer(req wire.Request) wire.Response { return wire.Response{Request: req} }
