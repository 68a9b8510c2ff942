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

// Referrers asks what is attached to the image, through the API.
var Referrers = probe.Probe{
	ID:    "anonymous/referrers",
	Title: "What is attached to an image cannot be listed without credentials",
	Why: "SBOMs, signatures and attestations tell what an image is made of and from which " +
		"source.",
	How: []string{
		"GET /v2/REPO/referrers/DIGEST, anonymous, also with artifactType",
		"an empty index is no leak: the specification lets a registry answer that for anything",
	},
	Fix:      "Guard all of /v2/REPO/, the referrers route too.",
	NotWhen:  "The image is meant to be public: say so with a rule in policy.rules.",
	Severity: finding.Medium,
	Control:  "referrers",
	Effect:   probe.Read,
	Per:      probe.Image,
	Needs:    []probe.Need{probe.NeedContent},
	Decides:  access.List,
	Run: func(ctx context.Context, t *probe.Trial) probe.Result {
		request := oci.Request{Method: "GET", Kind: oci.Referrers, Repository: t.Repository(), Reference: string(t.Known().Root.Digest), Accept: []string{oci.MediaImageIndex}}
		entitled := t.Entitled(ctx, request)
		judge := t.Listing(entitled, attached, "referrers")
		typed := request
		typed.Query = "artifactType=application%2Fspdx%2Bjson"
		attempts := asDocker(probe.Attempt{Request: request, Judge: judge})
		result := t.Judge(ctx, append(attempts, probe.Attempt{Request: typed, Class: probe.Variant, Variant: "artifactType", Judge: judge}))
		if s := entitled.Status; (s == 404 || s == 405) && result.Outcome != finding.Fail {
			return probe.NotApplicable(fmt.Sprintf("the registry has no referrers API (%d)", s))
		}
		return result
	},
}

func attached(body []byte) (string, bool) {
	d, err := oci.ParseDocument(body)
	if err != nil || len(d.Manifests) == 0 {
		return "", false
	}
	return count(len(d.Manifests), "attachment"), true
}
