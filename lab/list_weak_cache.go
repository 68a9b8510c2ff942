// SPDX-License-Identifier: Apache-2.0

package lab

// weakCache are the doors with a cache in front that keeps what it should not.
func weakCache() []entry {
	return []entry{
		{Weakness: weak("cache-blobs-open", "A cache gives a blob to everybody once the entitled have read it.",
			"cache-sound", "cache/cached-content", "cache-auth-blind-blob"), front: cache(caching{keepsBlobs, byURL, isAPI})},
		{Weakness: weak("cache-silent-open", "A cache that tells nothing of itself gives a blob to everybody once the entitled have read it.",
			"cache-sound", "cache/cached-content", "cache-auth-blind-blob"), front: cache(caching{keepsBlobs, byURL, tellsNothing})},
		{Weakness: weak("cache-manifests-open", "A cache gives manifests, blobs and lists to everybody once the entitled have read them.",
			"cache-sound", "cache/cached-content", "cache-auth-blind-manifest"), front: cache(caching{keepsContent, byURL, isAPI})},
		{Weakness: weak("cache-accept-open", "A cache gives the entitled what another Accept header was answered.",
			"cache-sound", "cache/cache-key", "cache-auth-blind-manifest"), front: negotiated(caching{keepsContent, byCredential, isAPI})},
	}
}
