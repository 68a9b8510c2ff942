// SPDX-License-Identifier: Apache-2.0

package lab

import "time"

// soundEntries are the doors that hold: each must pass, whatever it looks like.
func soundEntries() []entry {
	sound := func(name, title, probe string) Weakness {
		return Weakness{Name: name, Title: title, Kind: Sound, Probe: probe}
	}
	token := func(w Weakness) Weakness { w.Needs.Token = true; return w }
	return []entry{
		{Weakness: sound("sound-basic", "distribution with htpasswd.", "anonymous/manifest-by-tag")},
		{Weakness: token(sound("sound-token", "distribution with tokens; anonymous may pull public/** alone.", "anonymous/manifest-by-tag"))},
		{Weakness: sound("sound-referrers", "A registry with a referrers API and Basic authentication.", "anonymous/referrers"), referrers: true},
		{Weakness: token(sound("token-empty-access", "The token service gives anonymous a token that allows nothing.",
			"anonymous/manifest-by-tag")), anonymous: noRepository},
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
