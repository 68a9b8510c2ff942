// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/regproof/regproof/credential"
	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/image"
	"github.com/regproof/regproof/login"
	"github.com/regproof/regproof/oci"
	"github.com/regproof/regproof/wire"
)

// DefaultCredentials is one login with the password that the vendor ships.
const DefaultCredentials Effect = "default-credentials"

// Page is an attempt at a path outside the API, by a stranger: on every address
// once, without a login, and with its own judge.
func Page(target string, judge func(context.Context, *Trial, Attempt, Answer) Verdict) Attempt {
	return Attempt{
		Variant: target, Request: oci.Request{Method: http.MethodGet, Kind: oci.Ping}, Direct: true, Judge: judge,
		Change: func(r *wire.Request) { r.Target = target },
	}
}

// Stranger asks for one more path outside the API, where an answer came from.
func (t *Trial) Stranger(ctx context.Context, like Answer, target string) Answer {
	a := Page(target, nil)
	return t.ask(ctx, question{lane: laneOf(like), id: anonymous, phase: phaseAsk, variant: true, direct: true, request: a.Request, change: a.Change})
}

// Nonce is a word of this run that nothing is named after.
func (t *Trial) Nonce() string { return "regproof-" + t.door.run.random }

// Planning says whether nothing is sent.
func (t *Trial) Planning() bool { return t.door.run.planning() }

// Ping is what the registry answered a stranger at /v2/, at the address where
// an answer came from; at the first one for the zero answer.
func (t *Trial) Ping(like Answer) Answer {
	if at := like.Request.Address; at.IsValid() {
		return t.door.pings[at]
	}
	return t.door.pings[t.door.first().Address]
}

// Repositories are those of this registry that the run was told of.
func (t *Trial) Repositories() []string {
	var out []string
	for _, i := range t.door.run.opts.Images {
		if i.Registry == t.door.target.Name {
			out = append(out, i.Repository)
		}
	}
	return out
}

// NotServed judges an answer to Page that is no 2xx; ok is false for a 2xx, which
// the probe has to look at. A pass needs no positive control, since the path may
// well not exist; what it rests on is that the registry itself answers there.
func (t *Trial) NotServed(answer Answer) (v Verdict, ok bool) {
	switch {
	case answer.Failure == wire.ClientCert:
		return t.Closed(answer, inHandshake), true
	case answer.Failure == wire.NoRoute:
		t.door.run.unroutable(answer.Request.Address.Addr())
		return Verdict{Outcome: finding.NotChecked, Reason: "no route to " + answer.Request.Address.Addr().String() + " from here", noRoute: true}, true
	case answer.Failure != "":
		return Verdict{Outcome: finding.Unknown, Reason: silence(answer.Response)}, true
	case answer.Status/100 == 2:
		return Verdict{}, false
	}
	if mark := wafMark(answer.Response); mark != "" {
		return Verdict{Outcome: finding.Unknown, Reason: fmt.Sprintf("%d from a bot filter (%s): that is no access control", answer.Status, mark)}, true
	}
	switch s := answer.Status; {
	case s == http.StatusTooManyRequests || s == http.StatusRequestTimeout || s == http.StatusTooEarly || s < 200 || s >= 500:
		return Verdict{Outcome: finding.Unknown, Reason: fmt.Sprintf("%d, which says nothing of what is there", s)}, true
	}
	return t.Closed(answer, fmt.Sprint(answer.Status)), true
}

// Closed is the pass of a path that holds nothing for strangers.
func (t *Trial) Closed(answer Answer, what string) Verdict {
	ping := t.Ping(answer)
	if s := ping.First.Status; ping.First.Failure != wire.ClientCert && (s == 0 || s == http.StatusTooManyRequests || s >= 500) {
		return Verdict{Outcome: finding.Unknown, Reason: what + ", but the registry does not answer at /v2/ either"}
	}
	return Verdict{Outcome: finding.Pass, Reason: what + ", not served to strangers from this vantage", Control: ping.Trail}
}

// Redirected is where this endpoint sends the entitled for a layer, which is not
// followed. Problem says why nothing is known of it.
func (t *Trial) Redirected(ctx context.Context, c *image.Content) Answer {
	if t.group.own == nil {
		return Answer{Problem: t.subject.whyUnknown(t.group, nil)}
	}
	q := question{
		lane: t.door.first(), id: t.subject.entitled, phase: phaseEntitled, variant: true, limits: image.Limits{Limit: 1},
		request: oci.Request{Method: http.MethodGet, Kind: oci.Blob, Repository: t.Repository(), Reference: string(c.Digest)},
	}
	a := t.insist(ctx, q, t.ask(ctx, q))
	if a.Problem == "" {
		a.Problem = a.NotAsked
	}
	return a
}

// Storage asks a place that the registry redirected to as a stranger: without
// credential, cookie or signature. It is asked only if the guard allows it, and
// what it says in turn is not followed. The returned string says why there is no
// answer.
func (t *Trial) Storage(ctx context.Context, location string, limits image.Limits) (wire.Response, string) {
	to, err := t.door.reg.Guard.Check(ctx, t.door.ep.URL, location, wire.Redirect)
	if err != nil {
		return wire.Response{}, err.Error()
	}
	if why := t.door.stopped(anonymous); why != "" {
		return wire.Response{}, why
	}
	resp := paced{d: t.door}.Do(ctx, wire.Request{
		Identity: anonymous.Name, Method: http.MethodGet, Scheme: to.URL.Scheme, Host: to.URL.Host, SNI: to.URL.Hostname(), Address: to.Address,
		Target: to.URL.RequestURI(), Proto: wire.HTTP11, Header: t.door.reg.Headers, Timeout: hopTimeout,
		Limit: limits.Limit, KeepFrom: limits.KeepFrom, Keep: limits.Keep,
	})
	if resp.Failure != "" {
		return resp, fmt.Sprintf("%s: %s", to.Origin, resp.Failure)
	}
	return resp, ""
}

// Named says whether the configuration names where a URL leads: an endpoint of
// this registry, a token service or a storage of it. Only such a place is asked
// for more than what the registry itself sends clients for (CONTRACTS.md
// section 3).
func (t *Trial) Named(location string) bool {
	u, err := t.door.ep.URL.Parse(location)
	if err != nil {
		return false
	}
	o, err := credential.ParseOrigin(u.Scheme + "://" + u.Host)
	return err == nil && slices.Contains(t.door.reg.Guard.Allowed, o)
}

// Try logs in at this endpoint with a name and a password that are no secret,
// in the way that the registry asks for at /v2/, and asks for /v2/ with it. It
// is one login, and nothing is asked again. The password goes to the endpoint
// and to its token service alone.
func (t *Trial) Try(ctx context.Context, who, name, password string) Answer {
	d := t.door
	if why := d.stopped(anonymous); why != "" {
		return Answer{NotAsked: why}
	}
	q := question{lane: d.first(), id: anonymous, phase: phaseFresh, variant: true, direct: true, request: oci.Request{Method: http.MethodGet, Kind: oci.Ping}}
	var a Answer
	challenges := login.ParseChallenges(t.Ping(Answer{}).First.Header.Values("Www-Authenticate"))
	id, err := t.pretend(who, name, password)
	if err != nil {
		return Answer{Problem: err.Error()}
	}
	for _, c := range challenges {
		realm, err := d.ep.URL.Parse(c.Params["realm"])
		if c.Scheme == "bearer" && err == nil && realm.Host != "" && !t.owned(realm) {
			return Answer{Problem: fmt.Sprintf("the token service %s://%s is neither on the registry's host nor named for it, so no made-up password is sent there: name it under realms, or pass --allow-realm", realm.Scheme, realm.Host)}
		}
	}
	a.Grant = d.logins.Authorize(ctx, d.reg, id, challenges, "")
	a.Trail, a.Problem = a.Grant.Evidence, a.Grant.Problem
	if a.Grant.Refused || a.Problem != "" {
		return a
	}
	if a.Grant.Header == "" {
		a.Problem = "/v2/ asks for no login that could be tried"
		return a
	}
	if _, token, ok := strings.Cut(a.Grant.Header, " "); ok {
		d.run.opts.Recorder.Hide(token)
	}
	r := authorized(d.request(q), a.Grant)
	r.Identity, r.Fresh = who, true
	a.Response = paced{d: d}.Do(ctx, r)
	a.First = a.Response
	a.Trail = append(a.Trail, a.ID)
	if a.Failure == wire.Canceled {
		a.NotAsked = "interrupted"
		if a.Err != nil && ctx.Err() == nil {
			a.NotAsked = a.Err.Error()
		}
	}
	return a
}

// Stray is the name and password of a user that does not exist.
func (t *Trial) Stray() (name, password string) {
	return "regproof-" + t.door.run.opts.ID, t.door.run.random
}
