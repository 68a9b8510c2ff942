// SPDX-License-Identifier: Apache-2.0

package ingress

import (
	"context"
	"fmt"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/oci"
	"github.com/regproof/regproof/probe"
)

// StaticExtension asks for tags that end like a file of a web page.
var StaticExtension = probe.Probe{
	ID:    "ingress/static-extension",
	Title: "The guard covers names that end like a static file",
	Why: "Fronts exempt .js, .css and images from authentication for a web page's sake. Tags " +
		"and repositories may end so.",
	How: []string{
		"the manifest of a made-up tag, and of the same with .js, .css, .png, .ico and .json",
		"a failure: the front denies the first, and the registry itself answers that it knows no such tag",
	},
	Fix:      "Exempt files by their exact path below the web page, and never by how a path ends.",
	NotWhen:  "Never: whoever is told that a tag does not exist has passed the guard.",
	Severity: finding.Medium,
	Control:  "static-extension",
	Effect:   probe.Read,
	Per:      probe.Once,
	Run: func(ctx context.Context, t *probe.Trial) probe.Result {
		extensions := []string{"", ".js", ".css", ".png", ".ico", ".json"}
		var attempts []probe.Attempt
		for _, e := range extensions {
			attempts = append(attempts, probe.Attempt{Request: oci.Request{
				Method: "GET", Kind: oci.Manifest, Repository: t.Repository(), Reference: "regproof-" + t.Way().Run + e, Accept: oci.AcceptManifests(),
			}})
		}
		answers := t.Ask(ctx, attempts...)
		return reaches(t, answers, func(i int) string { return fmt.Sprintf("a tag that ends in %s", extensions[i]) }, "such endings")
	},
}
