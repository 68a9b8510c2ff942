// SPDX-License-Identifier: Apache-2.0

// Package login turns an identity and a challenge into an Authorization
// header: the Docker token flow (distribution docs/spec/auth/token.md, oauth.md)
// and Basic. It refuses to send a secret anywhere but to the origins it is
// bound to, and it never takes a token for a verdict: a token may grant
// nothing, so whoever asks has to use it.
package login

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/regproof/regproof/credential"
	"github.com/regproof/regproof/wire"
)

// Anonymous is the name of who asks without any credential.
const Anonymous = "anonymous"

// Identity is who asks. The zero value is anonymous.
type Identity struct {
	Name   string
	Secret credential.Bound    // the origins it is bound to
	Realms []credential.Origin // token services on other hosts that may see it
	Cert   *tls.Certificate    // presented when the server asks; never for anonymous
}

// Anonymous says whether the identity has nothing to show.
func (i Identity) Anonymous() bool { return i.Secret.Credential.IsZero() && i.Cert == nil }

// Registry is what a flow has to know of the registry that challenged.
type Registry struct {
	URL     *url.URL // of the endpoint
	Guard   wire.Guard
	Headers [][2]string // for every request: User-Agent, run id
}

// Exchanger makes one exchange; *wire.Client is one.
type Exchanger interface {
	Do(context.Context, wire.Request) wire.Response
}

// Grant is what a flow came to. Header is "" when there is nothing to send.
type Grant struct {
	Header   string
	Evidence []string      // exchanges with the token service
	Refused  bool          // the token service said no (401, 403, another client certificate): a denial
	Problem  string        // why the flow could not be finished: proves nothing
	Opaque   bool          // the token tells nothing of itself
	Subject  string        // sub, of a token that can be read
	Access   []Access      // what a readable token says it grants
	Life     time.Duration // of the token, 0 where there is none
}

// Empty says whether the token says of itself that it grants nothing.
func (g Grant) Empty() bool { return g.Header != "" && !g.Opaque && len(g.Access) == 0 }

// Access is one entry of a token's access claim.
type Access struct {
	Type    string   `json:"type"`
	Name    string   `json:"name"`
	Actions []string `json:"actions"`
}

// Client makes token flows, once per registry, identity, realm and scope for as
// long as the token lives.
type Client struct {
	Wire Exchanger
	Now  func() time.Time // nil is time.Now

	mu    sync.Mutex
	cache map[string]*flow
}

type flow struct {
	done  chan struct{}
	grant Grant
	until time.Time // when to ask anew; zero is never
}

// over says whether the token of a flow is about to end.
func (c *Client) over(f *flow) bool {
	select {
	case <-f.done:
		return !f.until.IsZero() && c.now().After(f.until)
	default:
		return false
	}
}

func (c *Client) now() time.Time {
	if c.Now != nil {
		return c.Now()
	}
	return time.Now()
}

// Authorize answers the challenges that a registry sent to identity, for a
// request that needs scope. Without a usable challenge the grant is empty.
func (c *Client) Authorize(ctx context.Context, reg Registry, id Identity, challenges []Challenge, scope string) Grant {
	if t := id.Secret.Credential.Token; !t.IsZero() {
		return direct(reg, id, "Bearer "+t.Reveal())
	}
	for _, ch := range challenges {
		if ch.Scheme == "bearer" && ch.Params["realm"] != "" {
			return c.once(ctx, reg, id, ch, scopes(ch.Params["scope"], scope))
		}
	}
	for _, ch := range challenges {
		if ch.Scheme == "basic" {
			return Basic(reg, id)
		}
	}
	return Grant{}
}

// Cached is the grant of a flow that was made before, if there is one.
func (c *Client) Cached(reg Registry, id Identity, challenges []Challenge, scope string) (Grant, bool) {
	for _, ch := range challenges {
		if ch.Scheme != "bearer" || ch.Params["realm"] == "" {
			continue
		}
		c.mu.Lock()
		f, ok := c.cache[cacheKey(reg, id, ch, scopes(ch.Params["scope"], scope))]
		c.mu.Unlock()
		if !ok || c.over(f) {
			return Grant{}, false
		}
		select {
		case <-f.done:
			return f.grant, true
		default:
			return Grant{}, false
		}
	}
	return Grant{}, false
}

// Forget has every flow made anew: what it gave may have run out.
func (c *Client) Forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.cache)
}

// Basic is the Basic header of an identity for the registry itself.
func Basic(reg Registry, id Identity) Grant {
	c := id.Secret.Credential
	switch {
	case c.IsZero():
		return Grant{}
	case c.Password.IsZero(): // a real user name never carries a wrong password
		return Grant{Problem: fmt.Sprintf("the registry wants Basic, and %s has no password", id.Name)}
	}
	return direct(reg, id, basic(c))
}

func basic(c credential.Credential) string { return BasicHeader(c.Username, c.Password.Reveal()) }

// BasicHeader is the Authorization value of RFC 7617.
func BasicHeader(user, password string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
}

// direct sends the secret to the registry itself, if it is bound to it.
func direct(reg Registry, id Identity, header string) Grant {
	o, err := credential.ParseOrigin(reg.URL.Scheme + "://" + reg.URL.Host)
	if err == nil {
		if _, ok := id.Secret.For(o); ok {
			return Grant{Header: header, Opaque: true}
		}
	}
	return Grant{Problem: unbound(id, o)}
}

// once makes each flow one time, however many ask at once.
func (c *Client) once(ctx context.Context, reg Registry, id Identity, ch Challenge, scope []string) Grant {
	key := cacheKey(reg, id, ch, scope)
	c.mu.Lock()
	f, ok := c.cache[key]
	if ok && c.over(f) {
		ok = false
	}
	if !ok {
		f = &flow{done: make(chan struct{})}
		if c.cache == nil {
			c.cache = map[string]*flow{}
		}
		c.cache[key] = f
	}
	c.mu.Unlock()
	if !ok {
		begin := c.now()
		f.grant = c.token(ctx, reg, id, ch, scope)
		if f.grant.Life > 0 {
			f.until = begin.Add(f.grant.Life - f.grant.Life/5)
		}
		if f.grant.Problem != "" { // not kept: it may succeed later
			c.mu.Lock()
			if c.cache[key] == f {
				delete(c.cache, key)
			}
			c.mu.Unlock()
		}
		close(f.done)
		return f.grant
	}
	select {
	case <-f.done:
		return f.grant
	case <-ctx.Done():
		return Grant{Problem: ctx.Err().Error()}
	}
}

func cacheKey(reg Registry, id Identity, ch Challenge, scope []string) string {
	return strings.Join(append([]string{reg.URL.Scheme, reg.URL.Host, id.Name, ch.Params["realm"], ch.Params["service"]}, scope...), "\x00")
}

// scopes merges what the challenge asks for with what the request needs. The
// scope of a challenge is a list divided by spaces; each entry becomes one
// parameter. A challenge without one gets the needed scope.
func scopes(challenge, needed string) []string {
	out := strings.Fields(challenge)
	if needed != "" && !slices.ContainsFunc(out, func(s string) bool { return covers(s, needed) }) {
		out = append(out, needed)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// covers says whether scope s names the resource and all actions of needed.
// Both are type:name:actions, split at the first and the last colon.
func covers(s, needed string) bool {
	split := func(s string) (string, string) {
		if i := strings.LastIndexByte(s, ':'); i >= 0 {
			return s[:i], s[i+1:]
		}
		return s, ""
	}
	resource, actions := split(s)
	want, wanted := split(needed)
	if s == "*" || resource != want {
		return s == "*"
	}
	have := strings.Split(actions, ",")
	for a := range strings.SplitSeq(wanted, ",") {
		if !slices.Contains(have, a) && !slices.Contains(have, "*") {
			return false
		}
	}
	return true
}
