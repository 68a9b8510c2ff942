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
		judge := t.Listing(entitled, func(body []byte) (string, bool) {
			repositories, ok := oci.ParseCatalog(body)
			repositories = slices.DeleteFunc(repositories, t.Open)
			if !ok || len(repositories) == 0 {
				return "", false
			}
			t.Sample(repositories)
			return count(len(repositories), "repository"), true
		}, "catalog")
		result := t.Judge(ctx, asDocker(probe.Attempt{Request: request, Judge: judge}))
		if s := entitled.Status; (s == 404 || s == 405) && result.Outcome != finding.Fail {
			return probe.NotApplicable(fmt.Sprintf("the registry has no catalog (%d)", s))
		}
		return result
	},
}
