// SPDX-License-Identifier: Apache-2.0

package anonymous

import (
	"context"
	"fmt"
	"slices"

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
		"GET /v2/REPO/tags/list, anonymous, on every address and protocol; also with n=1",
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
		page := request
		page.Query = "n=1"
		return t.Judge(ctx, []probe.Attempt{
			{Request: request, AllLanes: true, Judge: judge},
			{Request: page, Class: probe.Variant, Variant: "n=1", Judge: judge},
		})
	},
}

// Catalog asks for the list of repositories.
var Catalog = probe.Probe{
	ID:    "anonymous/catalog",
	Title: "Repositories cannot be listed without credentials",
	Why: "The catalog names every repository, and so projects, customers and what to try " +
		"next.",
	How: []string{
		"GET /v2/_catalog, anonymous, with the token flow, on every address and protocol",
		"an empty list is no leak: some registries show each caller what it may see",
	},
	Fix:      "Deny /v2/_catalog to anonymous, or switch the catalog off.",
	NotWhen:  "Only public repositories are listed.",
	Severity: finding.Medium,
	Control:  "catalog",
	Effect:   probe.Read,
	Per:      probe.Registry,
	Decides:  access.Catalog,
	Run: func(ctx context.Context, t *probe.Trial) probe.Result {
		request := oci.Request{Method: "GET", Kind: oci.Catalog, Query: "n=100"}
		entitled := t.Entitled(ctx, request)
		if s := entitled.Status; s == 404 || s == 405 {
			return probe.NotApplicable(fmt.Sprintf("the registry has no catalog (%d)", s))
		}
		return t.Judge(ctx, []probe.Attempt{{Request: request, AllLanes: true, Judge: t.Listing(entitled, func(body []byte) (string, bool) {
			repositories, ok := oci.ParseCatalog(body)
			repositories = slices.DeleteFunc(repositories, t.Open)
			if !ok || len(repositories) == 0 {
				return "", false
			}
			t.Sample(repositories)
			return count(len(repositories), "repository"), true
		}, "catalog")}})
	},
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	if what == "repository" {
		what = "repositorie"
	}
	return fmt.Sprintf("%d %ss", n, what)
}
