// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/regproof/regproof/credential"
	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/login"
	"github.com/regproof/regproof/oci"
	"github.com/regproof/regproof/wire"
)

// Counter is where an endpoint takes a name and a password: its token service,
// or the registry itself.
type Counter struct {
	issuer  Issuer
	post    bool        // the token service takes no GET
	request oci.Request // asked of the registry itself, when there is no token service
}

// Where names it for a reader.
func (c Counter) Where() string {
	switch {
	case c.issuer.Realm == "" && c.request.Kind == oci.Ping:
		return "at /v2/"
	case c.issuer.Realm == "":
		return "at the manifest"
	}
	return "at the token service"
}

// Counter finds where passwords are taken here. The Result says why nobody can
// be tried.
func (t *Trial) Counter(ctx context.Context) (Counter, Result) {
	is, no := t.Issuer(ctx)
	if no.Outcome == finding.NotApplicable {
		return t.basicCounter()
	}
	if no.Outcome != "" {
		return Counter{}, no
	}
	if why := t.door.stopped(anonymous); why != "" {
		return Counter{}, Result{Outcome: finding.NotChecked, Reason: why}
	}
	c := Counter{issuer: is}
	name, password := t.Stray()
	switch a := t.Guess(ctx, c, name, password); {
	case a.WantsCertificate():
		return Counter{}, NotApplicable("the token service lets nobody try a password who has no client certificate")
	case a.Status == http.StatusNotFound || a.Status == http.StatusMethodNotAllowed:
		c.post = true
	}
	return c, Result{}
}

// basicCounter is /v2/ if it asks for a password, else the manifest.
func (t *Trial) basicCounter() (Counter, Result) {
	named := func(cs []login.Challenge) bool {
		return slices.ContainsFunc(cs, func(c login.Challenge) bool { return c.Scheme == "basic" })
	}
	basic := func(a Answer) bool {
		return a.First.Status == http.StatusUnauthorized && named(login.ParseChallenges(a.First.Header.Values("Www-Authenticate")))
	}
	behind := t.lent() != nil && !t.Certificates().Only() && named(t.door.lastChallenges())
	switch {
	case t.Planning() || behind || basic(t.Ping(Answer{})):
		return Counter{request: oci.Request{Method: http.MethodGet, Kind: oci.Ping}}, Result{}
	case basic(t.group.cold[t.door.first().Address.String()]):
		return Counter{request: manifestOf(t.Repository(), t.Reference())}, Result{}
	}
	return Counter{}, NotApplicable("no password is asked for: neither a token service nor Basic is named")
}

// Guess is one login with a name and a password that are no secret; where a
// certificate is required, with that of the entitled. It is not
// asked again and not counted as a denied request: a probe that guesses says how
// often. The answer holds its body, and how long it took.
func (t *Trial) Guess(ctx context.Context, c Counter, name, password string) Answer {
	header := [2]string{"Authorization", login.BasicHeader(name, password)}
	if c.issuer.Realm == "" {
		return t.ask(ctx, question{
			lane: t.door.first(), id: anonymous, phase: phaseFresh, request: c.request, variant: true, direct: true, private: true, confirms: true, lent: t.lent(),
			change: func(r *wire.Request) {
				r.Header = append(r.Header, header)
				r.Identity = Guessing
			},
		})
	}
	id, err := t.pretend(Guessing, name, password)
	if err != nil {
		return Answer{Problem: err.Error()}
	}
	id.Cert = t.lent().at(t.door, c.issuer.Realm).Cert
	ask := login.Ask{Query: Mint{Account: name, Scopes: []string{t.Scope("pull")}}.query(c.issuer, *anonymous), Header: [][2]string{header}, Without: true}
	if c.post {
		ask.Method, ask.Query, ask.Header = http.MethodPost, "", nil
		ask.Form = url.Values{
			"grant_type": {"password"}, "service": {c.issuer.Service}, "client_id": {"regproof"}, "scope": {t.Scope("pull")}, "username": {name}, "password": {password},
		}.Encode()
	}
	a := Answer{begin: t.door.clock.Add(1)}
	a.Response, a.Trail, err = t.door.logins.Put(ctx, t.door.reg, id, c.issuer.Realm, ask)
	a.First, a.end = a.Response, t.door.clock.Add(1)
	switch {
	case a.Failure == wire.Canceled && ctx.Err() != nil:
		a.NotAsked = "interrupted"
	case a.Failure == wire.Canceled && a.Err != nil:
		a.NotAsked = a.Err.Error()
	case err != nil:
		a.Problem = err.Error()
	case a.Status == http.StatusOK:
		if reply, err := login.ReadReply(a.Body); err == nil {
			t.Hide(reply.Token, reply.Refresh, reply.ID)
		}
	}
	return a
}

// Guessing is the name under which wrong passwords are recorded.
const Guessing = "a wrong password"

// pretend is an identity that may show a made-up credential here and to the
// token services of the registry, and nowhere else.
func (t *Trial) pretend(who, name, password string) (login.Identity, error) {
	origin, err := credential.ParseOrigin(t.door.ep.URL.Scheme + "://" + t.door.ep.URL.Host)
	return login.Identity{Name: who, Realms: t.door.target.Realms, Secret: credential.Bound{
		Credential: credential.Credential{Username: name, Password: credential.NewSecret(password)},
		Origins:    []credential.Origin{origin}, PlainHTTP: true,
	}}, err
}

// Password asks with the password of an identity at the registry itself, whatever
// way to log in that names. It goes where the identity lets it go.
func (t *Trial) Password(ctx context.Context, id *Identity, r oci.Request) Answer {
	grant := login.Basic(t.door.reg, id.Identity)
	if grant.Header == "" {
		if grant.Problem == "" {
			grant.Problem = fmt.Sprintf("%s has no password", id.Name)
		}
		return Answer{Problem: grant.Problem}
	}
	return t.ask(ctx, question{
		lane: t.door.first(), id: anonymous, phase: phaseFresh, request: r, variant: true, direct: true, private: true, fresh: true,
		change: func(w *wire.Request) {
			w.Identity, w.Cert = id.Name, id.Cert
			w.Header = append(w.Header, [2]string{"Authorization", grant.Header})
		},
	})
}

// Plainly asks as a stranger, once more and on a new connection.
func (t *Trial) Plainly(ctx context.Context, a Attempt) Answer {
	if !a.Secret {
		a.Change = made(a.Change)
	}
	return t.ask(ctx, question{lane: t.door.first(), id: anonymous, phase: phaseFresh, request: a.Request, change: a.Change, limits: a.Limits, variant: true, direct: a.Direct, fresh: true, lent: t.lend(a)})
}

// Serves says whether an answer holds content of the image that is nobody else's.
func (t *Trial) Serves(a Attempt, answer Answer) bool {
	if answer.Status/100 != 2 {
		return false
	}
	if t.matches(a, answer.Response) != nil {
		return true
	}
	c := a.Content // the image may have been forgotten since
	return c != nil && t.own(c.Digest) && (c.Digest.Encoded() == answer.SHA256 || c.Digest.Matches(unzip(answer.Response)))
}

// attempts are the wrong passwords that were tried with names of configured
// users: one for each in a run.
type attempts struct {
	mu   sync.Mutex
	made map[string]string // what: by which probe, or where
}

// Claim takes the one wrong password that a configured user may be tried with in
// a run. by names the probe that took it before, if one did.
func (t *Trial) Claim(id *Identity) (by string, ok bool) {
	a := &t.door.run.wrong
	a.mu.Lock()
	defer a.mu.Unlock()
	name := id.Secret.Credential.Username
	if by, taken := a.made[name]; taken {
		return by, false
	}
	if a.made == nil {
		a.made = map[string]string{}
	}
	a.made[name] = t.probe.ID
	return "", true
}

// Guesses takes the passwords that are guessed at a counter in a run. by is the
// endpoint at which they were guessed before, if they were: many ways in may send
// clients to one token service.
func (t *Trial) Guesses(c Counter) (by string, ok bool) {
	a := &t.door.run.guessed
	a.mu.Lock()
	defer a.mu.Unlock()
	key := c.issuer.Realm
	if u, err := t.door.ep.URL.Parse(key); err != nil || key == "" {
		key = t.door.endpointName()
	} else {
		key = u.Scheme + "://" + strings.ToLower(u.Host) + u.Path
	}
	if by, taken := a.made[key]; taken {
		return by, false
	}
	if a.made == nil {
		a.made = map[string]string{}
	}
	a.made[key] = t.door.endpointName()
	return "", true
}

// Slow says whether the run waits for what takes its time (--slow).
func (t *Trial) Slow() bool { return t.door.run.opts.Slow }

// Decoy is a user that exists and may be locked out, "" if none was named. One
// that an identity logs in as is none: why says so.
func (t *Trial) Decoy() (name, why string) {
	name = t.door.run.opts.Decoy
	for _, id := range t.door.run.opts.Identities {
		if name != "" && strings.EqualFold(id.Secret.Credential.Username, name) {
			return "", fmt.Sprintf("check.decoy is the user of %s: name one that no identity logs in as", id.Name)
		}
	}
	return name, ""
}

// Primary says whether this is the first endpoint of its registry.
func (t *Trial) Primary() bool { return t.group.primary == t.group }
