// SPDX-License-Identifier: Apache-2.0

package upstream_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/regproof/regproof/upstream"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// open runs a server on a port of its own.
func open(t *testing.T) (*upstream.Server, string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	at := l.Addr().String()
	l.Close()
	s := upstream.New(upstream.Options{
		Listen: netip.MustParseAddrPort(at), URL: &url.URL{Scheme: "http", Host: at},
		Foreign: &url.URL{Scheme: "http", Host: strings.Replace(at, "127.0.0.1", "localhost", 1)},
	})
	if err := s.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		http.DefaultClient.CloseIdleConnections()
	})
	return s, "http://" + at
}

func do(t *testing.T, method, target, body string, header ...string) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, target, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	a, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Body.Close()
	_, _ = io.Copy(io.Discard, a.Body)
	return a
}

// TestSeen: what came is noted with how a credential was sent, and nothing that
// is one.
func TestSeen(t *testing.T) {
	s, at := open(t)
	type seen struct{ Place, Credential, Scopes string }
	const form, typed = "application/x-www-form-urlencoded", "Content-Type"
	for _, c := range []struct {
		name, method, target, body string
		header                     []string
		want                       seen
	}{
		{"a ping", "GET", "/v2/", "", nil, seen{"api", "", ""}},
		{"a manifest", "GET", "/v2/team/app/manifests/1", "", nil, seen{"api", "", ""}},
		{"a login at the API", "GET", "/v2/", "", []string{"Authorization", "Basic hunter2hunter2"}, seen{"api", "Basic", ""}},
		{"a login without a name", "GET", "/token?scope=a", "", []string{"Authorization", "Basic"}, seen{"own tokens", "", "a"}},
		{"a login", "GET", "/token?scope=repository:a:pull&scope=b", "", []string{"Authorization", "basic hunter2hunter2"}, seen{"own tokens", "Basic", "repository:a:pull b"}},
		{"a login elsewhere", "GET", "/foreign/token", "", []string{"Authorization", "Bearer hunter2hunter2"}, seen{"foreign tokens", "Authorization", ""}},
		{"a stranger elsewhere", "GET", "/foreign/token", "", nil, seen{"foreign tokens", "", ""}},
		{"a name alone", "POST", "/foreign/token", "username=a&scope=b", []string{typed, form}, seen{"foreign tokens", "", "b"}},
		{"a password in a form", "POST", "/foreign/token", "grant_type=password&username=a&password=hunter2hunter2&scope=b", []string{typed, form}, seen{"foreign tokens", "password as a parameter", "b"}},
		{"a refresh token in a form", "POST", "/foreign/token", "refresh_token=hunter2hunter2", nil, seen{"foreign tokens", "refresh_token as a parameter", ""}},
		{"a password in the query", "GET", "/foreign/token?account=a&password=hunter2hunter2&scope=b", "", nil, seen{"foreign tokens", "password as a parameter", "b"}},
		{"a form at the API", "POST", "/v2/a/blobs/uploads/", "password=hunter2hunter2", []string{typed, form}, seen{"api", "", ""}},
	} {
		t.Run(c.name, func(t *testing.T) {
			before, _ := s.Seen()
			a := do(t, c.method, at+c.target, c.body, c.header...)
			if a.StatusCode != http.StatusUnauthorized {
				t.Errorf("status %d", a.StatusCode)
			}
			all, _ := s.Seen()
			if len(all) != len(before)+1 {
				t.Fatalf("%d seen", len(all)-len(before))
			}
			got := all[len(before)]
			if diff := cmp.Diff(c.want, seen{string(got.Place), got.Credential, got.Scopes}); diff != "" {
				t.Error(diff)
			}
			if text := fmt.Sprintf("%+v", got); strings.Contains(text, "hunter2") {
				t.Errorf("the secret was kept: %s", text)
			}
		})
	}
}

// TestChallenges: each offer names what it should, below /v2/ with a scope.
func TestChallenges(t *testing.T) {
	s, at := open(t)
	own, foreign := `Bearer realm="`+at+`/token",service="regproof-upstream"`, `Bearer realm="http://`+s.Foreign()+`/foreign/token",service="regproof-upstream"`
	const scope = `,scope="repository:team/manifests/app:pull"`
	for offer, want := range map[upstream.Offer][]string{upstream.Both: {foreign, own}, upstream.OwnAlone: {own}, upstream.ForeignAlone: {foreign}} {
		s.Set(offer)
		if diff := cmp.Diff(want, do(t, "GET", at+"/v2/", "").Header["Www-Authenticate"]); diff != "" {
			t.Errorf("%d: %s", offer, diff)
		}
		for i := range want {
			want[i] += scope
		}
		if diff := cmp.Diff(want, do(t, "GET", at+"/v2/team/manifests/app/manifests/1", "").Header["Www-Authenticate"]); diff != "" {
			t.Errorf("%d: %s", offer, diff)
		}
	}
	for _, odd := range []string{"/v2/a%22b/manifests/1", "/v2/a%0d%0aX-Evil:%201/manifests/1", "/v2//manifests/", "//v2/", "/v2/../manifests/x"} {
		a := do(t, "GET", at+odd, "")
		if got := strings.Join(a.Header["Www-Authenticate"], "\n"); strings.Count(got, `"`)%2 != 0 || a.Header.Get("X-Evil") != "" || strings.Contains(got, `a"b`) {
			t.Errorf("%s: %q", odd, got)
		}
	}
}

// TestBounds: what floods the server is not kept, and after Close nobody
// listens.
func TestBounds(t *testing.T) {
	s, at := open(t)
	for range 1100 {
		do(t, "GET", at+"/v2/", "")
	}
	if all, _ := s.Seen(); len(all) != 1000 {
		t.Errorf("%d kept", len(all))
	}
	host := strings.TrimPrefix(at, "http://")
	var held []net.Conn
	closed := 0
	for range 100 {
		c, err := net.Dial("tcp", host)
		if err != nil {
			t.Fatal(err)
		}
		held = append(held, c)
	}
	for _, c := range held {
		fmt.Fprint(c, "GET /v2/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
		if b, _ := io.ReadAll(c); len(b) == 0 {
			closed++
		}
		c.Close()
	}
	if closed == 0 || closed == len(held) {
		t.Errorf("%d of %d connections were refused", closed, len(held))
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if c, err := net.Dial("tcp", host); err == nil {
		c.Close()
		t.Error("somebody listens after Close")
	}
}

// TestTurn: one watches at a time, and leaves both offered.
func TestTurn(t *testing.T) {
	s, at := open(t)
	release := s.Turn(t.Context())
	s.Set(upstream.OwnAlone)
	second := make(chan bool)
	go func() {
		next := s.Turn(t.Context())
		second <- len(do(t, "GET", at+"/v2/", "").Header["Www-Authenticate"]) == 2
		next()
	}()
	select {
	case <-second:
		t.Error("two watch at once")
	default:
	}
	release()
	if !<-second {
		t.Error("the offer of one is left to the next")
	}
}
