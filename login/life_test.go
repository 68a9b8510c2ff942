// SPDX-License-Identifier: Apache-2.0

package login_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/regproof/regproof/login"
)

// TestLife: a token is asked for anew before it ends, and no sooner.
func TestLife(t *testing.T) {
	jwt := func(claims string) string {
		part := base64.RawURLEncoding.EncodeToString
		return part([]byte(`{"alg":"none"}`)) + "." + part([]byte(claims)) + "."
	}
	for _, c := range []struct {
		name, token, expires string
		life                 time.Duration
	}{
		{"as the service says", "opaque", "300", 300 * time.Second},
		{"nobody says", "opaque", "null", 60 * time.Second},
		{"a number in a string", "opaque", `"300"`, 60 * time.Second},
		{"less than nothing", "opaque", "-5", 60 * time.Second},
		{"for ever", "opaque", "1e300", 24 * time.Hour},
		{"as the token says", jwt(`{"iat":1000,"exp":1020,"access":[]}`), "null", 20 * time.Second},
		{"the token says less", jwt(`{"iat":1000,"exp":1020,"access":[]}`), "300", 20 * time.Second},
		{"the service says less", jwt(`{"iat":1000,"exp":2000,"access":[]}`), "300", 300 * time.Second},
		{"a token that ends before it begins", jwt(`{"iat":1000,"exp":900,"access":[]}`), "null", 60 * time.Second},
		{"a token of all time", jwt(`{"iat":-9223372036854775808,"exp":9223372036854775807,"access":[]}`), "null", 60 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := serve(t, "127.0.0.1", false, func(w http.ResponseWriter, _ *http.Request) {
				fmt.Fprintf(w, `{"token":%q,"expires_in":%s}`, c.token, c.expires)
			})
			client, _ := newLogin(t)
			now := time.Now()
			client.Now = func() time.Time { return now }
			reg := login.Registry{URL: mustURL(t, s.url)}
			id := bind(t, password(t), s.url)
			ask := func() int {
				g := client.Authorize(context.Background(), reg, id, bearer(s.url+"/token"), "repository:a:pull")
				if g.Problem != "" {
					t.Fatal(g.Problem)
				}
				if _, cached := client.Cached(reg, id, bearer(s.url+"/token"), "repository:a:pull"); !cached {
					t.Error("what was just asked for is not kept")
				}
				return len(s.requests())
			}
			for i, step := range []struct {
				after time.Duration
				want  int
			}{{0, 1}, {c.life * 7 / 10, 1}, {c.life * 2 / 10, 2}, {c.life * 7 / 10, 2}, {24 * time.Hour, 3}} {
				now = now.Add(step.after)
				if got := ask(); got != step.want {
					t.Errorf("step %d: %d requests, want %d", i, got, step.want)
				}
			}
		})
	}
}
