// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/oci"
	"github.com/regproof/regproof/wire"
)

// CachedContent is the id of the probe that tells of what a cache serves: when
// it does, the anonymous probes leave that to it.
const CachedContent = "cache/cached-content"

// telling is what CachedContent came to in a group.
type telling struct {
	done  chan struct{} // closed when it is known
	fails bool
}

// tells waits for CachedContent, and says whether it tells of a cache that
// serves strangers: what it did not ask for must not be left to it.
func (g *group) tells(ctx context.Context) bool {
	if g.told == nil {
		return false
	}
	select {
	case <-g.told.done:
		return g.told.fails
	case <-ctx.Done():
		return false
	}
}

// fromCache says why content that a stranger was served came from a cache and
// not from the registry, "" if nothing shows it: a registry that decides by
// itself answers the same question alike when an unknown parameter is added,
// while a cache has to pass it on.
func (t *Trial) fromCache(ctx context.Context, v Verdict) string {
	why, _ := t.attributed(ctx, v)
	return why
}

// attributed is fromCache with the exchanges that show it.
func (t *Trial) attributed(ctx context.Context, v Verdict) (string, []string) {
	a := v.attempt
	kinds := []oci.Kind{oci.Manifest, oci.Blob, oci.Tags}
	if v.Outcome != finding.Fail || a.Cold || t.group.own == nil || a.Request.Method != http.MethodGet || !slices.Contains(kinds, a.Request.Kind) {
		return "", nil
	}
	t.group.mu.Lock()
	key := v.lane.String() + a.id()
	if t.group.cachedBy == nil {
		t.group.cachedBy = map[string]*attribution{}
	}
	at := t.group.cachedBy[key]
	if at == nil {
		at = &attribution{}
		t.group.cachedBy[key] = at
	}
	t.group.mu.Unlock()
	at.once.Do(func() { at.why, at.trail = t.attribute(ctx, a, v.lane) })
	return at.why, at.trail
}

// gone is why content that was served is denied now, however it is asked: it
// says nothing alone, and beside content that came from a cache that it was
// kept there for a while.
const gone = "it is denied now"

// pastFirst is whether the question past a cache comes first in each pair. Of
// two, three or four replicas that take turns, each is asked both ways.
var pastFirst = [...]bool{true, false, false, true}

// attribute asks past a cache, and looks for the marks of one. Plainly it must
// be served and past the cache be denied each time, on new connections, in an
// order no turn-taking follows: of several replicas one may be open.
func (t *Trial) attribute(ctx context.Context, a Attempt, lane Lane) (string, []string) {
	var other, again Answer
	denied := 0
	for _, past := range pastFirst {
		ask := func(query string) Answer {
			q := question{lane: lane, id: anonymous, phase: phaseFresh, request: a.Request, change: a.Change, limits: a.Limits, variant: true, direct: a.Direct, fresh: true, confirms: true}
			if query != "" {
				q.request.Query = query
			}
			return t.ask(ctx, q)
		}
		unseen := "regproof=" + hexRandom(6)
		if past {
			other = ask(unseen)
			again = ask("")
		} else {
			again = ask("")
			other = ask(unseen)
		}
		if denies(again.Status) {
			return gone, again.Trail
		}
		if again.Status/100 != 2 {
			return "", nil
		}
		if other.Status == http.StatusUnauthorized || other.Status == http.StatusForbidden {
			denied++
		} else {
			break
		}
	}
	if denied == len(pastFirst) {
		return fmt.Sprintf("with an unknown parameter, which no cache has seen, it is answered %d", other.Status), other.Trail
	}
	if mark := hit(again.Response); mark != "" && (other.Status/100 != 2 || hit(other.Response) != "") {
		if cold, ok := t.cold[lane.Address.String()]; !ok || cold.Status/100 != 2 {
			return "the answer says so (" + mark + ")", again.Trail
		}
	}
	return "", nil
}

// hit finds the marks of an answer that a cache gave by itself.
func hit(resp wire.Response) string {
	for _, name := range []string{"X-Cache", "X-Cache-Status", "Cf-Cache-Status", "X-Proxy-Cache", "X-Cache-Lookup"} {
		if v := resp.Header.Get(name); strings.Contains(strings.ToUpper(v), "HIT") {
			return name + ": " + v
		}
	}
	if v := resp.Header.Get("Cache-Status"); strings.Contains(v, "; hit") {
		return "Cache-Status: " + v
	}
	if v := resp.Header.Get("X-Varnish"); len(strings.Fields(v)) == 2 {
		return "X-Varnish: " + v
	}
	if v := resp.Header.Get("Age"); v != "" && v != "0" {
		return "Age: " + v
	}
	return ""
}

// leaveToCache turns a failure that is a cache's doing into none of this
// probe's: the registry denies, and cache/cached-content tells of the rest.
func (t *Trial) leaveToCache(ctx context.Context, verdicts []Verdict) (Result, bool) {
	if t.told == nil || !slices.ContainsFunc(verdicts, failed) {
		return Result{}, false
	}
	cached := false
	for _, v := range verdicts {
		if v.Outcome != finding.Fail {
			continue
		}
		switch t.fromCache(ctx, v) {
		case "":
			return Result{}, false
		case gone:
		default:
			cached = true
		}
	}
	if !cached || !t.tells(ctx) {
		return Result{}, false
	}
	return Result{Outcome: finding.NotApplicable, Reason: "the registry denies; a cache before it serves what it has read, which " + CachedContent + " tells", Attempts: len(verdicts)}, true
}

func cameFromCache(why string) bool { return why != "" && why != gone }

// Cached asks, after the entitled have read an image through this door, whether
// a stranger and an unknown user get it from a cache.
func (t *Trial) Cached(ctx context.Context, attempts []Attempt) Result {
	t.turn(ctx)
	var all []Attempt
	for _, a := range attempts {
		a.Class = Canonical
		if a.Judge == nil {
			a.Judge = Content
		}
		junk := a
		junk.Class, junk.Variant, junk.Direct = Client, "a wrong password", true
		junk.Change = func(r *wire.Request) {
			r.Header = append(r.Header, [2]string{"Authorization", "Basic " + basicJunk(t.door.run)})
		}
		all = append(all, a, junk)
	}
	verdicts := t.tryAll(ctx, all)
	t.done(ctx)
	verdicts = t.settle(ctx, verdicts)
	var leaks []Verdict
	why, past := "", []string(nil)
	for _, v := range verdicts {
		if v.Outcome != finding.Fail {
			continue
		}
		if because, trail := t.attributed(ctx, v); cameFromCache(because) {
			leaks = append(leaks, v)
			if why == "" {
				why, past = because, trail
			}
		}
	}
	switch {
	case len(leaks) > 0:
		r := t.result(leaks)
		r.Attempts, r.Control = len(verdicts), append(slices.Clone(r.Control), past...)
		r.Message = fmt.Sprintf("a cache serves strangers what an entitled user has read through it: %s; %s", r.Message, why)
		r.Reason = "denied by the registry, served by a cache"
		return r
	case slices.ContainsFunc(verdicts, failed):
		return Result{Outcome: finding.NotApplicable, Reason: "it is open to everybody, cached or not", Attempts: len(verdicts)}
	}
	r := t.result(verdicts)
	if r.Outcome == finding.Pass {
		r.Reason = "denied also after the entitled had read it here; " + r.Reason
	}
	return r
}

// Behind says why nothing entitled was read through this door, "" if it was.
func (t *Trial) Behind() string {
	if t.group.own != nil {
		return ""
	}
	return t.group.ownProblem
}

// LooksCached says whether the door looks like a shared cache.
func (t *Trial) LooksCached() bool { return t.group.cache }

// attribution is one look at whether a cache or the registry served.
type attribution struct {
	once  sync.Once
	why   string
	trail []string
}
