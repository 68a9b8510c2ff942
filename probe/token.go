// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/login"
	"github.com/regproof/regproof/oci"
	"github.com/regproof/regproof/wire"
)

// Issuer is the token service of an endpoint, as its challenges name it.
type Issuer struct {
	Realm   string // as it stands in the challenge
	Service string
}

// Issuer is the token service that a stranger is sent to at this endpoint. The
// Result says why there is none that can be asked: no token realm is named, or
// nothing says that it belongs to the registry.
func (t *Trial) Issuer(ctx context.Context) (Issuer, Result) {
	t.turn(ctx)
	for _, c := range t.door.lastChallenges() {
		if c.Scheme != "bearer" || c.Params["realm"] == "" {
			continue
		}
		is := Issuer{Realm: c.Params["realm"], Service: c.Params["service"]}
		u, err := t.door.ep.URL.Parse(is.Realm)
		if err != nil || u.Host == "" {
			return is, Result{Outcome: finding.Unknown, Reason: "the token realm is no URL"}
		}
		if !t.owned(u) {
			return is, Result{Outcome: finding.NotChecked, Reason: fmt.Sprintf("the token service %s://%s is neither on the registry's host nor named for it, so it is not asked oddly: name it under realms, or pass --allow-realm", u.Scheme, u.Host)}
		}
		return is, t.CertificateOnly()
	}
	return Issuer{}, NotApplicable("no token service is named: strangers are not asked for a bearer token")
}

// NoTokens says, without asking, why there is no token service here: whoever was
// challenged was asked for something else. The zero Result is that there may be one.
func (t *Trial) NoTokens() Result {
	known := t.door.lastChallenges()
	if len(known) == 0 || slices.ContainsFunc(known, func(c login.Challenge) bool { return c.Scheme == "bearer" }) {
		return Result{}
	}
	return NotApplicable("no token service is named: strangers are not asked for a bearer token")
}

func (t *Trial) owned(u *url.URL) bool {
	return t.Named(u.String()) || (strings.EqualFold(u.Hostname(), t.door.ep.URL.Hostname()) && (u.Scheme == "https" || t.door.ep.URL.Scheme == "http"))
}

// Mint is one request for a token. Query or Form replace what the fields before
// them would make; a Query beside a POST is sent as well.
type Mint struct {
	As      *Identity // nil is a stranger
	Scopes  []string  // each one parameter
	Service string    // "" is the issuer's
	Account string
	Offline bool       // asks for a refresh token too
	Post    bool       // in the form of a POST, the credential in it (oauth.md)
	Refresh string     // the same, with this refresh token for a credential
	Query   string     // raw
	Form    url.Values // a POST
	Also    url.Values // laid over the form that Post makes
	User    [2]string  // a made-up user and password; never those of anybody
	Empty   bool       // User is sent even if both are empty
	Realm   string     // another path of the same service; "" is the issuer's
}

// Minted is what a token service answered.
type Minted struct {
	Answer
	login.Reply
	JWT     *login.JWT // nil when the token cannot be read
	Refused bool       // 401 or 403: a denial
	Filter  bool       // a bot filter's 403, which is none
	Err     error      // why there is no answer that says anything
}

// Mint asks the token service for a token, once. The token is hidden from every
// record. A token alone proves nothing: it has to be used.
func (t *Trial) Mint(ctx context.Context, is Issuer, m Mint) Minted {
	d := t.door
	realm := is.Realm
	if m.Realm != "" {
		realm = m.Realm
	}
	id, stranger := t.lent().at(d, realm), m.As == nil
	if !stranger {
		id = m.As.Identity
	}
	if why := d.stopped(&id); why != "" {
		return Minted{Answer: Answer{NotAsked: why}, Err: errors.New(why)}
	}
	t.hide(m.Refresh)
	ask := m.ask(is, id)
	if m.User != [2]string{} || m.Empty {
		ask.Header = append(ask.Header, [2]string{"Authorization", login.BasicHeader(m.User[0], m.User[1])})
		ask.Without = true
	}
	out := Minted{}
	out.begin = d.clock.Add(1)
	out.Response, out.Trail, out.Err = d.logins.Put(ctx, d.reg, id, realm, ask)
	out.First, out.end = out.Response, d.clock.Add(1)
	if out.Failure == wire.Canceled {
		out.NotAsked = "interrupted"
	}
	if out.WantsCertificate() {
		out.Refused, out.Err = true, nil
		return out
	}
	if out.Err != nil {
		return out
	}
	out.Filter = login.Filtered(out.Response)
	switch s := out.Status; {
	case out.Filter:
		out.Err = errors.New("a bot filter in front of the token service answered 403")
	case s == http.StatusUnauthorized || s == http.StatusForbidden:
		out.Refused = true
		if stranger {
			d.denied.Add(1)
		}
	case s != http.StatusOK || out.Truncated:
		out.Err = fmt.Errorf("the token service answered %d", s)
	default:
		if out.Reply, out.Err = login.ReadReply(out.Body); out.Err == nil {
			t.hide(out.Token, out.Refresh, out.ID)
			if j, err := login.ParseJWT(out.Token); err == nil {
				out.JWT = &j
			}
		}
	}
	out.Body = nil
	return out
}

// ask is the request as it is put.
func (m Mint) ask(is Issuer, id login.Identity) login.Ask {
	if m.Post || m.Refresh != "" {
		m.Form = m.form(is, id)
		maps.Copy(m.Form, m.Also)
	}
	if m.Form != nil {
		return login.Ask{Method: http.MethodPost, Form: m.Form.Encode(), Without: true, Query: m.Query}
	}
	return login.Ask{Query: m.query(is, id)}
}

// form is the request of oauth.md: one parameter for all scopes, and the
// credential of who asks.
func (m Mint) form(is Issuer, id login.Identity) url.Values {
	service := is.Service
	if m.Service != "" {
		service = m.Service
	}
	f := url.Values{"grant_type": {"password"}, "client_id": {"regproof"}, "service": {service}, "scope": {strings.Join(m.Scopes, " ")}}
	if m.Offline {
		f.Set("access_type", "offline")
	}
	switch c := id.Secret.Credential; {
	case m.Refresh != "":
		f.Set("grant_type", "refresh_token")
		f.Set("refresh_token", m.Refresh)
	case !c.Refresh.IsZero():
		f.Set("grant_type", "refresh_token")
		f.Set("refresh_token", c.Refresh.Reveal())
	case c.Username != "":
		f.Set("username", c.Username)
		f.Set("password", c.Password.Reveal())
	}
	return f
}

func (m Mint) query(is Issuer, id login.Identity) string {
	if m.Query != "" {
		return m.Query
	}
	q := url.Values{}
	if u, err := url.Parse(is.Realm); err == nil {
		q = u.Query()
	}
	service := is.Service
	if m.Service != "" {
		service = m.Service
	}
	if service != "" {
		q.Set("service", service)
	}
	account := m.Account
	if account == "" {
		account = id.Secret.Credential.Username
	}
	if account != "" {
		q.Set("account", account)
	}
	if m.Offline {
		q.Set("offline_token", "true")
		q.Set("client_id", "regproof")
	}
	for _, s := range m.Scopes {
		q.Add("scope", s)
	}
	return q.Encode()
}

// hide keeps secrets out of every record, also as they stand in a query.
func (t *Trial) hide(secrets ...string) {
	for _, s := range secrets {
		if s != "" && t.door.run.opts.Recorder != nil {
			t.door.run.opts.Recorder.Hide(s, url.QueryEscape(s))
		}
	}
}

// Bearer makes an attempt of the plain request with a token: one that a token
// service gave, which stays hidden.
func Bearer(plain Attempt, name, token string) Attempt {
	a := plain
	a.Variant, a.Direct, a.Secret = name, true, true
	a.Change = func(r *wire.Request) { r.Header = append(r.Header, [2]string{"Authorization", "Bearer " + token}) }
	return a
}

// Forged makes an attempt of the plain request with a token that the probe made
// up and that holds nothing of a user or a server: it is shown.
func Forged(plain Attempt, name, token string) Attempt {
	a := Bearer(plain, name, token)
	a.Secret = false
	return a
}

// Use asks the registry with a token, once, at the first address. as names who
// got the token, for the record. Where a certificate is required, that of the
// entitled is shown beside it.
func (t *Trial) Use(ctx context.Context, as, token string, r oci.Request) Answer {
	t.hide(token)
	return t.ask(ctx, question{
		lane: t.door.first(), id: anonymous, phase: phaseFresh, request: r, variant: true, direct: true, private: false, fresh: true, odd: t.optional(), step: true, lent: t.lent(),
		change: func(w *wire.Request) {
			w.Identity = as
			w.Header = append(w.Header, [2]string{"Authorization", "Bearer " + token})
		},
	})
}

// Plain is the request for the manifest that a stranger makes, to be varied; with
// the content that a leak would show. Where a certificate is required, it shows
// that of the entitled.
func (t *Trial) Plain() Attempt {
	a := Attempt{Request: manifestOf(t.Repository(), t.Reference()), Class: Canonical, Lent: true}
	if k := t.Known(); k != nil {
		a.Content = k.Root
	}
	return a
}

// PlainLayer is the same for a layer that is this image's alone. ok is false
// when there is none.
func (t *Trial) PlainLayer() (Attempt, bool) {
	k := t.Known()
	if k == nil {
		return Attempt{}, false
	}
	for _, c := range t.Private(k.Layers) {
		return Attempt{
			Request: oci.Request{Method: http.MethodGet, Kind: oci.Blob, Repository: t.Repository(), Reference: string(c.Digest)},
			Content: c, Limits: BlobLimits(c), Class: Canonical, Lent: true,
		}, true
	}
	return Attempt{}, false
}

// Scope is that of the image's repository in the names of this endpoint, for
// actions like "pull,push".
func (t *Trial) Scope(actions string) string {
	return "repository:" + t.door.ep.Prefix + t.Repository() + ":" + actions
}
