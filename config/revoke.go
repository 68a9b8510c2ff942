// SPDX-License-Identifier: Apache-2.0

package config

import (
	"regexp"
	"time"
)

// Revoke is how an operator takes a credential away and gives it back. Each command is a list of words, run without a
// shell.
type Revoke struct {
	Identity string   `yaml:"identity" jsonschema_description:"Identity whose credential is taken away."`
	Command  []string `yaml:"command" jsonschema:"minItems=1" jsonschema_description:"Program and arguments that take it away."`
	Restore  []string `yaml:"restore,omitempty" jsonschema:"minItems=1" jsonschema_description:"Program and arguments that give it back; run at the end in any case."`
	Within   Duration `yaml:"within,omitempty" jsonschema:"default=5m" jsonschema_description:"By when the registry must refuse it, like 90s or 5m."`

	Pos Position `yaml:"-"`
}

// Within is by when a revoked credential must be refused, if the file does not say.
const Within = 5 * time.Minute

func (c *checker) revoke(r *Revoke) {
	c.refer("identity", "identity", &r.Identity, &c.identities)
	if !c.given[&r.Within] {
		r.Within.Duration = Within
	}
}

// Duration is a time span like 90s or 5m.
type Duration struct{ time.Duration }

// durationShape is what of [time.ParseDuration] a run can wait for: whole seconds, below some 400 days.
var durationShape = regexp.MustCompile(`^(?:[0-9]{1,4}h)?(?:[0-9]{1,5}m)?(?:[0-9]{1,6}s)?$`)

func (p *Duration) decode(d *decoder, n *node, label string) bool {
	s, ok := d.text(n, label)
	if !ok {
		return false
	}
	span, err := time.ParseDuration(s)
	if err != nil || span <= 0 || !durationShape.MatchString(s) {
		d.add(n.at, "", "%s: %s is no time span above 0: write 90s, 5m or 1h30m", label, quote(s))
		return false
	}
	p.Duration = span
	return true
}
