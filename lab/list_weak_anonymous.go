// SPDX-License-Identifier: Apache-2.0

package lab

import "time"

// weakAnonymous are the doors that let a stranger in who just asks.
func weakAnonymous() []entry {
	return []entry{
		{Weakness: weak("no-auth", "Nobody is asked for anything.",
			"sound-basic", "anonymous/manifest-by-tag", "anon-open-registry"), front: leak(always)},
		{Weakness: weak("reads-open", "GET and HEAD are open, writes are guarded.",
			"sound-basic", "anonymous/manifest-by-tag", "anon-read-limit-except"), front: leak(reads)},
		{Weakness: weak("ping-only", "Only /v2/ is guarded.",
			"sound-basic", "anonymous/manifest-by-tag", "anon-ping-only-guard"), front: leak(notPing)},
		{Weakness: weak("blobs-open", "Blobs are open, manifests are guarded.",
			"sound-basic", "anonymous/layer", "anon-blob-open-manifest-guarded"), front: leak(readOf(blob))},
		{Weakness: weak("config-open", "Image configs are open, layers and manifests are guarded.",
			"sound-basic", "anonymous/config", "anon-blob-open-manifest-guarded"), front: leak(blobsOf(configs))},
		{Weakness: weak("manifests-open", "Manifests are open, blobs are guarded.",
			"sound-basic", "anonymous/manifest-by-tag", ""), front: leak(readOf(manifest))},
		{Weakness: weak("digest-open", "A manifest is open by digest and guarded by tag.",
			"sound-basic", "anonymous/manifest-by-digest", "anon-digest-open-tag-guarded"), front: leak(manifestByDigest)},
		{Weakness: weak("child-open", "The children of an index are open, the index is guarded.",
			"sound-basic", "anonymous/index-child", "anon-digest-open-tag-guarded"), front: leak(childByDigest)},
		{Weakness: weak("layer-open", "A single layer of team-a/app is open.",
			"sound-basic", "anonymous/layer", "anon-blob-open-manifest-guarded"), front: leak(blobsOf(oneLayer))},
		{Weakness: weak("head-open", "HEAD is open, GET is guarded.",
			"sound-basic", "anonymous/head", "anon-head-open"), front: leak(heads)},
		{Weakness: weak("range-open", "Requests with a Range header are open.",
			"sound-basic", "ingress/range", ""), front: leak(ranges)},
		{Weakness: weak("conditional-open", "Requests with an If-None-Match header are open.",
			"sound-basic", "ingress/conditional", "front-conditional-exempt"), front: leak(conditional)},
		{Weakness: weak("accept-open", "Manifests are guarded only when Accept names an index type.",
			"sound-basic", "ingress/accept", "front-accept-header"), front: leak(otherAccept)},
		{Weakness: weak("tags-open", "The tag list is open.",
			"sound-basic", "anonymous/tags", "tags-list-leak"), front: leak(readOf(tags))},
		{Weakness: weak("catalog-open", "The catalog is open.",
			"sound-basic", "anonymous/catalog", "catalog-open"), front: leak(readOf(catalog))},
		{Weakness: weak("referrers-open", "The referrers of an image are open.",
			"sound-referrers", "anonymous/referrers", "referrers-leak"), front: leak(readOf(referrer)), referrers: true},
		{Weakness: weak("referrers-tag-open", "The fallback tag that lists the referrers is open.",
			"sound-basic", "anonymous/referrers-tag", "referrers-leak"), front: leak(fallbackTag)},
		{Weakness: weak("upload-open", "Anybody can start an upload.",
			"sound-basic", "anonymous/upload", "upload-anon-start"), front: leak(uploadStart)},
		{Weakness: needsToken(weak("anon-token", "The token service lets anonymous pull everything.",
			"token-empty-access", "anonymous/manifest-by-tag", "token-anon-grant-private")), anonymous: anyRepository},
		{Weakness: weak("bot-filter", "The registry is open, and a bot filter hides it from whoever is not a known client.",
			"deny-403", "anonymous/manifest-by-tag", "front-bot-filter-hides"), front: botFilter},
		{Weakness: weak("open-to-empty-agent", "Requests without a User-Agent are open.",
			"sound-basic", "anonymous/manifest-by-tag", "front-user-agent-exempt"), front: leak(emptyAgent)},
		{Weakness: weak("second-address-open", "The registry is open on its second address.",
			"second-address-sound", "anonymous/manifest-by-tag", "lb-inconsistent-backends"), front: leak(onSecondAddress), second: true},
		{Weakness: needsTLS(weak("open-on-http2", "Requests over HTTP/2 are open.",
			"sound-basic", "anonymous/manifest-by-tag", "")), front: leak(overHTTP2)},
		{Weakness: weak("existence-oracle", "Strangers are told which repositories exist.",
			"hides-404", "anonymous/existence", "repo-existence-oracle"), front: existenceOracle},
		{Weakness: weak("presigned-open", "Anybody gets a signed storage URL for a blob, of a storage that cannot be reached from here.",
			"presigned-sound", "anonymous/layer", "presigned-url-replay"), front: presigned(nowhere, true)},
		{Weakness: weak("presigned-loopback-open", "Anybody gets a signed storage URL for a blob, and the blob there.",
			"presigned-sound", "anonymous/layer", "presigned-url-replay"), front: presigned(ownStorage, true), storage: true},
		{Weakness: weak("limit-req-open", "The registry is open, and a rate limit that answers 403 hides it after the first request of a second.",
			"limit-req-sound", "anonymous/manifest-by-tag", "front-ban-hides"), front: limitReq(1, 0, true)},
		{Weakness: weak("ban-open", "The registry is open, and a ban hides it for a minute after eight answers of 400 or above.",
			"ban-sound", "anonymous/manifest-by-tag", "front-ban-hides"), front: ban(8, time.Hour, time.Minute, true)},
		{Weakness: weak("no-challenge", "A denial has no WWW-Authenticate header.",
			"sound-basic", "anonymous/challenge", ""), front: noChallenge},
	}
}

// The two rules other than isPublic by which a token service lets anonymous pull.
func anyRepository(string) bool { return true }
func noRepository(string) bool  { return false }
