// SPDX-License-Identifier: Apache-2.0

package lab_test

import (
	"encoding/xml"
	"strings"
	"testing"

	"github.com/regproof/regproof/lab"
)

// told is a request whose answer tells too much at a weak door.
type told struct {
	weakness string
	entitled bool
	method   string // GET unless it is said
	target   string
	header   []string
	weak     func(got) bool
	sound    func(got) bool // what its twin answers
}

func status(want int) func(got) bool { return func(g got) bool { return g.status == want } }

func contains(text string) func(got) bool {
	return func(g got) bool { return g.status == 200 && strings.Contains(string(g.body), text) }
}

func both(a, b func(got) bool) func(got) bool { return func(g got) bool { return a(g) && b(g) } }

func field(name, want string) func(got) bool {
	return func(g got) bool { return g.header.Get(name) == want }
}

func begins(name, want string) func(got) bool {
	return func(g got) bool { return strings.HasPrefix(g.header.Get(name), want) }
}

func lacks(text string) func(got) bool {
	return func(g got) bool { return !strings.Contains(string(g.body), text) }
}

func TestTold(t *testing.T) {
	l := open(t)
	html := both(status(200), contains(`<div id="app">`))
	quiet := both(contains(`"auth_mode":"db_auth"`), both(lacks("harbor_version"), contains(`"self_registration":false`)))
	upload := "/v2/team-a/app/blobs/uploads/"
	relative := both(status(202), begins("Location", "/v2/team-a/app/blobs/uploads/"))
	evil := "https://evil.invalid"
	for _, row := range []told{
		{weakness: "v1-open", target: "/v1/_ping", weak: both(contains("true"), field("Content-Type", "application/json")), sound: html},
		{weakness: "v1-open", target: "/v1/search?q=app", weak: contains(`"team-a/app"`), sound: html},
		{weakness: "debug-open", target: "/debug/vars", weak: contains(`"cmdline"`), sound: html},
		{weakness: "debug-open", target: "/debug/pprof/", weak: contains("Types of profiles available"), sound: html},
		{weakness: "debug-open", target: "/debug/pprof/cmdline", weak: contains("registry\x00serve"), sound: html},
		{weakness: "debug-open", target: "/metrics", weak: both(contains("go_goroutines 17"), lacks("team-a")), sound: html},
		{weakness: "metrics-open", target: "/metrics", weak: contains(`{repo="team-a/app"}`), sound: html},
		{weakness: "registration-open", target: "/api/v2.0/systeminfo", weak: both(contains(`"self_registration":true`), contains(`"harbor_version":"v2.4.1"`)), sound: quiet},
		{weakness: "version-open", target: "/api/v2.0/systeminfo", weak: both(contains(`"harbor_version":"v2.14.0"`), contains(`"self_registration":false`)), sound: quiet},
		{weakness: "old-version", target: "/api/v2.0/systeminfo", weak: both(contains(`"harbor_version":"v2.4.1-abc"`), contains(`"self_registration":false`)), sound: quiet},
		{weakness: "parallel-api-open", target: "/api/v2.0/search?q=app", weak: contains(`"repository_name":"team-a/app"`), sound: contains(`"repository":[]`)},
		{weakness: "parallel-api-open", target: "/api/v2.0/search?q=", weak: contains(`"public/base"`), sound: both(contains(`"public/base"`), lacks("team-a"))},
		{weakness: "default-password", target: manifest14, header: []string{"Authorization", "Basic YWRtaW46SGFyYm9yMTIzNDU="}, weak: status(200), sound: status(401)},
		{weakness: "default-password", target: manifest14, weak: field("WWW-Authenticate", `Basic realm="harbor"`), sound: field("WWW-Authenticate", `Basic realm="harbor"`)},
		{weakness: "catalog-unbounded", entitled: true, target: "/v2/_catalog?n=100000", weak: contains(`"team-a/app"`),
			sound: both(status(400), func(g got) bool { return strings.Contains(string(g.body), "PAGINATION_NUMBER_INVALID") })},
		{weakness: "catalog-unbounded", target: "/v2/_catalog?n=100000", weak: status(401), sound: status(401)},
		{weakness: "cors-open", target: manifest14, header: []string{"Origin", evil}, weak: both(field("Access-Control-Allow-Origin", evil), field("Access-Control-Allow-Credentials", "true")),
			sound: both(field("Access-Control-Allow-Origin", "*"), field("Access-Control-Allow-Credentials", ""))},
		{weakness: "cors-open", method: "OPTIONS", target: manifest14, header: []string{"Origin", evil}, weak: both(status(204), field("Access-Control-Allow-Origin", evil)),
			sound: both(status(204), field("Access-Control-Allow-Credentials", ""))},
		{weakness: "cors-open", target: manifest14, weak: both(status(401), field("Access-Control-Allow-Origin", "")), sound: status(401)},
		{weakness: "location-host-open", entitled: true, method: "POST", target: upload, header: []string{"X-Forwarded-Host", "evil.invalid"},
			weak: begins("Location", "http://evil.invalid/v2/"), sound: relative},
		{weakness: "location-host-open", entitled: true, method: "POST", target: upload, header: []string{"Forwarded", "host=evil.invalid;proto=https"},
			weak: begins("Location", "https://evil.invalid/v2/"), sound: relative},
		{weakness: "location-host-open", method: "POST", target: upload, weak: status(401), sound: status(401)},
	} {
		w := entry(t, row.weakness)
		if row.method == "" {
			row.method = "GET"
		}
		for name, holds := range map[string]func(got) bool{w.Name: row.weak, w.Twin: row.sound} {
			a := ask(t, l, door(t, l, lab.DoorOptions{Weaknesses: []string{name}}), false)
			if row.entitled {
				a = a.as(l)
			}
			if g := a.do(row.method, row.target, row.header...); !holds(g) {
				t.Errorf("%s: %s %s: %d %v %s", name, row.method, row.target, g.status, g.header, g.body)
			}
		}
	}
}

// TestRealmFollowsHost: the real distribution with autoredirect, which the
// entitled can still log in to.
func TestRealmFollowsHost(t *testing.T) {
	l := open(t)
	evil := rawRequest{line: "GET " + manifest14, header: []string{"Host: evil.invalid"}}
	for name, realm := range map[string]string{"realm-host-open": "http://evil.invalid/token", "sound-token": ""} {
		d := door(t, l, lab.DoorOptions{Weaknesses: []string{name}})
		if realm == "" {
			realm = d.URL() + "/token"
		}
		if g := send(t, d, evil); g.status != 401 || !strings.HasPrefix(g.header.Get("WWW-Authenticate"), `Bearer realm="`+realm+`"`) {
			t.Errorf("%s: %d %v", name, g.status, g.header)
		}
		a := ask(t, l, d, false)
		if own := `Bearer realm="` + d.URL() + `/token"`; !strings.HasPrefix(a.do("GET", manifest14).header.Get("WWW-Authenticate"), own) {
			t.Errorf("%s: the realm for its own Host is not %s", name, own)
		}
		a.auth = "Bearer " + token(t, a.as(l), "repository:team-a/app:pull")
		if g := a.do("GET", manifest14); g.status != 200 {
			t.Errorf("%s: the entitled: %d", name, g.status)
		}
	}
}

// TestStorage: what the object storage asks for, and for how long.
func TestStorage(t *testing.T) {
	l := open(t)
	app := image(t, l, "team-a/app:1.4")
	blob := "/v2/team-a/app/blobs/" + app.Private[0]
	for name, want := range map[string]struct {
		expires        string
		unsigned, list int
	}{
		"presigned-sound": {"1200", 403, 403}, "signed-url-long": {"31536000", 403, 403}, "storage-public": {"1200", 200, 200},
	} {
		a := ask(t, l, door(t, l, lab.DoorOptions{Weaknesses: []string{name}}), false)
		if g := a.do("GET", blob); g.status != 401 {
			t.Errorf("%s: a stranger at the registry: %d", name, g.status)
		}
		at := a.as(l).do("GET", blob).header.Get("Location")
		object, query, _ := strings.Cut(at, "?")
		if !strings.Contains(query, "X-Amz-Expires="+want.expires+"&") {
			t.Errorf("%s: %s", name, at)
		}
		if g := a.do("GET", at); g.status != 200 || g.digest() != app.Private[0] {
			t.Errorf("%s: signed: %d", name, g.status)
		}
		if g := a.do("GET", object); g.status != want.unsigned || (want.unsigned == 200 && g.digest() != app.Private[0]) {
			t.Errorf("%s: without the signature: %d", name, g.status)
		}
		if g := a.do("GET", at, "Range", "bytes=2000-2099"); g.status != 206 || len(g.body) != 100 {
			t.Errorf("%s: a range: %d, %d bytes", name, g.status, len(g.body))
		}
		base, key, _ := strings.Cut(object, "/bucket/")
		for _, bucket := range []string{"/bucket/", "/bucket", "/"} {
			g := a.do("GET", base+bucket+"?list-type=2&prefix=docker/registry/v2/repositories/team-a/")
			var list struct {
				XMLName  xml.Name `xml:"ListBucketResult"`
				Contents []struct{ Key string }
			}
			if g.status != want.list {
				t.Errorf("%s: list: %d", name, g.status)
			}
			if err := xml.Unmarshal(g.body, &list); want.list == 200 && (err != nil || len(list.Contents) == 0 || !strings.HasPrefix(list.Contents[0].Key, "docker/registry/v2/repositories/team-a/app/")) {
				t.Errorf("%s: list: %v %s", name, err, g.body)
			}
		}
		if want.list == 200 && !strings.Contains(string(a.do("GET", base+"/bucket/?list-type=2").body), key) {
			t.Errorf("%s: the list lacks %s", name, key)
		}
		if g := a.do("GET", base+"/bucket/docker"); g.status < 400 {
			t.Errorf("%s: a directory: %d", name, g.status)
		}
	}
}
