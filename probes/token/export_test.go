// SPDX-License-Identifier: Apache-2.0

package token

import (
	"time"

	"github.com/regproof/regproof/probe"
)

// ExpiryAfter is Expiry for verifiers that give this leeway.
func ExpiryAfter(leeway, most time.Duration) probe.Probe {
	p := Expiry
	p.Run = patience{leeway: leeway, margin: time.Second, most: most}.run
	return p
}

// RevocationEvery is Revocation that asks as often, for verifiers that give this
// leeway.
func RevocationEvery(every, leeway, most time.Duration) probe.Probe {
	p := Revocation
	p.Run = vigil{every: every, leeway: leeway, most: most}.run
	return p
}

// ThrottlingAt is Throttling that takes so much for slow.
func ThrottlingAt(slow time.Duration) probe.Probe {
	p := Throttling
	p.Run = tarpit(slow).run
	return p
}

// UserTimingOf is UserTiming with so many logins a round.
func UserTimingOf(each int) probe.Probe {
	p := UserTiming
	p.Run = timing{each}.run
	return p
}

// KeyElsewhere is Key for a registry that is not on loopback.
func KeyElsewhere() probe.Probe {
	p := Key
	p.Run = listening{barred: true}.run
	return p
}
