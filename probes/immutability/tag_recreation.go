// SPDX-License-Identifier: Apache-2.0

package immutability

import (
	"context"
	"fmt"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/oci"
	"github.com/regproof/regproof/probe"
)

// TagRecreation deletes a tag, or its manifest, and pushes another image.
var TagRecreation = probe.Probe{
	ID:    "immutability/tag-recreation",
	Title: "A tag cannot be deleted and made anew for another image",
	Why: "Where a tag may be deleted it may be made again for another image: then it is " +
		"immutable in name only, and two requests move it.",
	How: []string{
		"only where a plain push does not move a tag",
		"in the sandbox: an image is pushed to a new tag, the tag is deleted, another image is pushed to it; and once more with the manifest deleted by digest",
		"a failure: the tag names the other image, by the bytes that are read back, twice",
		"a refused delete, or a refused push after it, is a pass",
	},
	Fix: "Take the right to delete from whoever pushes: a robot that pushes needs none. Harbor: a tag " +
		"immutability rule refuses deletes too; ECR: deny ecr:BatchDeleteImage; a gate: remember the digest of a tag that was deleted.",
	NotWhen:  "Whoever may delete is trusted to move tags too.",
	Severity: finding.High,
	Control:  "tag-recreation",
	Effect:   probe.SandboxWrite,
	Per:      probe.Primary,
	Run: func(ctx context.Context, t *probe.Trial) probe.Result {
		s, why := immutable(ctx, t)
		if s == nil {
			return why
		}
		return fold(s, []tried{
			recreated(ctx, s, "the tag", func(m move) string { return m.tag }),
			recreated(ctx, s, "the manifest", func(m move) string { return string(m.first) }),
		}, func(ways string) string {
			return fmt.Sprintf("a tag that cannot be overwritten is moved all the same when %s is deleted first", ways)
		})
	},
}

// recreated deletes something of a new tag, and pushes another image to it.
func recreated(ctx context.Context, s *probe.Sandbox, what string, reference func(move) string) tried {
	m := place(ctx, s, s.Tag(), s.Image())
	if m.result.Outcome != "" {
		return tried{what: what, move: m}
	}
	deleted := s.Delete(ctx, oci.Manifest, reference(m))
	m.answers = append(m.answers, deleted)
	m.after(ctx, s, s.Put(ctx, m.tag, s.Image(), probe.Writing{}))
	return tried{what: what, move: m, how: fmt.Sprintf("deleting %s was answered %s, the push after it %s", what, probe.Says(deleted), probe.Says(m.pushed))}
}
