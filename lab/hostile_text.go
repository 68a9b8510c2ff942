// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
)

// nasty is what must never reach a terminal or a page as it is: a title
// change, a cleared screen, a bell, C1 controls, text that runs backwards, HTML.
const nasty = "\x1b]0;owned\x07\x1b[2J\x1b[1;31m\u009b31m\u0090q\u202egnp.exe<script>alert(1)</script>"

// rawC1 is CSI as one byte, which is not UTF-8.
const rawC1 = "\x9b2J"

// escapes has terminal escapes in its names, its errors and its headers, and
// content for nobody.
func escapes(w http.ResponseWriter, r *http.Request, _ *Door) {
	if readsList(r) {
		list(w, r, []string{"1.0" + nasty, nasty, "ok"})
		return
	}
	w.Header().Set("Docker-Distribution-Api-Version", "registry/2.0 "+nasty)
	w.Header().Set("WWW-Authenticate", `Basic realm="`+nasty+rawC1+`"`)
	deny(w, r, http.StatusUnauthorized, "UNAUTHORIZED"+nasty, "denied "+nasty)
}

// invalidUTF8 has bytes in its strings that are no characters.
func invalidUTF8(w http.ResponseWriter, r *http.Request, d *Door) {
	claim(w, r, d)
	const bad = "\xff\xfe\xc0\xaf\xed\xa0\x80\x9b"
	body := map[kind]string{
		manifest: `{"schemaVersion":2,"mediaType":"` + bad + `","layers":[],"annotations":{"` + bad + `":"` + bad + `"}}`,
		tags:     `{"name":"` + bad + `","tags":["` + bad + `","1.0` + bad + `"]}`,
		catalog:  `{"repositories":["` + bad + `"]}`,
		referrer: `{"schemaVersion":2,"manifests":[{"artifactType":"` + bad + `"}]}`,
	}[routeOf(r).kind]
	_, _ = io.WriteString(w, body+bad)
}

// badDigest serves one index under every reference; what it names has digests
// that are paths, have no or too much content, or an algorithm nobody knows.
// Asked for one of them, it serves the same index again.
func badDigest(w http.ResponseWriter, r *http.Request, d *Door) {
	claim(w, r, d)
	x := imageIndex{SchemaVersion: 2, MediaType: ociIndex}
	for _, digest := range []string{
		"sha256:../../../../etc/passwd", "../../blobs/sha256:" + strings.Repeat("a", 64), "sha256:", ":", "",
		"sha256:" + strings.Repeat("A", 64), "sha256:" + strings.Repeat("f", 20_000), "md5:d41d8cd98f00b204e9800998ecf8427e",
		"sha256:" + strings.Repeat("a", 64) + "?x=1#y", "sha256:" + strings.Repeat("g", 64), "sha256:" + strings.Repeat("b", 64),
		"sha256:\r\nX-Injected: 1", "sha256:\x00",
	} {
		x.Manifests = append(x.Manifests, descriptor{MediaType: ociManifest, Digest: digest, Size: -1})
	}
	body, err := json.Marshal(x)
	if err != nil {
		broken(w, r, d)
		return
	}
	w.Header().Set("Content-Type", ociIndex)
	w.Header().Set("Docker-Content-Digest", digestOf(body))
	if t := routeOf(r); t.byDigest() {
		w.Header().Set("Docker-Content-Digest", "sha256:../../../../etc/passwd")
	}
	_, _ = w.Write(body)
}

func readsManifest(r *http.Request) bool { return isRead(r) && routeOf(r).kind == manifest }

// deepJSON is 200,000 arrays in one another, valid and useless.
func deepJSON(w http.ResponseWriter, r *http.Request, d *Door) {
	const depth = 200_000
	claim(w, r, d)
	_, _ = io.WriteString(w, strings.Repeat("[", depth)+strings.Repeat("]", depth))
}
