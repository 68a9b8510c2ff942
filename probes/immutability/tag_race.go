// SPDX-License-Identifier: Apache-2.0

package immutability

import (
	"context"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/probe"
)

// rounds is how often two write at once.
const rounds = 5

// TagRace lets two write a new tag at once.
var TagRace = probe.Probe{
	ID:    "immutability/tag-race",
	Title: "Of two who write a new tag at once one alone wins",
	Why: "A registry that looks whether a tag exists and then writes it lets two pass between the " +
		"two steps. Whoever pushes at the right moment replaces an image that was pushed a moment ago, and both are told that theirs is there.",
	How: []string{
		"only where a plain push does not move a tag",
		"in the sandbox: two images are pushed to a new tag at the same moment on two connections, five times",
		"a failure: both pushes were accepted where a later one is refused, or the tag names the image whose push was refused; a tag that is to be seen moving counts too",
	},
	Fix: "Let the storage decide: a unique constraint, a conditional write (If-None-Match: *), or a lock that all " +
		"replicas share, not a look before the write.",
	NotWhen:  "Never, where tags are meant to be immutable.",
	Severity: finding.Medium,
	Control:  "tag-race",
	Effect:   probe.SandboxWrite,
	Per:      probe.Primary,
	Run: func(ctx context.Context, t *probe.Trial) probe.Result {
		s, why := immutable(ctx, t)
		if s == nil {
			return why
		}
		if !s.Parallel() {
			return s.Result(finding.NotChecked, "two requests are not sent at once with --rate or --concurrent 1, or to a registry that throttles")
		}
		return race(ctx, s, overwrite(ctx, s).Reason == "another image for the same tag was "+lies)
	},
}
