// SPDX-License-Identifier: Apache-2.0

package lab

// unprovableEntries are the doors whose answers prove nothing: each must be
// unknown.
func unprovableEntries() []entry {
	vague := func(name, title, twin string) Weakness {
		return Weakness{Name: name, Title: title, Kind: Unprovable, Twin: twin, Probe: "anonymous/manifest-by-tag"}
	}
	return []entry{
		{Weakness: vague("html-unknown", "Strangers get a page with status 200 whose text depends on the path.",
			"html-login"), front: instead(anonymousAPI, htmlUnknown)},
		{Weakness: vague("too-many", "Strangers get 429.", "limit-req-sound"), front: instead(anonymousAPI, tooMany)},
		{Weakness: vague("broken", "Strangers get 500.", "sound-basic"), front: instead(anonymousAPI, broken)},
		{Weakness: vague("broken-for-all", "Everybody gets 500.", "sound-basic"), front: instead(isAPI, broken)},
	}
}
