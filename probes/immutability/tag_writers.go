// SPDX-License-Identifier: Apache-2.0

package immutability

import (
	"context"
	"fmt"
	"sync"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/probe"
)

// TagWriters tries every other way to write a tag.
var TagWriters = probe.Probe{
	ID:    "immutability/tag-writers",
	Title: "Every way to write a tag holds it immutable",
	Why: "A rule that looks at one kind of push does not see the others: an index, a docker " +
		"manifest, many tags in one request, another endpoint. One of them is enough to move every tag.",
	How: []string{
		"only where a plain push does not move a tag; each way on a new tag of the sandbox that names an image",
		"an OCI index, a docker list, a docker manifest of the same image, an artifact; PUT manifests/DIGEST?tag=TAG for one and for two tags (distribution-spec end-7b), the same with OCI-Tag as a header; TAG with one character percent-encoded; by every other endpoint of the registry",
		"tags that look like a digest: 64 hexadecimal digits, and sha256-DIGEST, under which clients keep what is attached to an image",
		"a failure: the tag names something else, by the bytes that are read back, twice; low where it is sha256-DIGEST alone, which clients must be able to rewrite where there is no referrers API",
	},
	Fix: "Decide on the tag, not on the kind of manifest or the route: refuse every request that would change what a tag " +
		"names, ?tag= included, and hold every endpoint to it, best in the registry itself.",
	NotWhen:  "Never for images. A tag sha256-DIGEST that moves is no weakness where nobody verifies signatures that are kept there.",
	Severity: finding.High,
	Control:  "tag-writers",
	Effect:   probe.SandboxWrite,
	Per:      probe.Primary,
	Run: func(ctx context.Context, t *probe.Trial) probe.Result {
		s, why := immutable(ctx, t)
		if s == nil {
			return why
		}
		list := writers(s)
		all := make([]tried, len(list))
		var wg sync.WaitGroup
		for i, w := range list {
			wg.Go(func() { all[i] = w.try(ctx, s) })
		}
		wg.Wait()
		r := fold(s, all, func(way string) string {
			return fmt.Sprintf("a tag that a plain push cannot move is moved by %s", way)
		})
		if r.Outcome == finding.Pass {
			r.Reason = fmt.Sprintf("%d ways to write it did not move the tag", len(all))
		}
		return r
	},
}
