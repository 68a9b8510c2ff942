// SPDX-License-Identifier: Apache-2.0

package control

// unchanged is what controls about tags that must not move cite.
var unchanged = []Clause{staleRisk, leastPrivilege, integrity}

// honest is what controls about what a registry stores cite.
var honest = []Clause{authMeasure, integrity, maintained}

func immutability() []Control {
	return []Control{
		{"tag-immutable", "A tag cannot be moved to another image", unchanged,
			[]string{"tag-mutable"}},
		{"tag-recreation", "A tag cannot be deleted and made anew for another image", unchanged,
			[]string{"tag-immutable-bypass-delete"}},
		{"tag-exemption", "No name of a tag is exempt from immutability", unchanged,
			[]string{"tag-immutable-latest-exempt"}},
		{"tag-writers", "Every way to write a tag holds it immutable", unchanged,
			[]string{"tag-immutable-other-writers"}},
		{"tag-race", "Of two who write a new tag at once one alone wins", unchanged,
			[]string{"tag-immutable-other-writers"}},
		{"delete-disabled", "Where deleting is disabled a tag cannot be deleted either", unchanged,
			[]string{"delete-disabled-bypass-tag"}},
		{"deleted-content", "What was deleted is no longer served", []Clause{staleRisk, maintained},
			[]string{"deleted-content-still-served"}},
		{"content-digest", "Content is stored under its own digest alone", honest,
			[]string{"digest-mismatch-accepted"}},
		{"manifest-type", "A manifest of two meanings is refused", honest,
			[]string{"manifest-type-confusion"}},
		{"foreign-layer", "A layer at a foreign URL is refused", honest,
			[]string{"foreign-layer-urls"}},
		{"anonymous-write", "Strangers cannot write", []Clause{authRisk, authMeasure, authenticated, leastPrivilege, insecureAuth, denyAll, ccmStrong},
			[]string{"anonymous-write-repo"}},
	}
}
