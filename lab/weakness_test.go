// SPDX-License-Identifier: Apache-2.0

package lab_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/regproof/regproof/lab"
)

// claims is the access claim of a token, as it was written.
func claims(t *testing.T, token string) string {
	t.Helper()
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		t.Fatalf("not a token: %s", token)
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		t.Fatal(err)
	}
	var c struct{ Access json.RawMessage }
	if err := json.Unmarshal(payload, &c); err != nil {
		t.Fatal(err)
	}
	return string(c.Access)
}

// leak is the anonymous request that a weakness lets through.
type leak struct {
	weakness string
	method   string // GET unless it is said
	target   func(*lab.Lab) string
	header   []string
	status   int                             // 200 unless it is said
	want     func(*testing.T, *lab.Lab, got) // what proves it
	http2    bool
	second   bool
}

func TestWeaknessesLeakAndTwinsHold(t *testing.T) {
	l := open(t)
	app, single := image(t, l, "team-a/app:1.4"), image(t, l, "team-a/app:1.3")
	at := func(target string) func(*lab.Lab) string {
		return func(*lab.Lab) string { return "/v2/team-a/app" + target }
	}
	digest := func(want string) func(*testing.T, *lab.Lab, got) {
		return func(t *testing.T, _ *lab.Lab, g got) {
			if g.digest() != want {
				t.Errorf("digest %s, want %s", g.digest(), want)
			}
		}
	}
	says := func(want string) func(*testing.T, *lab.Lab, got) {
		return func(t *testing.T, _ *lab.Lab, g got) {
			if !bytes.Contains(g.body, []byte(want)) {
				t.Errorf("%s lacks %s", g.body, want)
			}
		}
	}
	tag, layer := at("/manifests/1.4"), at("/blobs/"+app.Private[0])
	last := app.Private[1]
	manifest := "application/vnd.oci.image.manifest.v1+json"
	for _, row := range []leak{
		{weakness: "no-auth", target: tag, want: digest(app.Digest)},
		{weakness: "reads-open", target: tag, want: digest(app.Digest)},
		{weakness: "ping-only", target: tag, want: digest(app.Digest)},
		{weakness: "blobs-open", target: layer, want: digest(app.Private[0])},
		{weakness: "config-open", target: at("/blobs/" + app.Configs[1]), want: digest(app.Configs[1])},
		{weakness: "manifests-open", target: tag, want: digest(app.Digest)},
		{weakness: "digest-open", target: at("/manifests/" + app.Digest), want: digest(app.Digest)},
		{weakness: "child-open", target: at("/manifests/" + app.Children[1]), want: digest(app.Children[1])},
		{weakness: "layer-open", target: at("/blobs/" + last), want: digest(last)},
		{weakness: "head-open", method: "HEAD", target: tag, want: func(t *testing.T, _ *lab.Lab, g got) {
			if g.header.Get("Docker-Content-Digest") != app.Digest {
				t.Errorf("header %v", g.header)
			}
		}},
		{weakness: "range-open", target: layer, header: []string{"Range", "bytes=2000-2099"}, status: 206, want: func(t *testing.T, l *lab.Lab, g got) {
			full := ask(t, l, door(t, l, lab.DoorOptions{}), false).as(l).do("GET", layer(l))
			if !bytes.Equal(g.body, full.body[2000:2100]) {
				t.Errorf("%d other bytes", len(g.body))
			}
		}},
		{weakness: "conditional-open", target: tag, header: []string{"If-None-Match", `"x"`}, want: digest(app.Digest)},
		{weakness: "accept-open", target: at("/manifests/1.3"), header: []string{"Accept", manifest}, want: digest(single.Digest)},
		{weakness: "tags-open", target: at("/tags/list"), want: says(`"1.4"`)},
		{weakness: "catalog-open", target: func(*lab.Lab) string { return "/v2/_catalog" }, want: says(`"team-b/tool"`)},
		{weakness: "referrers-open", target: at("/referrers/" + app.Digest), want: says(app.Referrers[0])},
		{weakness: "referrers-tag-open", target: at("/manifests/" + app.ReferrersTag), want: says(app.Referrers[0])},
		{weakness: "upload-open", method: "POST", target: at("/blobs/uploads/"), status: 202, want: func(t *testing.T, _ *lab.Lab, g got) {
			if !strings.HasPrefix(g.header.Get("Location"), "/v2/team-a/app/blobs/uploads/") {
				t.Errorf("location %s", g.header.Get("Location"))
			}
		}},
		{weakness: "open-to-empty-agent", target: tag, header: []string{"User-Agent", ""}, want: digest(app.Digest)},
		{weakness: "bot-filter", target: tag, header: []string{"User-Agent", "docker/27.1"}, want: digest(app.Digest)},
		{weakness: "second-address-open", target: tag, second: true, want: digest(app.Digest)},
		{weakness: "open-on-http2", target: tag, http2: true, want: digest(app.Digest)},
		{weakness: "existence-oracle", target: func(*lab.Lab) string { return "/v2/no/such/manifests/1" }, status: 404, want: says("NAME_UNKNOWN")},
		{weakness: "presigned-open", target: layer, status: 307, want: func(t *testing.T, _ *lab.Lab, g got) {
			if at := g.header.Get("Location"); !strings.HasPrefix(at, "http://192.0.2.1:9/") || !strings.Contains(at, "X-Amz-Expires=1200") {
				t.Errorf("location %s", at)
			}
		}},
		{weakness: "presigned-loopback-open", target: layer, status: 307, want: func(t *testing.T, l *lab.Lab, g got) {
			a := ask(t, l, door(t, l, lab.DoorOptions{}), false)
			if g := a.do("GET", g.header.Get("Location")); g.status != 200 || g.digest() != app.Private[0] {
				t.Errorf("storage: %d", g.status)
			}
			if g := a.do("GET", strings.Replace(g.header.Get("Location"), "X-Amz-Signature=", "X-Amz-Signature=0", 1)); g.status != 403 {
				t.Errorf("storage with a wrong signature: %d", g.status)
			}
		}},
		{weakness: "limit-req-open", target: tag, want: digest(app.Digest)},
		{weakness: "ban-open", target: tag, want: digest(app.Digest)},
	} {
		t.Run(row.weakness, func(t *testing.T) {
			w := entry(t, row.weakness)
			status, method := row.status, row.method
			if status == 0 {
				status = 200
			}
			if method == "" {
				method = "GET"
			}
			send := func(name string) got {
				d := door(t, l, lab.DoorOptions{Weaknesses: []string{name}, TLS: row.http2})
				a := ask(t, l, d, row.http2)
				if row.second {
					a.base = "http://" + d.Addrs()[1]
				}
				return a.do(method, row.target(l), row.header...)
			}
			g := send(w.Name)
			if g.status != status {
				t.Fatalf("weak door: %d, want %d: %s", g.status, status, g.body)
			}
			row.want(t, l, g)
			held := send(w.Twin)
			if held.status < 400 {
				t.Errorf("twin %s: %d", w.Twin, held.status)
			}
			// hides-404 says 404 by design; what matters is that it always does.
			if w.Name == "existence-oracle" {
				a := ask(t, l, door(t, l, lab.DoorOptions{Weaknesses: []string{w.Twin}}), false)
				if is := a.do("GET", tag(l)); is.status != held.status || !bytes.Equal(is.body, held.body) {
					t.Errorf("twin tells %d from %d", is.status, held.status)
				}
				a = ask(t, l, door(t, l, lab.DoorOptions{Weaknesses: []string{w.Name}}), false)
				if is := a.do("GET", tag(l)); is.status != 401 {
					t.Errorf("weak door on what is there: %d", is.status)
				}
			}
		})
	}
}

func entry(t *testing.T, name string) lab.Weakness {
	t.Helper()
	all := lab.Weaknesses()
	i := slices.IndexFunc(all, func(w lab.Weakness) bool { return w.Name == name })
	if i < 0 {
		t.Fatalf("no entry %s", name)
	}
	return all[i]
}

// TestWeaknessesAreNarrow: a weakness is that one, not an open registry.
func TestWeaknessesAreNarrow(t *testing.T) {
	l := open(t)
	app := image(t, l, "team-a/app:1.4")
	tag, layer := "/v2/team-a/app/manifests/1.4", "/v2/team-a/app/blobs/"+app.Private[0]
	for weakness, held := range map[string][]string{
		"ping-only": {"/v2/"}, "blobs-open": {tag}, "config-open": {tag, layer}, "manifests-open": {layer},
		"digest-open": {tag}, "child-open": {tag, "/v2/team-a/app/manifests/" + app.Digest, layer},
		"layer-open": {tag, layer}, "head-open": {tag}, "range-open": {tag}, "conditional-open": {tag},
		"accept-open": {tag, layer}, "tags-open": {tag, "/v2/_catalog"}, "catalog-open": {tag, "/v2/team-a/app/tags/list"},
		"referrers-open": {tag, layer}, "referrers-tag-open": {tag}, "upload-open": {tag, layer}, "open-to-empty-agent": {tag},
		"second-address-open": {tag}, "existence-oracle": {tag}, "presigned-open": {tag}, "no-challenge": {tag},
	} {
		a := ask(t, l, door(t, l, lab.DoorOptions{Weaknesses: []string{weakness}}), false)
		for _, target := range held {
			if g := a.do("GET", target); g.status != 401 {
				t.Errorf("%s: %s answered %d", weakness, target, g.status)
			}
			if weakness == "open-to-empty-agent" {
				continue
			}
			if g := a.as(l).do("GET", target); g.status != 200 {
				t.Errorf("%s: %s answered the entitled %d", weakness, target, g.status)
			}
		}
	}
	d := door(t, l, lab.DoorOptions{Weaknesses: []string{"open-on-http2"}})
	if g := ask(t, l, d, false).do("GET", tag); g.status != 401 || g.proto != "HTTP/1.1" {
		t.Errorf("open-on-http2 over %s: %d", g.proto, g.status)
	}
}

// TestHiddenOpenRegistries: limits, bans and filters deny for the wrong reason.
func TestHiddenOpenRegistries(t *testing.T) {
	l := open(t)
	tag := "/v2/team-a/app/manifests/1.4"
	a := ask(t, l, door(t, l, lab.DoorOptions{Weaknesses: []string{"limit-req-open"}}), false)
	var limited bool // on a busy machine two requests may be a second apart
	for n := range 10 {
		g := a.do("GET", tag)
		if limited = limited || g.status == 403; n == 0 && g.status != 200 {
			t.Errorf("limit: the first got %d", g.status)
		}
	}
	if !limited {
		t.Error("limit: ten requests in a row")
	}
	if g := a.as(l).do("GET", tag); g.status != 200 {
		t.Errorf("limit: the entitled get %d", g.status)
	}
	time.Sleep(1100 * time.Millisecond)
	if g := a.do("GET", tag); g.status != 200 {
		t.Errorf("limit after a second: %d", g.status)
	}

	a = ask(t, l, door(t, l, lab.DoorOptions{Weaknesses: []string{"ban-open"}}), false)
	for range 8 {
		if g := a.do("GET", "/v2/team-a/app/manifests/none"); g.status != 404 {
			t.Fatalf("before the ban: %d", g.status)
		}
	}
	if g := a.do("GET", tag); g.status != 403 || a.as(l).do("GET", tag).status != 200 {
		t.Errorf("banned: %d", g.status)
	}

	a = ask(t, l, door(t, l, lab.DoorOptions{Weaknesses: []string{"bot-filter"}}), false)
	if g := a.do("GET", tag, "User-Agent", "regproof/1"); g.status != 403 || a.as(l).do("GET", tag).status != 200 {
		t.Errorf("bot filter: %d", g.status)
	}

	a = ask(t, l, door(t, l, lab.DoorOptions{Weaknesses: []string{"ban-sound"}}), false)
	for range 40 {
		if g := a.do("GET", tag); g.status != 401 {
			t.Fatalf("sound, before the ban: %d", g.status)
		}
	}
	if g := a.do("GET", tag); g.status != 403 {
		t.Errorf("sound, banned: %d", g.status)
	}
}

func TestAnonymousToken(t *testing.T) {
	l := open(t)
	app := image(t, l, "team-a/app:1.4")
	for name, status := range map[string]int{"anon-token": 200, "token-empty-access": 401} {
		a := ask(t, l, door(t, l, lab.DoorOptions{Weaknesses: []string{name}}), false)
		a.auth = "Bearer " + token(t, a, "repository:team-a/app:pull")
		g := a.do("GET", "/v2/team-a/app/manifests/1.4")
		if g.status != status || (status == 200 && g.digest() != app.Digest) {
			t.Errorf("%s: %d, want %d", name, g.status, status)
		}
	}
}

// TestUploadCanBeCancelled: upload-open opens the cancelling, and no more.
func TestUploadCanBeCancelled(t *testing.T) {
	l := open(t)
	a := ask(t, l, door(t, l, lab.DoorOptions{Weaknesses: []string{"upload-open"}}), false)
	at := a.do("POST", "/v2/team-a/app/blobs/uploads/").header.Get("Location")
	if g := a.do("PATCH", at); g.status != 401 {
		t.Errorf("PATCH: %d", g.status)
	}
	if g := a.do("DELETE", at); g.status != 204 {
		t.Errorf("cancel: %d %s", g.status, g.body)
	}
}

// TestSoundInDisguise: odd denials that are denials, and content for the entitled.
func TestSoundInDisguise(t *testing.T) {
	l := open(t)
	app := image(t, l, "team-a/app:1.4")
	tag, layer := "/v2/team-a/app/manifests/1.4", "/v2/team-a/app/blobs/"+app.Private[0]
	nonce := regexp.MustCompile("[0-9a-f]{32}")
	for name, check := range map[string]func(got) bool{
		"hides-404": func(g got) bool { return g.status == 404 && g.header.Get("WWW-Authenticate") == "" },
		"login-redirect": func(g got) bool {
			return g.status == 302 && strings.HasPrefix(g.header.Get("Location"), "/login?return=")
		},
		"html-login": func(g got) bool {
			return g.status == 200 && strings.HasPrefix(g.header.Get("Content-Type"), "text/html")
		},
		"deny-403":     func(g got) bool { return g.status == 403 && strings.Contains(string(g.body), "DENIED") },
		"html-unknown": func(g got) bool { return g.status == 200 && strings.Contains(string(g.body), "1.4") },
		"too-many":     func(g got) bool { return g.status == 429 && g.header.Get("Retry-After") != "" },
		"broken":       func(g got) bool { return g.status == 500 },
		"no-challenge": func(g got) bool { return g.status == 401 && g.header.Get("WWW-Authenticate") == "" },
	} {
		a := ask(t, l, door(t, l, lab.DoorOptions{Weaknesses: []string{name}}), false)
		if g := a.do("GET", tag); !check(g) {
			t.Errorf("%s: %d %v %s", name, g.status, g.header, g.body)
		}
		if g := a.as(l).do("GET", tag); g.status != 200 || g.digest() != app.Digest {
			t.Errorf("%s: the entitled get %d", name, g.status)
		}
		if name == "html-login" {
			mask := func(g got) string { return nonce.ReplaceAllString(string(g.body), "") }
			if mask(a.do("GET", tag)) != mask(a.do("GET", "/v2/no/such/blobs/x")) {
				t.Error("html-login tells paths apart")
			}
		}
		if name == "hides-404" && a.do("GET", "/v2/").header.Get("WWW-Authenticate") == "" {
			t.Error("hides-404: no challenge at the ping")
		}
	}
	a := ask(t, l, door(t, l, lab.DoorOptions{Weaknesses: []string{"presigned-sound"}}), false)
	if g := a.do("GET", layer); g.status != 401 {
		t.Errorf("presigned-sound: %d", g.status)
	}
	at := a.as(l).do("GET", layer).header.Get("Location")
	if again := a.as(l).do("GET", layer).header.Get("Location"); at == again {
		t.Error("presigned-sound: the same signature twice")
	}
	if g := a.do("GET", at); g.status != 200 || g.digest() != app.Private[0] {
		t.Errorf("presigned-sound: storage answered %d", g.status)
	}
	a = ask(t, l, door(t, l, lab.DoorOptions{Weaknesses: []string{"referrers-empty"}}), false)
	if g := a.do("GET", "/v2/team-a/app/referrers/"+app.Digest); g.status != 200 || strings.Contains(string(g.body), app.Referrers[0]) {
		t.Errorf("referrers-empty: %d %s", g.status, g.body)
	}
}

// TestCombine: the first name meets the request first.
func TestCombine(t *testing.T) {
	l := open(t)
	d := door(t, l, lab.DoorOptions{Weaknesses: []string{"tags-open", "deny-403"}})
	a := ask(t, l, d, false)
	if tags, tag := a.do("GET", "/v2/team-a/app/tags/list"), a.do("GET", "/v2/team-a/app/manifests/1.4"); tags.status != 200 || tag.status != 403 {
		t.Errorf("tags %d, manifest %d", tags.status, tag.status)
	}
	d = door(t, l, lab.DoorOptions{Auth: lab.None})
	res, err := http.Get(d.URL() + "/v2/_catalog")
	if err != nil {
		t.Fatal(err)
	}
	defer http.DefaultClient.CloseIdleConnections()
	defer res.Body.Close()
	if body, err := io.ReadAll(res.Body); err != nil || res.StatusCode != 200 {
		t.Errorf("no auth: %d %s %v", res.StatusCode, body, err)
	}
}
