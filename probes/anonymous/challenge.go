// SPDX-License-Identifier: Apache-2.0

package anonymous

import (
	"context"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/probe"
)

// Challenge looks at how a denial is made.
var Challenge = probe.Probe{
	ID:    "anonymous/challenge",
	Title: "A denial says how to authenticate",
	Why: "A 401 without WWW-Authenticate breaks RFC 9110: clients do not know how to log " +
		"in, and people open access up to make them work.",
	How:      []string{"the 401 to an anonymous manifest request carries WWW-Authenticate"},
	Fix:      "Let the front pass the registry's WWW-Authenticate on, or set it.",
	NotWhen:  "No client ever pulls through this endpoint.",
	Severity: finding.Low,
	Control:  "challenge",
	Effect:   probe.Read,
	Per:      probe.Repository,
	Run: func(ctx context.Context, t *probe.Trial) probe.Result {
		a := manifest(t, t.Reference(), nil)
		if k := t.Known(); k != nil {
			a.Content = k.Root
		}
		a.Judge = probe.Challenged
		return t.Judge(ctx, []probe.Attempt{a})
	},
}
