// SPDX-License-Identifier: Apache-2.0

package token

import (
	"time"

	"github.com/regproof/regproof/probe"
)

// state is what was seen of one of the three: the credential, or the token or the
// refresh token that it got before.
type state struct {
	open    time.Duration // when it opened the manifest for the last time
	refused int           // in a row
	at      time.Duration // when it was refused first
	trail   []string      // of the last opening, or of the refusals
	other   string        // what was neither
}

func (s *state) done() bool { return s.refused >= 2 }

// late says whether it is too late for a refusal to count. One that was seen once
// is seen once more first.
func (s *state) late(now, within time.Duration) bool { return now > within && s.refused == 0 }

// stays says whether it opened the manifest after it should have been refused, and
// was not refused since.
func (s *state) stays(within time.Duration) bool {
	return s.refused == 0 && s.other == "" && s.open > within
}

func (s *state) add(now time.Duration, opens bool, a probe.Answer, refused bool, trail []string) {
	switch {
	case opens:
		s.open, s.refused, s.trail, s.other = now, 0, trail, ""
	case refused:
		if s.refused++; s.refused == 1 {
			s.at, s.trail = now, nil
		}
		s.trail, s.other = append(s.trail, trail...), ""
	default:
		s.refused, s.other, s.trail = 0, said(a), trail
	}
}
