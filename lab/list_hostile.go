// SPDX-License-Identifier: Apache-2.0

package lab

// hostileEntries are the doors that attack whoever asks. They treat everybody
// alike and give content to nobody in what they answer in their own way.
func hostileEntries() []entry {
	hostile := func(name, title, twin, probe, id string) Weakness {
		return Weakness{Name: name, Title: title, Kind: Hostile, Twin: twin, Probe: probe, Entry: id}
	}
	const tag, tagList, location = "anonymous/manifest-by-tag", "anonymous/tags", "anonymous/upload"
	return []entry{
		{Weakness: hostile("endless-body", "Bodies never end, and are fast.", "sound-basic", tag, ""), front: instead(readsContent, endlessBody)},
		{Weakness: hostile("drip-body", "Bodies never end, at a byte a second.", "sound-basic", tag, ""), front: instead(readsContent, dripBody)},
		{Weakness: hostile("mid-close", "Bodies break off after 100 of 1000 bytes.", "sound-basic", tag, ""), front: instead(readsContent, midClose)},
		{Weakness: hostile("lying-digest", "Other bytes are served under the right digest.", "sound-basic", tag, "digest-mismatch-accepted"),
			front: instead(readsContent, lyingDigest)},
		{Weakness: hostile("lying-length", "Content-Length is wrong, or there are two.", "sound-basic", tag, ""), front: instead(readsContent, lyingLength)},
		{Weakness: hostile("giant-header", "Answers have 12 MB of headers.", "sound-basic", tag, ""), front: instead(readsContent, giantHeader)},
		{Weakness: hostile("informational-flood", "Answers begin with 103 for ever.", "sound-basic", tag, ""), front: instead(readsContent, informationalFlood)},
		{Weakness: hostile("gzip-bomb", "Bodies are a gigabyte of zeros in gzip.", "sound-basic", tag, ""), front: instead(readsContent, gzipBomb)},
		{Weakness: hostile("deep-json", "Bodies are 200,000 arrays in one another.", "sound-basic", tag, ""), front: instead(readsContent, deepJSON)},
		{Weakness: hostile("redirect-loop", "Content redirects to itself 10,000 times.", "login-redirect", tag, ""), front: instead(readsContent, redirectLoop)},
		{Weakness: hostile("redirect-metadata", "Content redirects to a cloud's metadata address.", "login-redirect", tag, "redirect-auth-forward"),
			front: redirectTo(metadata)},
		{Weakness: hostile("redirect-mapped", "Content redirects to loopback as an IPv4-mapped address.", "login-redirect", tag, "redirect-auth-forward"),
			front: redirectTo(mapped)},
		{Weakness: hostile("redirect-name", "Content redirects to a name that resolves to loopback.", "login-redirect", tag, "redirect-auth-forward"),
			front: redirectTo(byName)},
		{Weakness: hostile("foreign-location", "An upload's Location is on another host.", "sound-basic", location, "location-host-reflection"),
			front: instead(startsUpload, foreignLocation)},
		{Weakness: hostile("foreign-link", "Lists continue on another host.", "sound-basic", tagList, ""), front: instead(readsList, foreignLink)},
		{Weakness: hostile("endless-paging", "Lists have a next page for ever.", "sound-basic", tagList, ""), front: instead(readsList, endlessPaging)},
		{Weakness: needsToken(hostile("realm-switch", "Once the token is used, another realm on another host is named.", "sound-token", tag, "realm-foreign-host")),
			front: instead(isAPI, realmSwitch)},
		{Weakness: hostile("realm-foreign", "The realm is on another host.", "sound-token", tag, "realm-foreign-host"), front: instead(isAPI, realmForeign)},
		{Weakness: needsToken(hostile("realm-redirect", "The token service redirects to another host.", "sound-token", tag, "realm-foreign-host")),
			front: instead(isToken, realmRedirect)},
		{Weakness: hostile("escapes", "Names, errors and headers hold terminal escapes and HTML.", "sound-basic", tagList, ""),
			front: instead(readsContent, escapes)},
		{Weakness: hostile("invalid-utf8", "Answers hold bytes that are not UTF-8.", "sound-basic", tagList, ""), front: instead(readsContent, invalidUTF8)},
		{Weakness: hostile("bad-digest", "Manifests name digests that are paths, empty, endless or unknown.", "sound-basic", tag, ""),
			front: instead(readsManifest, badDigest)},
		{Weakness: hostile("tls-on-http", "The port of an http URL speaks TLS.", "sound-basic", tag, ""), hideTLS: true},
		{Weakness: hostile("http-on-tls", "The port of an https URL speaks plain HTTP.", "sound-basic", tag, ""), fakeTLS: true},
	}
}
