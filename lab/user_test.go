// SPDX-License-Identifier: Apache-2.0

package lab_test

import (
	"net/http"
	"testing"

	"github.com/regproof/regproof/lab"
)

// with asks with these credentials.
func (a asker) with(user, password string) *asker {
	r := &http.Request{Header: http.Header{}}
	r.SetBasicAuth(user, password)
	a.auth = r.Header.Get("Authorization")
	return &a
}

// bearer asks with a token.
func (a asker) bearer(token string) *asker { a.auth = "Bearer " + token; return &a }

func TestSecondUser(t *testing.T) {
	l := open(t)
	user, password := l.Dev()
	stranger := ask(t, l, door(t, l, lab.DoorOptions{Auth: lab.Token}), false)
	dev := stranger.with(user, password)
	got := token(t, dev, "repository:team-b/tool:pull,push", "repository:team-a/app:pull", "repository:public/base:pull", "registry:catalog:*")
	want := `[{"type":"repository","name":"team-b/tool","actions":["pull"]},{"type":"repository","name":"public/base","actions":["pull"]}]`
	if claims := claims(t, got); claims != want {
		t.Errorf("access of dev: %s\nwant %s", claims, want)
	}
	for target, status := range map[string]int{
		"/v2/team-b/tool/manifests/2.0": 200, "/v2/team-a/app/manifests/1.4": 401, "/v2/public/base/manifests/1.0": 200,
	} {
		if g := stranger.bearer(got).do("GET", target); g.status != status {
			t.Errorf("dev on %s: %d, want %d", target, g.status, status)
		}
	}
	for name, o := range map[string]lab.DoorOptions{"htpasswd": {}, "front": {Weaknesses: []string{"front-basic"}}} {
		g := ask(t, l, door(t, l, o), false).with(user, password).do("GET", "/v2/team-a/app/manifests/1.4")
		if g.status != 200 {
			t.Errorf("%s: dev got %d; Basic knows no rights", name, g.status)
		}
	}
	if g := stranger.with(user, password+"x").do("GET", "/token?service=regproof-lab"); g.status != 401 {
		t.Errorf("dev with a wrong password: %d", g.status)
	}
}
