// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/regproof/regproof/image"
	"github.com/regproof/regproof/login"
	"github.com/regproof/regproof/oci"
	"github.com/regproof/regproof/wire"
)

// Answer is what came of one question, after the login that it asked for.
type Answer struct {
	wire.Response
	First      wire.Response // what was answered before any login
	Trail      []string      // every exchange that led here
	Grant      login.Grant
	Problem    string // why the login could not be finished
	NotAsked   string // why nothing was sent: budget, ban, interrupt
	elsewhere  bool   // asked at another endpoint of the registry
	begin, end int64  // on the door's clock
}

// question is one request in the making.
type question struct {
	lane     Lane
	id       *login.Identity
	phase    int
	request  oci.Request
	change   func(*wire.Request)
	limits   image.Limits
	variant  bool // a token that grants nothing is not tried
	fresh    bool
	private  bool // never shared
	watches  bool // a sentinel
	confirms bool // it repeats a leak that was seen: no budget stands in its way
	odd      bool // not asked of a door that throttles: what is required needs the little that it answers
	step     bool // its trial cannot go on without the answer
	early    bool // others follow on it, one after the other
	bare     bool // without our own headers
	direct   bool // no login: the request carries its own credential
	as       bool // asked as somebody who must be denied
	lent     *loan
	once     bool // it changes something: it is never sent twice by itself
}

// DockerAgent is what a docker client calls itself.
const DockerAgent = "docker/28.2.2 go/go1.24.3 git-commit/45873be kernel/6.1.0 os/linux arch/amd64 UpstreamClient(Docker-Client/28.2.2 \\(linux\\))"

// repeats is how often a 429, a 5xx or a time-out is asked again.
const repeats = 3

// maxBackoff bounds how long a Retry-After is obeyed.
const maxBackoff = 5 * time.Second

// wire makes the bytes of a question.
func (d *door) request(q question) wire.Request {
	r := q.request
	if r.Repository != "" {
		r.Repository = d.ep.Prefix + r.Repository
	}
	out := wire.Request{
		Identity: q.id.Name, Method: r.Method, Scheme: d.ep.URL.Scheme, Target: r.Target(), Host: d.ep.URL.Host, SNI: d.ep.URL.Hostname(),
		Address: q.lane.Address, Proto: q.lane.Proto, Fresh: q.fresh, Cert: q.id.Cert,
		Limit: q.limits.Limit, KeepFrom: q.limits.KeepFrom, Keep: q.limits.Keep,
	}
	if q.bare {
		out.Header = [][2]string{{"Accept-Encoding", "identity"}}
	} else {
		out.Header = append(out.Header, d.reg.Headers...)
	}
	if len(r.Accept) > 0 {
		out.Header = append(out.Header, [2]string{"Accept", strings.Join(r.Accept, ", ")})
	}
	if q.limits.Range != "" {
		out.Header = append(out.Header, [2]string{"Range", q.limits.Range})
	}
	if !q.id.Anonymous() && d.asDocker.Load() {
		out.Header = append(without(out.Header, "User-Agent"), [2]string{"User-Agent", DockerAgent})
	}
	if q.change != nil {
		q.change(&out)
	}
	q.lent.show(d, &out)
	return out
}

// ask sends a question, logs in if it is challenged, and asks again.
func (g *group) ask(ctx context.Context, q question) (a Answer) {
	d := g.door
	a = Answer{begin: d.clock.Add(1)}
	defer func() { a.end = d.clock.Add(1) }()
	if why := d.stopped(q.id); why != "" && !q.confirms {
		a.NotAsked = why
		return a
	}
	r := d.request(q)
	if !q.id.Anonymous() {
		g.askEntitled(ctx, q, r, &a)
		return a
	}
	if g.bothLegs(ctx, q, r, &a) {
		return a
	}
	a.First = g.send(ctx, q, r, &a)
	a.Response = a.First
	if a.NotAsked != "" || q.direct || !denies(a.First.Status) {
		return a
	}
	challenges := login.ParseChallenges(a.First.Header.Values("Www-Authenticate"))
	own := slices.ContainsFunc(challenges, namesRealm)
	if !own {
		// Some registries challenge at /v2/ alone and answer 404 or 403 below it, or
		// ask for a password there; the token service of the ping is there all the same.
		challenges = append(challenges, rescoped(d.lastChallenges(), true)...)
	}
	if id := g.subject.entitled; q.phase == phaseCold && id != nil {
		// The token that the entitled will need is asked for meanwhile; it is
		// the content that must not be read before the cold questions.
		g.rounds.Go(func() { d.logins.Authorize(ctx, d.reg, *id, rescoped(challenges, true), d.scope(q)) })
	}
	a.Grant = d.logins.Authorize(ctx, d.reg, d.stranger(q, challenges), challenges, d.scope(q))
	a.Trail = append(a.Trail, a.Grant.Evidence...)
	a.Problem = a.Grant.Problem
	if a.Grant.Header == "" || (q.variant && a.Grant.Empty()) {
		return a
	}
	with := Answer{}
	with.Response = g.send(ctx, q, authorized(r, a.Grant), &with)
	a.Trail = append(a.Trail, with.Trail...)
	a.NotAsked = with.NotAsked
	if own || with.Status/100 == 2 || with.Status/100 == 3 {
		a.Response = with.Response
	}
	return a
}

// denies says whether a status may be that of a denial which a token lifts.
func denies(status int) bool {
	return status == http.StatusUnauthorized || status == http.StatusForbidden || status == http.StatusNotFound
}

func authorized(r wire.Request, grant login.Grant) wire.Request {
	r.Header = append(r.Header[:len(r.Header):len(r.Header)], [2]string{"Authorization", grant.Header})
	return r
}

// bothLegs asks without and with an anonymous token at once, when the token is
// there already. It says whether it did. The answer is that of the token where
// the other is a challenge, or where only the token gets content.
func (g *group) bothLegs(ctx context.Context, q question, r wire.Request, a *Answer) bool {
	if q.direct || q.phase == phaseCold {
		return false
	}
	challenges := rescoped(g.door.lastChallenges(), true)
	grant, ok := g.door.logins.Cached(g.door.reg, g.door.stranger(q, challenges), challenges, g.door.scope(q))
	if !ok || grant.Header == "" || (q.variant && grant.Empty()) {
		return false
	}
	with := Answer{Grant: grant}
	var wg sync.WaitGroup
	wg.Go(func() { with.Response = g.send(ctx, q, authorized(r, grant), &with) })
	a.First = g.send(ctx, q, r, a)
	wg.Wait()
	a.Response = a.First
	if a.NotAsked != "" || with.NotAsked != "" {
		return true
	}
	if a.First.Status == http.StatusUnauthorized || (a.First.Status/100 != 2 && (with.Status/100 == 2 || with.Status/100 == 3)) {
		a.Response, a.Grant = with.Response, grant
		a.Trail = append(append(a.Trail, grant.Evidence...), with.Trail...)
	}
	return true
}

// scope is what a token for the question has to hold, in the names of the door.
func (d *door) scope(q question) string {
	r := q.request
	if r.Repository != "" {
		r.Repository = d.ep.Prefix + r.Repository
	}
	return r.Scope()
}

// askEntitled logs in with what is known of the door before it asks, and once
// more with what it was told when that was not enough.
func (g *group) askEntitled(ctx context.Context, q question, r wire.Request, a *Answer) {
	d := g.door
	known := d.lastChallenges()
	for try := range 2 {
		if len(known) == 0 && try == 0 {
			// Nobody was challenged: a front may answer strangers with 403, 404
			// or a login page, and the entitled only if they come with a password.
			a.Grant = login.Basic(d.reg, *q.id)
			a.Problem = a.Grant.Problem
		}
		if len(known) > 0 || !q.id.Secret.Credential.Token.IsZero() {
			a.Grant = d.logins.Authorize(ctx, d.reg, *q.id, rescoped(known, try == 0), d.scope(q))
			a.Trail = append(a.Trail, a.Grant.Evidence...)
			a.Problem = a.Grant.Problem
			if a.Grant.Refused {
				a.Problem = "the token service refused the credential of " + q.id.Name
			}
		}
		if a.Problem != "" {
			return
		}
		with := r
		if a.Grant.Header != "" {
			if _, token, ok := strings.Cut(a.Grant.Header, " "); ok {
				d.run.opts.Recorder.Hide(token)
			}
			with.Header = append(r.Header[:len(r.Header):len(r.Header)], [2]string{"Authorization", a.Grant.Header})
		}
		a.Response = g.send(ctx, q, with, a)
		if a.NotAsked != "" || a.Status != http.StatusUnauthorized {
			return
		}
		next := login.ParseChallenges(a.Header.Values("Www-Authenticate"))
		if len(next) == 0 || try == 1 || !g.worthAgain(known, next, a.Grant) {
			return
		}
		known = next
	}
}

// worthAgain says whether a second login could end otherwise: the first went
// without, or was for another scope. A second realm is not followed: a
// registry that sends a logged-in client elsewhere is after its secret.
func (g *group) worthAgain(before, after []login.Challenge, got login.Grant) bool {
	if got.Header == "" {
		return true
	}
	realm := func(cs []login.Challenge) string {
		for _, c := range cs {
			if c.Scheme == "bearer" {
				return c.Params["realm"]
			}
		}
		return ""
	}
	if len(before) == 0 { // Basic was a guess: where strangers are refused in the handshake, nobody was challenged yet
		return realm(after) != ""
	}
	return realm(before) == realm(after) && strings.HasPrefix(got.Header, "Bearer ")
}

// rescoped drops the scope of remembered challenges: it was for another
// request, and the one at hand says what it needs.
func rescoped(cs []login.Challenge, remembered bool) []login.Challenge {
	if !remembered {
		return cs
	}
	out := make([]login.Challenge, len(cs))
	for i, c := range cs {
		params := map[string]string{}
		for k, v := range c.Params {
			if k != "scope" {
				params[k] = v
			}
		}
		out[i] = login.Challenge{Scheme: c.Scheme, Params: params}
	}
	return out
}

// send makes one exchange, shares its answer with those who ask for the same
// bytes in the same phase, and repeats what failed in passing.
func (g *group) send(ctx context.Context, q question, r wire.Request, a *Answer) wire.Response {
	once := func() shared { return g.repeat(ctx, q, r) }
	var s shared
	if q.private || q.fresh || r.Session != nil {
		s = once()
	} else {
		s = g.share(ctx, key(q.phase, r), once)
	}
	a.Trail = append(a.Trail, s.trail...)
	if s.resp.Failure == wire.Canceled {
		a.NotAsked = "interrupted"
		if s.resp.Err != nil && ctx.Err() == nil {
			a.NotAsked = s.resp.Err.Error()
		}
	}
	return s.resp
}

// repeat asks again what was answered with 429, 5xx or nothing at all.
func (g *group) repeat(ctx context.Context, q question, r wire.Request) shared {
	d := g.door
	var s shared
	for n := 0; ; n++ {
		s.resp = paced{d: d, stop: func() string { return d.refuses(q) }, odd: q.change != nil, early: q.early || r.Fresh || r.SNI != d.ep.URL.Hostname(), bulk: q.odd && !q.step}.Do(ctx, r)
		if d.run.planning() && q.watches {
			d.run.simulate.watches(d, r)
		}
		s.trail = append(s.trail, s.resp.ID)
		if s.resp.Failure == wire.Stale && n < repeats && !q.once { // the peer closed an idle connection: not its answer
			r.Fresh = true
			continue
		}
		d.count(q, s.resp)
		if alertLost(r, s.resp) && n < repeats && !q.once {
			r.Fresh = true
			continue
		}
		passing := s.resp.Failure.Transient() || s.resp.Status == 429 || s.resp.Status >= 500
		if !passing || n >= repeats || q.variant || (r.Method != http.MethodGet && r.Method != http.MethodHead) || d.broken.Load() >= 2 {
			if passing && !q.variant {
				d.broken.Add(1)
			}
			return s
		}
		if sleep(ctx, backoff(n, s.resp)) != nil {
			return s
		}
	}
}

// alertLost says whether a server that asked for a certificate and got none may
// have said what it thinks of that: with TLS 1.3 its alert follows the handshake,
// and the end of the connection may overtake it. It is asked again, since silence
// is no denial.
func alertLost(r wire.Request, resp wire.Response) bool {
	return resp.Failure == wire.Closed && resp.TLS != nil && resp.TLS.Asked && r.Cert == nil
}

func backoff(n int, resp wire.Response) time.Duration {
	d := 200 * time.Millisecond << n
	if s, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil && s >= 0 {
		d = max(d, time.Duration(s)*time.Second)
	}
	return min(d, maxBackoff)
}

// throttled says that a door was left alone.
const throttled = "the registry throttles or bans this client, so it was left alone; --rate 1 may get by"

// count keeps the budget of denied requests.
func (d *door) count(q question, resp wire.Response) {
	if (q.id.Anonymous() || q.as) && (resp.Status == 401 || resp.Status == 403) {
		d.denied.Add(1)
	}
}

// refuses says why a question is not sent, now that it is its turn: a budget may
// have been spent while it waited. Sentinels are what keeps budgets honest.
func (d *door) refuses(q question) string {
	if q.private || q.confirms {
		return ""
	}
	if q.odd && (q.id.Anonymous() || q.as) && (!d.sentinels.good() || d.pace.slowed()) {
		return throttled
	}
	return d.stopped(q.id)
}

// stopped says why the door may not be asked any more by this identity.
func (d *door) stopped(id *login.Identity) string {
	switch {
	case d.problem != "":
		return d.problem
	case id.Anonymous() && d.sentinels.banned():
		return "the registry banned or throttled this client, so it is left alone"
	case id.Anonymous() && d.denied.Load() >= int64(d.run.opts.MaxDenied):
		return fmt.Sprintf("the budget of %d denied requests is spent (check.budget.denied)", d.run.opts.MaxDenied)
	}
	return ""
}
