// SPDX-License-Identifier: Apache-2.0

package cache

import (
	"context"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/image"
	"github.com/regproof/regproof/oci"
	"github.com/regproof/regproof/probe"
)

// CachedContent asks once more after the entitled have read an image.
var CachedContent = probe.Probe{
	ID:    "cache/cached-content",
	Title: "A shared cache asks the registry about every stranger",
	Why: "A cache keyed by the path alone gives everybody what one user was allowed to " +
		"read. Asked cold, it denies, so that it looks sound to whoever tries only once.",
	How: []string{
		"the manifest by tag and by digest, the config, a layer and the list of tags, anonymous, before and after the entitled have read them through this way in",
		"the same with a made-up user and password",
		"a failure: what was denied is served now, and with an unknown parameter, which no cache has seen, it is denied again; or the answer itself says that it is a hit",
		"a door that looks like a cache is asked cold alone, unless --prime-caches allows the entitled read; then that is of images in check.sandbox alone",
	},
	Fix: "Put Authorization into the cache key, or do not cache answers to requests that carry " +
		"one (RFC 9111 section 3.5): the registry's own Cache-Control on blobs lets shared caches " +
		"keep them.",
	NotWhen:  "The image is meant to be public: say so with a rule in policy.rules.",
	Severity: finding.Critical,
	Control:  "cached-content",
	Effect:   probe.Read,
	Per:      probe.Image,
	Needs:    []probe.Need{probe.NeedContent},
	Run: func(ctx context.Context, t *probe.Trial) probe.Result {
		if why := t.Behind(); why != "" {
			if t.LooksCached() {
				return probe.Result{Outcome: finding.NotChecked, Reason: "it was asked cold alone: " + why + " without --prime-caches, and then what is in check.sandbox alone"}
			}
			return probe.Result{Outcome: finding.Unknown, Reason: "no control: " + why}
		}
		k := t.Known()
		get := func(kind oci.Kind, reference string, c *image.Content) probe.Attempt {
			a := probe.Attempt{Request: oci.Request{Method: "GET", Kind: kind, Repository: t.Repository(), Reference: reference}, Content: c}
			if kind == oci.Manifest {
				a.Request.Accept = oci.AcceptManifests()
			} else {
				a.Limits = probe.BlobLimits(c)
			}
			return a
		}
		attempts := []probe.Attempt{get(oci.Manifest, string(k.Root.Digest), k.Root)}
		if k.Tag != "" {
			attempts = append(attempts, get(oci.Manifest, k.Tag, k.Root))
		}
		for _, list := range [][]*image.Content{t.Private(k.Configs), t.Private(k.Layers)} {
			if len(list) > 0 {
				attempts = append(attempts, get(oci.Blob, string(list[0].Digest), list[0]))
			}
		}
		tags := oci.Request{Method: "GET", Kind: oci.Tags, Repository: t.Repository()}
		attempts = append(attempts, probe.Attempt{Request: tags, Judge: t.Listing(t.Entitled(ctx, tags), func(body []byte) (string, bool) {
			_, list, ok := oci.ParseTags(body)
			return "the list of tags is", ok && len(list) > 0
		}, "tags")})
		return t.Cached(ctx, attempts)
	},
}
