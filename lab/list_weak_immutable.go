// SPDX-License-Identifier: Apache-2.0

package lab

import "time"

// weakImmutable are the doors that let what was pushed become something else, or
// store what they should refuse.
func weakImmutable() []entry {
	return []entry{
		{Weakness: weak("tag-mutable", "distribution: whoever may push moves a tag.",
			"immutable-sound", "immutability/tag", "tag-mutable")},
		{Weakness: weak("immutable-delete", "A tag cannot be overwritten, and can be deleted and made anew.",
			"immutable-sound", "immutability/tag-recreation", "tag-immutable-bypass-delete"), front: immutable{deletes: true}.front},
		{Weakness: weak("immutable-latest-exempt", "Every tag is immutable but latest.",
			"immutable-sound", "immutability/tag-exemption", "tag-immutable-latest-exempt"), front: immutable{exempt: latest}.front},
		{Weakness: weak("immutable-by-query", "A tag that cannot be overwritten is moved by ?tag= of a push by digest.",
			"immutable-sound", "immutability/tag-writers", "tag-immutable-other-writers"), front: immutable{byQuery: true}.front},
		{Weakness: weak("immutable-index-exempt", "A tag that cannot be overwritten is moved by pushing an index.",
			"immutable-sound", "immutability/tag-writers", "tag-immutable-other-writers"), front: immutable{ignores: pushesIndex}.front},
		{Weakness: weak("immutable-race", "Whether a tag exists is looked at before it is written, and two may look at once.",
			"immutable-sound", "immutability/tag-race", "tag-immutable-other-writers"), front: immutable{slow: 30 * time.Millisecond}.front},
		{Weakness: weak("delete-tag-enabled", "Nothing may be deleted, and a tag is deleted all the same.",
			"deletes-disabled", "immutability/delete-disabled", "delete-disabled-bypass-tag"), front: leak(deletesTags), configure: deletesNothing},
		{Weakness: weak("deleted-still-served", "A manifest is served from a copy after it was deleted.",
			"sound-basic", "immutability/deleted-content", "deleted-content-still-served"), front: stillServes},
		{Weakness: weak("digest-unchecked", "Content is stored under whatever digest it is pushed.",
			"sound-basic", "immutability/digest", "digest-mismatch-accepted"), front: accepting(wrongDigest)},
		{Weakness: weak("type-confusion-accepted", "A manifest that is an image and an index is stored.",
			"sound-basic", "immutability/manifest-type", "manifest-type-confusion"), front: accepting(ambiguous)},
		{Weakness: weak("foreign-layers-accepted", "A manifest with a layer at any URL is stored.",
			"sound-basic", "immutability/foreign-layer", "foreign-layer-urls"), configure: anyForeignLayer},
		{Weakness: weak("anonymous-write", "Reads are guarded, writes are open to everybody.",
			"sound-basic", "immutability/anonymous-write", "anonymous-write-repo"), front: leak(writes)},
	}
}

// soundImmutable are the doors that keep what was pushed.
func soundImmutable() []entry {
	return []entry{
		{Weakness: sound("immutable-sound", "A tag that exists names the same image for ever.",
			"immutability/tag"), front: immutable{}.front},
		{Weakness: sound("immutable-lying", "A push to a tag that exists is answered 201, and changes nothing.",
			"immutability/tag"), front: immutable{lies: true}.front},
		{Weakness: sound("deletes-disabled", "distribution, told to delete nothing.",
			"immutability/delete-disabled"), configure: deletesNothing},
	}
}
