// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"sync"

	"github.com/regproof/regproof/image"
)

// group is one image (or the registry as such) on one door: its answers are
// shared, and its trials run together.
type group struct {
	door       *door
	subject    *subject
	own        *image.Known // what the entitled got here; nil when they got nothing
	ownTrail   []string
	cache      bool // it looks like a shared cache
	ownProblem string
	cold       map[string]Answer // phase 0, by address
	dead       string            // why nothing more is asked: no address answered

	refs []reference // the sentinels

	mu       sync.Mutex
	answers  map[string]*sharedAnswer
	repeated map[Lane]*repetition
	opened   map[Lane]Answer // what a sentinel was served that the first request was denied
	cachedBy map[string]*attribution
	told     *telling // what CachedContent came to; nil when it is not run here
	primary  *group   // of the same subject at the registry's primary endpoint; itself there

	rounds          beside // sentinels under way beside the attempts
	core, rest, odd *gate  // odd: what is run once for the endpoint
}
