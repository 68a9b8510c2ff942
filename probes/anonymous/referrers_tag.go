// SPDX-License-Identifier: Apache-2.0

package anonymous

import (
	"context"
	"fmt"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/probe"
)

// ReferrersTag asks for the same under the tags where clients keep it when a
// registry has no referrers API.
var ReferrersTag = probe.Probe{
	ID:    "anonymous/referrers-tag",
	Title: "Attached signatures and SBOMs cannot be read by their tag without credentials",
	Why: "Clients keep signatures, attestations and SBOMs under tags made from the digest. " +
		"A guard that lists the tags of releases does not know them.",
	How: []string{
		"GET /v2/REPO/manifests/sha256-HEX and the same with .sig, .att and .sbom, anonymous",
		"only what the entitled identity gets there can be leaked",
	},
	Fix:      "Authorise by repository, so that every tag in it needs the same right.",
	NotWhen:  "Signatures are meant to be public: then keep them in a repository that is.",
	Severity: finding.Medium,
	Control:  "referrers-tag",
	Effect:   probe.Read,
	Per:      probe.Image,
	Needs:    []probe.Need{probe.NeedContent},
	Run: func(ctx context.Context, t *probe.Trial) probe.Result {
		tag := t.Known().Root.Digest.FallbackTag()
		var attempts []probe.Attempt
		undecided := ""
		var tries []probe.Attempt
		for _, suffix := range []string{"", ".sig", ".att", ".sbom"} {
			tries = append(tries, manifest(t, tag+suffix, nil))
		}
		for i, entitled := range t.EntitledAll(ctx, tries) {
			a := tries[i]
			switch entitled.Status {
			case 200:
				a.Content = t.ContentOf(entitled)
				attempts = append(attempts, asDocker(a)...)
			case 404:
			default:
				undecided = fmt.Sprintf("no control: the entitled were answered %d", entitled.Status)
				if entitled.Status == 0 {
					undecided = "no control: nobody entitled was asked through this endpoint"
				}
			}
		}
		if len(attempts) == 0 && undecided != "" {
			return probe.Result{Outcome: finding.Unknown, Reason: undecided}
		}
		if len(attempts) == 0 {
			return probe.NotApplicable("nothing is attached to the image by tag")
		}
		return t.Judge(ctx, attempts)
	},
}
