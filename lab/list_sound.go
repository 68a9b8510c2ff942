// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"slices"
	"time"
)

// soundEntries are the doors that hold: each must pass, whatever it looks like.
func soundEntries() []entry {
	return slices.Concat(
		soundAnonymous(), soundOdd(), soundTransport(),
		soundMutual(),
		soundToken(), soundWorkload(),
		soundImmutable(),
		soundAuthz(),
	)
}

func sound(name, title, probe string) Weakness {
	return Weakness{Name: name, Title: title, Kind: Sound, Probe: probe}
}

// soundAnonymous are the doors that deny strangers, each in its way.
func soundAnonymous() []entry {
	return []entry{
		{Weakness: sound("sound-basic", "distribution with htpasswd.", "anonymous/manifest-by-tag")},
		{Weakness: needsToken(sound("sound-token", "distribution with tokens; anonymous may pull public/** alone.", "anonymous/manifest-by-tag"))},
		{Weakness: sound("sound-referrers", "A registry with a referrers API and Basic authentication.", "anonymous/referrers"), referrers: true},
		{Weakness: needsToken(sound("token-empty-access", "The token service gives anonymous a token that allows nothing.",
			"anonymous/manifest-by-tag")), tokens: gives(nothing)},
		{Weakness: sound("hides-404", "What a caller may not see is answered as if it were not there.",
			"anonymous/manifest-by-tag"), front: hide404},
		{Weakness: sound("login-redirect", "Strangers are redirected to a login page.",
			"anonymous/manifest-by-tag"), front: loginRedirect},
		{Weakness: sound("html-login", "Strangers get a login page with status 200, the same everywhere.",
			"anonymous/manifest-by-tag"), front: instead(anonymous, htmlLogin)},
		{Weakness: sound("deny-403", "Strangers get 403 DENIED.",
			"anonymous/manifest-by-tag"), front: instead(anonymousAPI, deny403)},
		{Weakness: sound("limit-req-sound", "A guarded registry behind a rate limit that answers 403.",
			"anonymous/manifest-by-tag"), front: limitReq(10, 10, false)},
		{Weakness: sound("ban-sound", "A guarded registry behind a ban for five seconds after 40 denials within ten.",
			"anonymous/manifest-by-tag"), front: ban(40, 10*time.Second, 5*time.Second, false)},
		{Weakness: sound("presigned-sound", "The entitled, and they alone, get a signed storage URL for a blob.",
			"anonymous/layer"), front: presigned(ownStorage, false), storage: true},
		{Weakness: sound("referrers-empty", "The referrers API answers everybody with an empty index.",
			"anonymous/referrers"), front: instead(readsReferrers, emptyReferrers), referrers: true},
		{Weakness: sound("second-address-sound", "The registry is guarded on both its addresses.",
			"anonymous/manifest-by-tag"), second: true},
	}
}

// soundOdd are the doors that look like a weakness of their front, their cache
// or their product, and have none.
func soundOdd() []entry {
	return []entry{
		{Weakness: sound("front-basic", "nginx with auth_basic before an open registry, over everything.",
			"ingress/depth"), front: nginxBasic(skipsNothing)},
		{Weakness: sound("cleans-path-301", "Odd spellings of a path are redirected to the plain one.",
			"ingress/path-spelling"), front: redirectsOddPaths},
		{Weakness: sound("rejects-odd", "Odd spellings of a path get 400, and unknown names 421.",
			"ingress/path-spelling"), front: rejectsOdd},
		{Weakness: sound("options-cors", "OPTIONS gets 204, and every page may read what needs no credentials.",
			"ingress/cors"), front: allowOrigin(false)},
		{Weakness: sound("redirects-unknown-host", "Whoever asks for another name is redirected to the registry's own.",
			"ingress/host"), front: toCanonicalHost},
		{Weakness: sound("catch-all-html", "Every path outside the API gets the same page with status 200.",
			"exposure/v1-api"), front: singlePage},
		{Weakness: sound("private-404", "What is private is answered as if it were not there, and unknown methods with 405.",
			"ingress/method"), front: private404},
		{Weakness: sound("cache-sound", "A cache keeps what cannot change, for each credential and Accept header apart.",
			"cache/cached-content"), front: negotiated(caching{keepsFixed, byCredentialAndAccept, keepsFixed})},
		{Weakness: sound("harbor-sound", "Harbor tells strangers nothing that is private, and admits none.",
			"exposure/version"), front: harbor{}.front},
	}
}
