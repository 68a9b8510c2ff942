// SPDX-License-Identifier: Apache-2.0

package anonymous

import (
	"context"
	"fmt"

	"github.com/regproof/regproof/access"
	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/oci"
	"github.com/regproof/regproof/probe"
)

// Tags asks for the list of tags.
var Tags = probe.Probe{
	ID:    "anonymous/tags",
	Title: "Tags cannot be listed without credentials",
	Why: "The tags of a repository tell what you release and when, and which old versions " +
		"can still be pulled.",
	How: []string{
		"GET /v2/REPO/tags/list, anonymous, on every address and protocol",
		"a 200 counts only when it names tags; the entitled list is the control",
	},
	Fix:      "Guard all of /v2/REPO/, not only manifests and blobs.",
	NotWhen:  "Listing is meant to be public: say so with can: [list] in policy.rules.",
	Severity: finding.Medium,
	Control:  "tags",
	Effect:   probe.Read,
	Per:      probe.Repository,
	Decides:  access.List,
	Run: func(ctx context.Context, t *probe.Trial) probe.Result {
		request := oci.Request{Method: "GET", Kind: oci.Tags, Repository: t.Repository()}
		entitled := t.Entitled(ctx, request)
		judge := t.Listing(entitled, func(body []byte) (string, bool) {
			_, tags, ok := oci.ParseTags(body)
			if !ok || len(tags) == 0 {
				return "", false
			}
			return fmt.Sprintf("%s of %s", count(len(tags), "tag"), t.Repository()), true
		}, "tags")
		return t.Judge(ctx, asDocker(probe.Attempt{Request: request, Judge: judge}))
	},
}
