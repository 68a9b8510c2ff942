// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"context"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/image"
	"github.com/regproof/regproof/probe"
)

// BlobRepository asks for a blob of the private image under another repository.
var BlobRepository = probe.Probe{
	ID:    "authz/blob-repository",
	Title: "A blob cannot be read through a repository that does not hold it",
	Why: "Registries keep each blob once, whoever pushed it. If they ask only whether the caller may read " +
		"the repository in the path, whoever reads one repository reads the blobs of all (CVE-2024-39897).",
	How: []string{
		"a config of the private image, which no two builds share, and a layer, under a repository that the identity may pull: GET, then HEAD and Range",
		"only as identities that policy does not let pull the image and that are denied it, and as a stranger under a repository that is public: whoever may read both could link the blob there (zot)",
		"the identity reads a manifest of the other repository: the control; where that repository serves the image's manifest, the image may be there too, which is no leak",
		"a registry that fails may keep a link to the blob in the other repository (zot before 2.1.0)",
	},
	Fix: "Update the registry (CVE-2024-39897), or switch deduplication off; authz/blob-link proves whether HEAD is " +
		"closed too. A registry of your own must look a blob up among the links of the repository.",
	NotWhen:  "The other repository holds the blob itself, untagged.",
	Severity: finding.High,
	Control:  "blob-repository",
	Effect:   probe.Read,
	Per:      probe.Repository,
	Needs:    []probe.Need{probe.NeedContent},
	Named:    true,
	Run: func(ctx context.Context, t *probe.Trial) probe.Result {
		if why := t.Primes(); why != "" {
			return probe.Result{Outcome: finding.NotChecked, Reason: why}
		}
		blobs := unique(t)
		if len(blobs) == 0 {
			return probe.NotApplicable("the image has no config and no layer of its own")
		}
		ways := through(t)
		if len(ways) == 0 {
			return probe.NotApplicable("there is no other repository in images that somebody may pull who may not pull this one: name one there")
		}
		t.Turn(ctx)
		// What is not there at all is denied to nobody.
		control, why := t.Shown(blob(t.Repository(), blobs[0]), true)
		results := make([]probe.Result, len(ways))
		for i, w := range ways { // one after the other: what the first left behind is not the second's
			results[i] = w.try(ctx, t, blobs)
		}
		t.Asked(ctx)
		for i, w := range ways {
			results[i] = w.settle(ctx, t, results[i], control, why)
		}
		return together(results, probe.Result{})
	},
}

// unique are a config and a layer that are this image's alone, the config first:
// a layer may be in another repository by right, since many images share one.
func unique(t *probe.Trial) []*image.Content {
	k := t.Known()
	var out []*image.Content
	for _, some := range [][]*image.Content{k.Configs, k.Layers} {
		if own := t.Private(some); len(own) > 0 {
			out = append(out, own[0])
		}
	}
	return out
}
