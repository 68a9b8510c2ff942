// SPDX-License-Identifier: Apache-2.0

package anonymous

import (
	"context"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/probe"
)

// Existence compares the denial for a repository that exists with that for one
// that does not.
var Existence = probe.Probe{
	ID:    "anonymous/existence",
	Title: "A denial does not tell whether a repository exists",
	Why: "When the answer for an existing name differs from that for a made-up one, a " +
		"stranger finds your repositories by guessing.",
	How: []string{
		"GET of a manifest, with the token flow, in the private repository and in one that does not exist",
		"status, error code and challenge are compared, names and nonces masked",
	},
	Fix:      "Decide about access before looking the name up, and answer both alike.",
	NotWhen:  "Names of repositories are no secret in your organisation.",
	Severity: finding.Low,
	Control:  "existence",
	Effect:   probe.Read,
	Per:      probe.Repository,
	Run: func(ctx context.Context, t *probe.Trial) probe.Result {
		a := manifest(t, t.Reference(), nil)
		if k := t.Known(); k != nil {
			a.Content = k.Root
		}
		a.Judge = probe.Existence
		return t.Judge(ctx, []probe.Attempt{a})
	},
}
