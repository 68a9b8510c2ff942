// SPDX-License-Identifier: Apache-2.0

package immutability

import (
	"context"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/probe"
)

// Tag pushes another image to a tag that is there.
var Tag = probe.Probe{
	ID:    "immutability/tag",
	Title: "A tag cannot be moved to another image",
	Why: "Whoever gets hold of one credential that may push replaces the image under a tag " +
		"that everybody pulls. Nothing else changes, so nobody looks.",
	How: []string{
		"in the sandbox, as an identity that may push: an image is pushed to a new tag and read back, then another image to the same tag",
		"a failure: the tag names the second image, by the bytes that are read back, whatever the push was answered; it is read twice, once on a new connection",
		"a push that is accepted and changes nothing is a pass: the tag is read 4 times within 3 seconds, and once with an unknown parameter, which no cache has seen, before that is believed",
		"everything is removed again; what the registry does not let anybody remove is named in the notes",
	},
	Fix: "Make tags immutable: Harbor a tag immutability rule, ECR imageTagMutability IMMUTABLE, GAR immutable " +
		"tags, ACR a locked tag, Quay an immutable tag; for distribution a gate in front, since it has none. Pull by digest until then.",
	NotWhen:  "Tags are meant to move, and whatever is deployed is pulled by digest.",
	Severity: finding.High,
	Control:  "tag-immutable",
	Effect:   probe.SandboxWrite,
	Per:      probe.Primary,
	Run: func(ctx context.Context, t *probe.Trial) probe.Result {
		s, why := t.Sandbox(ctx)
		if s == nil {
			return why
		}
		return overwrite(ctx, s)
	},
}
