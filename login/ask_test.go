// SPDX-License-Identifier: Apache-2.0

package login_test

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/regproof/regproof/credential"
	"github.com/regproof/regproof/login"
	"github.com/regproof/regproof/wire"
)

// TestPut sends odd requests to a token service, and none to one that nothing
// says belongs to the registry.
func TestPut(t *testing.T) {
	c, _ := newLogin(t)
	s := serve(t, "127.0.0.1", false, says(200, `{"token":"t"}`))
	reg := login.Registry{URL: mustURL(t, registryURL), Guard: wire.Guard{}}
	for _, tc := range []struct {
		name string
		id   login.Identity
		ask  login.Ask
		want asked
	}{
		{"as it stands", login.Identity{Name: login.Anonymous}, login.Ask{Query: "scope=a&scope=b%2f"}, asked{"GET /token?scope=a&scope=b%2f", "", ""}},
		{"the realm's own query", login.Identity{Name: login.Anonymous}, login.Ask{}, asked{"GET /token", "", ""}},
		{"as somebody", password(t), login.Ask{Query: "service=s"}, asked{"GET /token?service=s", basic, ""}},
		{"without the credential", password(t), login.Ask{Without: true, Form: "a=b", Method: "POST"}, asked{"POST /token", "", "a=b"}},
		{"with another field", login.Identity{Name: login.Anonymous}, login.Ask{Header: [][2]string{{"Authorization", "Basic Og=="}}}, asked{"GET /token", "Basic Og==", ""}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			before := len(s.requests())
			resp, trail, err := c.Put(context.Background(), reg, tc.id, s.url+"/token", tc.ask)
			if err != nil || resp.Status != 200 || len(trail) != 1 {
				t.Fatalf("%d, %v, %v", resp.Status, trail, err)
			}
			if diff := cmp.Diff([]asked{tc.want}, s.requests()[before:]); diff != "" {
				t.Errorf("asked (-want +got):\n%s", diff)
			}
		})
	}

	// Nothing is dialled there: 192.0.2.1 is nobody's (RFC 5737).
	far := reg
	far.Guard.Pinned = map[string][]netip.Addr{"auth.example": {netip.MustParseAddr("192.0.2.1")}}
	if _, trail, err := c.Put(context.Background(), far, login.Identity{Name: login.Anonymous}, "http://auth.example/token", login.Ask{}); !errors.Is(err, login.ErrUntrusted) || len(trail) > 0 {
		t.Errorf("an unknown token service: %v, %v", trail, err)
	}
	other := serve(t, "127.0.0.2", false, says(200, `{"token":"t"}`))
	named := reg
	named.Guard.Allowed = []credential.Origin{origin(t, other.url)}
	if _, _, err := c.Put(context.Background(), named, login.Identity{Name: login.Anonymous}, other.url+"/token", login.Ask{}); err != nil || len(other.requests()) != 1 {
		t.Errorf("a token service that is named: %v", err)
	}
	// A secret that is not bound to the registry goes nowhere.
	id := password(t)
	id.Secret.Origins = []credential.Origin{origin(t, "https://elsewhere.example")}
	if _, _, err := c.Put(context.Background(), reg, id, s.url+"/token", login.Ask{}); err == nil || !strings.Contains(err.Error(), "not bound") {
		t.Errorf("a secret that is bound elsewhere: %v", err)
	}
}

// scripted answers requests by their URL, and keeps what was asked.
type scripted struct {
	say   func(url string) wire.Response
	asked []string
}

func (s *scripted) Do(_ context.Context, r wire.Request) wire.Response {
	url := r.Scheme + "://" + r.Host + r.Target
	s.asked = append(s.asked, url)
	return s.say(url)
}

// TestPutElsewhere: an odd question goes to the token service that belongs to the
// registry, and not on to where that one sends it.
func TestPutElsewhere(t *testing.T) {
	s := &scripted{say: func(url string) wire.Response {
		switch url {
		case "https://registry.example/away":
			return wire.Response{Status: 307, Header: wire.Header{{"Location", "https://elsewhere.example/token"}}}
		case "https://registry.example/here":
			return wire.Response{Status: 307, Header: wire.Header{{"Location", "/token"}}}
		}
		return wire.Response{Status: 200, Body: []byte(`{"token":"t"}`)}
	}}
	at := []netip.Addr{netip.MustParseAddr("192.0.2.1")}
	reg := login.Registry{URL: mustURL(t, "https://registry.example"), Guard: wire.Guard{Pinned: map[string][]netip.Addr{"registry.example": at, "elsewhere.example": at}}}
	c, odd := &login.Client{Wire: s}, login.Ask{Header: [][2]string{{"Authorization", "Basic Og=="}}}
	stranger := login.Identity{Name: login.Anonymous}
	resp, _, err := c.Put(t.Context(), reg, stranger, "https://registry.example/away", odd)
	if !errors.Is(err, login.ErrUntrusted) || len(s.asked) != 1 {
		t.Errorf("%d, %v; asked %v", resp.Status, err, s.asked)
	}
	if resp, _, err := c.Put(t.Context(), reg, stranger, "https://registry.example/here", odd); err != nil || resp.Status != 200 {
		t.Errorf("a redirect on its own host: %d, %v", resp.Status, err)
	}
}
