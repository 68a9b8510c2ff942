// SPDX-License-Identifier: Apache-2.0

package lab_test

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/regproof/regproof/lab"
)

// TestRights shows what a door that asks too little about rights gives dev, and
// that its twin does not.
func TestRights(t *testing.T) {
	l := open(t)
	user, password := l.Dev()
	app := image(t, l, "team-a/app:1.4")
	zeros := "sha256:" + strings.Repeat("0", 64)
	begun := func(t *testing.T, dev *asker) string { // what ci began in team-a
		g := dev.as(l).do("POST", "/v2/team-a/app/blobs/uploads/")
		if g.status != http.StatusAccepted {
			t.Fatalf("ci began no upload: %d", g.status)
		}
		return g.header.Get("Location")
	}
	at := func(target string) func(*testing.T, *asker) string {
		return func(*testing.T, *asker) string { return target }
	}
	finish := func(repository string) func(*testing.T, *asker) string { // with nothing in it
		return func(t *testing.T, dev *asker) string {
			return strings.Replace(begun(t, dev), "team-a/app", repository, 1) + fmt.Sprintf("&digest=sha256:%x", sha256.Sum256(nil))
		}
	}
	asked := 0
	anew := func(*testing.T, *asker) string { // what one door links is there for the other
		asked++
		return fmt.Sprintf("/v2/%s/asked-%d/blobs/%s", lab.Sandbox, asked, app.Private[0])
	}
	for _, row := range []struct {
		weakness, method string
		target           func(*testing.T, *asker) string
		status, sound    int
		stranger         bool
	}{
		{weakness: "any-user", method: "GET", target: at("/v2/team-a/app/manifests/1.4"), status: 200, sound: 403},
		{weakness: "lists-all", method: "GET", target: at("/v2/team-a/app/tags/list"), status: 200, sound: 403},
		{weakness: "any-user-push", method: "POST", target: at("/v2/team-a/app/blobs/uploads/"), status: 202, sound: 403},
		{weakness: "any-user-delete", method: "DELETE", target: at("/v2/team-a/app/manifests/" + zeros), status: 404, sound: 403},
		{weakness: "blob-global", method: "GET", target: at("/v2/team-b/tool/blobs/" + app.Private[0]), status: 200, sound: 404},
		{weakness: "mount-unchecked", method: "POST", target: at("/v2/" + lab.Sandbox + "/blobs/uploads/?from=team-a/app&mount=" + app.Private[0]), status: 201, sound: 202},
		{weakness: "blob-head-links", method: "HEAD", target: anew, status: 200, sound: 404},
		{weakness: "blob-oracle", method: "POST", target: at("/v2/" + lab.Sandbox + "/blobs/uploads/?digest=" + app.Private[0]), status: 201, sound: 202},
		{weakness: "blob-status-oracle", method: "HEAD", target: at("/v2/team-a/app/blobs/" + zeros), status: 404, sound: 403},
		{weakness: "upload-by-id", method: "GET", target: begun, status: 204, sound: 403},
		{weakness: "upload-finish-by-id", method: "PUT", target: finish(lab.Sandbox), status: 201, sound: 404},
		{weakness: "upload-finish-open", method: "PUT", target: finish("team-a/app"), status: 201, sound: 401, stranger: true},
		{weakness: "upload-cancel-open", method: "DELETE", target: begun, status: 204, sound: 401, stranger: true},
	} {
		t.Run(row.weakness, func(t *testing.T) {
			for name, want := range map[string]int{row.weakness: row.status, "rights-sound": row.sound} {
				stranger := ask(t, l, door(t, l, lab.DoorOptions{Weaknesses: []string{name}}), false)
				who := stranger.with(user, password)
				target := row.target(t, who)
				if row.stranger {
					who = stranger
				}
				if g := who.do(row.method, target); g.status != want {
					t.Errorf("%s: %d, want %d: %s", name, g.status, want, g.body)
				}
			}
		})
	}
}
