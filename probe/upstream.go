// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/regproof/regproof/evidence"
	"github.com/regproof/regproof/oci"
	"github.com/regproof/regproof/upstream"
	"github.com/regproof/regproof/wire"
)

// upstreamStart is how long a cache has to be there: some learn their upstream
// as they start, and cannot start without it.
const upstreamStart = 30 * time.Second

// Upstream is where this run listens as the upstream of a cache; nil is
// nowhere.
func (t *Trial) Upstream() *upstream.Server { return t.door.run.opts.Upstream }

// IsCache says whether the endpoint is said to be a cache.
func (t *Trial) IsCache() bool { return t.door.ep.Cache }

// Visit is what one question at a cache led to.
type Visit struct {
	Answer   Answer             // of the cache
	Came     []upstream.Request // for the repository that was asked for
	Others   []upstream.Request // for none or another one, meanwhile
	Evidence []string
	Login    []string // of the evidence: the cache shows its credential to its upstream
	Identity string   // who asked
}

// Sent says how a credential came to a place for the repository that was asked
// for, "" if none did.
func (v Visit) Sent(place upstream.Place) string {
	for _, r := range v.Came {
		if r.Place == place && r.Credential != "" {
			return r.Credential
		}
	}
	return ""
}

// LoggedIn says whether the cache has shown its credential to its upstream.
func (v Visit) LoggedIn() bool { return len(v.Login) > 0 }

// Said is what the cache answered, for a reader.
func (v Visit) Said() string {
	switch {
	case v.Answer.Status != 0:
		return fmt.Sprint(v.Answer.Status)
	case v.Answer.NotAsked != "":
		return "nothing: " + v.Answer.NotAsked
	}
	return "nothing: " + string(v.Answer.Failure)
}

// Visit asks a cache for a manifest under a name that nobody ever asked for,
// and watches who comes to the upstream, which names the token services that
// are offered. A stranger asks; where strangers are denied and nobody came, who
// may pull does. That name is in no cache, so that nothing private is left.
func (t *Trial) Visit(ctx context.Context, offer upstream.Offer) Visit {
	up := t.Upstream()
	up.Set(offer)
	before, _ := up.Seen()
	word := "regproof-" + hexRandom(8)
	r := oci.Request{Method: http.MethodGet, Kind: oci.Manifest, Repository: word + "/absent", Reference: "latest", Accept: oci.AcceptManifests()}
	q := question{lane: t.door.first(), id: anonymous, phase: phaseFresh, request: r, variant: true, private: true}
	v := Visit{Answer: t.asSoon(ctx, q), Identity: anonymous.Name}
	v.Evidence = v.Answer.Trail
	if id := t.subject.entitled; id != nil && denied(v.Answer.Status) && !t.Planning() {
		if now, _ := up.Seen(); len(now) == len(before) {
			q.id = id
			v.Answer, v.Identity = t.group.ask(ctx, q), id.Name
			v.Evidence = append(v.Evidence, v.Answer.Trail...)
		}
	}
	if !t.Planning() {
		_ = sleep(ctx, up.Grace())
	}
	now, _ := up.Seen()
	for _, r := range now[min(len(before), len(now)):] {
		if r.Asks(word) {
			v.Came = append(v.Came, r)
		} else {
			v.Others = append(v.Others, r)
		}
	}
	for _, r := range slices.Concat(v.Came, v.Others)[:min(len(v.Came)+len(v.Others), 20)] {
		id := t.door.run.came(r)
		v.Evidence = append(v.Evidence, id)
		if r.Credential != "" && r.Place != upstream.ForeignTokens && r.Asks(word) {
			v.Login = append(v.Login, id)
		}
	}
	return v
}

// asSoon asks an endpoint that may be about to start.
func (t *Trial) asSoon(ctx context.Context, q question) Answer {
	wait, end := context.WithTimeout(ctx, upstreamStart)
	defer end()
	for {
		a := t.group.ask(ctx, q)
		if a.NotAsked != "" || a.Status != 0 || a.Failure == wire.ClientCert || t.Planning() || sleep(wait, time.Second) != nil {
			return a
		}
	}
}

// came records what came to the upstream, so that it can be cited. It was not
// sent by this run, and holds no secret.
func (r *run) came(q upstream.Request) string {
	x := evidence.Exchange{
		At: q.At.UTC(), Identity: "the cache", Method: q.Method, Target: q.Target, Host: q.Host, Address: q.From.String(), Protocol: string(wire.HTTP11),
		RequestHeaders: [][2]string{{"User-Agent", q.Agent}}, Status: q.Status, ResponseHeaders: [][2]string{}, Of: "none",
		Error: "came to check.upstream, and was not sent by this run",
	}
	if q.Credential != "" {
		shown := [2]string{"Authorization", q.Credential + " [not kept]"}
		x.RequestHeaders = append(x.RequestHeaders, shown)
		x.Made.Headers = [][2]string{shown}
	}
	for _, c := range q.Challenges {
		x.ResponseHeaders = append(x.ResponseHeaders, [2]string{"WWW-Authenticate", c})
	}
	return r.opts.Recorder.Record(x)
}
