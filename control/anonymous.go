// SPDX-License-Identifier: Apache-2.0

package control

func anonymous() []Control {
	return []Control{
		{"manifest-by-tag", "A manifest cannot be read by tag without credentials", read,
			[]string{"anon-open-registry", "anon-ping-only-guard", "anon-read-limit-except", "token-anon-grant-private", "front-bot-filter-hides", "front-ban-hides", "ipv6-only-hole", "backend-direct", "mirror-private-anon", "gitea-private-container-anon"}},
		{"manifest-by-digest", "A manifest cannot be read by digest without credentials", read,
			[]string{"anon-digest-open-tag-guarded", "anon-open-registry"}},
		{"index-child", "The manifests inside an index cannot be read without credentials", read,
			[]string{"anon-digest-open-tag-guarded"}},
		{"config", "An image's config cannot be read without credentials", read,
			[]string{"anon-blob-open-manifest-guarded"}},
		{"layer", "A layer cannot be downloaded without credentials", read,
			[]string{"anon-blob-open-manifest-guarded", "anon-open-registry", "presigned-url-replay"}},
		{"head", "HEAD tells a stranger nothing that GET denies", read,
			[]string{"anon-head-open"}},
		{"tags", "Tags cannot be listed without credentials", list,
			[]string{"tags-list-leak"}},
		{"catalog", "Repositories cannot be listed without credentials", list,
			[]string{"catalog-open"}},
		{"referrers", "What is attached to an image cannot be listed without credentials", list,
			[]string{"referrers-leak"}},
		{"referrers-tag", "Attached signatures and SBOMs cannot be read by their tag without credentials", list,
			[]string{"referrers-leak"}},
		{"upload", "An upload cannot be started without credentials", []Clause{authRisk, authMeasure, authenticated, leastPrivilege, insecureAuth, denyAll, ccmStrong},
			[]string{"upload-anon-start", "anonymous-write-repo"}},
		{"existence", "A denial does not tell whether a repository exists", []Clause{authRisk, leastPrivilege},
			[]string{"repo-existence-oracle"}},
		{"challenge", "A denial says how to authenticate", []Clause{authMeasure, authenticated},
			nil},
	}
}
