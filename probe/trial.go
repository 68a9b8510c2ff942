// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"context"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/image"
	"github.com/regproof/regproof/login"
	"github.com/regproof/regproof/oci"
	"github.com/regproof/regproof/wire"
)

// Class says what an attempt means for its trial.
type Class int

// Canonical attempts decide. Client attempts are what clients really send: they
// decide too, but come after the core of every trial. Variant attempts can
// only show a leak: most are refused for being odd, which proves nothing.
const (
	Canonical Class = iota
	Client
	Variant
)

// Attempt is one question inside a trial.
type Attempt struct {
	Variant   string // what differs from the canonical request; "" is nothing
	Cause     string // what a front does wrong when this opens something, as a sentence
	Class     Class
	Request   oci.Request
	Content   *image.Content // what a leak would show
	Change    func(*wire.Request)
	Limits    image.Limits
	AllLanes  bool                                                   // on every address and protocol; else on every address once
	OneLane   bool                                                   // only once
	Fresh     bool                                                   // on a new connection, after everything else was asked
	Bare      bool                                                   // without our own headers
	Direct    bool                                                   // without a login: it carries its own credential
	As        string                                                 // whose credential Change puts in; "" is a stranger
	With      string                                                 // what it shows instead of nothing, for findings: "a forged token"
	Lent      bool                                                   // a stranger with the certificate of the entitled, where one is required
	Secret    bool                                                   // Change puts in what came from a user or a server: it is not shown
	Again     int                                                    // how often it was repeated because of a doubt
	Confirms  bool                                                   // it repeats a leak that was seen: no budget stands in its way
	plain     *Attempt                                               // of which this is an odd way
	step      bool                                                   // the trial cannot go on without the answer
	lanes     []Lane                                                 // only there; nil is as AllLanes and OneLane say
	Cold      bool                                                   // not asked: what was answered before anything else
	Elsewhere bool                                                   // Control is from another endpoint
	Control   []string                                               // exchanges in which the entitled got it here, when Content is nil
	Login     *login.Identity                                        // who asks, with a login; nil is a stranger
	Judge     func(context.Context, *Trial, Attempt, Answer) Verdict // nil judges by content
}

// Verdict is what one attempt came to.
type Verdict struct {
	Outcome  finding.Outcome
	Severity finding.Severity // of a failure, when other than the probe's
	Reason   string
	Message  string
	Evidence []string
	Control  []string
	Subject  *finding.Subject

	// unsure: a denial that may be that of a rate limit, until it is seen again
	// alone.
	unsure bool
	// onDenial: a failure that rests on a denial, and not on content.
	onDenial bool
	// signed: a denial with the mark of a registry or of an authentication. No
	// ban and no rate limit looks like that.
	signed bool
	// unread: something was served that could not be read.
	unread bool
	// noRoute: this address family does not lead anywhere from here, which says
	// nothing about the others.
	noRoute    bool
	attempt    Attempt
	lane       Lane
	begin, end int64
}

// Trial is one probe on one subject and one door.
type Trial struct {
	*group
	probe Probe
}

// Known is the image as it is known from here or from another endpoint of the
// same registry; nil when nobody could read it.
func (t *Trial) Known() *image.Known { return t.subject.known() }

// Reference is the tag or digest that was configured.
func (t *Trial) Reference() string { return t.subject.ref.Reference }

// Repository is the repository under test, "" for the registry as such.
func (t *Trial) Repository() string { return t.subject.ref.Repository }

// Private lists contents that nobody could have from a public repository or
// from everywhere: only those prove a leak.
func (t *Trial) Private(contents []*image.Content) []*image.Content {
	var out []*image.Content
	for _, c := range contents {
		if t.own(c.Digest) {
			out = append(out, c)
		}
	}
	return out
}

// own says whether the content belongs to this image alone, as far as
// anonymous is concerned.
func (t *Trial) own(d oci.Digest) bool {
	return !oci.WellKnown(d) && !t.door.run.public.has(d)
}

// Judge asks all attempts and makes one result of them: fail > error >
// unknown > pass. Canonical attempts go first; the rest waits until every
// required trial has its core, and a good sentinel after it.
func (t *Trial) Judge(ctx context.Context, attempts []Attempt) Result {
	var core, rest []Attempt
	for _, a := range attempts {
		if a.Class == Canonical && t.probe.Required {
			core = append(core, a)
		} else if a.Class != Client || a.Cold || t.Chosen() || !t.subject.ref.Sampled {
			rest = append(rest, a)
		}
	}
	verdicts := t.tryAll(ctx, core)
	if t.probe.Required {
		t.group.core.done(t.probe.ID)
	}
	t.turn(ctx)
	verdicts = append(verdicts, t.tryAll(ctx, rest)...)
	if agentMatters(verdicts) {
		t.door.byAgent.Store(true)
	}
	t.done(ctx)
	verdicts = t.settle(ctx, verdicts)
	if r, cached := t.leaveToCache(ctx, verdicts); cached {
		return r
	}
	return t.result(verdicts)
}

// optional says whether the trial is one that comes after what may be required.
func (t *Trial) optional() bool {
	return t.probe.Per == Once || (t.probe.Per == Registry && t.probe.Decides == "" && t.probe.Expects == "")
}

// turn waits until it is the turn of what is no core: after the core of every
// trial, and for what is run once for the endpoint after everything else.
func (t *Trial) turn(ctx context.Context) {
	t.group.core.wait(ctx)
	if t.probe.Per == Once {
		// All others have asked. Whether the door still answers as before is
		// looked at meanwhile, and what it is not sure of is asked again.
		select {
		case <-t.group.rest.full:
		case <-ctx.Done():
		}
	}
}

// done says that the trial has asked, and waits until the others have and the
// sentinels were looked at.
func (t *Trial) done(ctx context.Context) {
	gate := t.group.rest
	if t.probe.Per == Once {
		gate = t.group.odd
	}
	gate.done(t.probe.ID)
	gate.wait(ctx)
}

// agentMatters says whether a real client was served what we were denied.
func agentMatters(verdicts []Verdict) bool {
	return slices.ContainsFunc(verdicts, func(v Verdict) bool {
		return v.Outcome == finding.Fail && v.attempt.Class == Client && !v.attempt.Cold && !v.attempt.Fresh && !implied(v, verdicts)
	})
}

// implied says whether a failure follows from that of the canonical attempt
// for the same content on the same lane: it tells nothing new.
func implied(v Verdict, verdicts []Verdict) bool {
	return v.attempt.Class != Canonical && slices.ContainsFunc(verdicts, func(o Verdict) bool {
		return o.Outcome == finding.Fail && o.attempt.Class == Canonical && o.lane == v.lane &&
			o.attempt.Request.Repository == v.attempt.Request.Repository && o.attempt.Request.Reference == v.attempt.Request.Reference
	})
}

// tryAll asks attempts on all their lanes, all at once.
func (t *Trial) tryAll(ctx context.Context, attempts []Attempt) []Verdict {
	var mu sync.Mutex
	var wg sync.WaitGroup
	var out []Verdict
	for _, a := range attempts {
		for _, lane := range t.lanesOf(ctx, a) {
			wg.Go(func() {
				v := t.try(ctx, a, lane)
				mu.Lock()
				defer mu.Unlock()
				out = append(out, v)
			})
		}
	}
	wg.Wait()
	order := map[string]int{}
	for i, a := range attempts {
		order[a.id()] = i
	}
	slices.SortStableFunc(out, func(a, b Verdict) int {
		if c := order[a.attempt.id()] - order[b.attempt.id()]; c != 0 {
			return c
		}
		return strings.Compare(a.lane.String(), b.lane.String())
	})
	return out
}

// phase keeps answers apart that were given at times of different trust.
func (a Attempt) phase() int { return phaseAsk + 100*a.Again }

func (a Attempt) id() string { return a.Variant + "\x00" + a.Request.Method + a.Request.Target() }

// String names the lane for sorting and for notes.
func (l Lane) String() string { return l.Address.String() + " " + string(l.Proto) }

func (t *Trial) lanesOf(ctx context.Context, a Attempt) []Lane {
	switch {
	case a.lanes != nil:
		return a.lanes
	case a.OneLane:
		return []Lane{t.door.first()}
	case a.AllLanes:
		return t.door.allLanes(ctx)
	}
	return t.door.addressLanes()
}

// try asks one attempt on one lane and judges it.
func (t *Trial) try(ctx context.Context, a Attempt, lane Lane) (v Verdict) {
	defer func() {
		if e := recover(); e != nil {
			v = Verdict{Outcome: finding.Error, Reason: fmt.Sprintf("the probe panicked: %v", e), Message: firstLines(string(debug.Stack())), attempt: a, lane: lane}
		}
	}()
	if !a.Secret {
		a.Change = made(a.Change)
	}
	a.Change = named(a.As, a.Change)
	q := question{
		lane: lane, id: anonymous, phase: a.phase(), request: a.Request, change: a.Change, limits: a.Limits,
		variant: a.Class == Variant, as: a.Login != nil, odd: a.Again == 0 && t.optional(), step: a.step, confirms: a.Confirms, fresh: a.Fresh, bare: a.Bare, direct: a.Direct,
		lent: t.lend(a),
	}
	if a.Login != nil {
		q.id = a.Login
	}
	answer, ok := t.cold[lane.Address.String()]
	if !a.Cold || !ok || a.Again > 0 {
		answer = t.ask(ctx, q)
	}
	if t.door.sentinels.answered() {
		t.rounds.Go(func() { t.door.sentinels.check(ctx, t.group) })
	}
	return t.verdict(ctx, a, lane, answer)
}

func (t *Trial) verdict(ctx context.Context, a Attempt, lane Lane, answer Answer) Verdict {
	judge := a.Judge
	if judge == nil {
		judge = Content
	}
	var v Verdict
	switch {
	case answer.NotAsked != "":
		v = Verdict{Outcome: finding.NotChecked, Reason: answer.NotAsked}
	case answer.Failure == wire.NoHTTP2 || answer.Failure == wire.Unsendable:
		v = Verdict{Outcome: finding.NotApplicable, Reason: string(answer.Failure)}
	default:
		var refused bool
		if v, refused = t.refusesLoan(a, answer); !refused {
			v = judge(ctx, t, a, answer)
		}
	}
	if len(v.Evidence) == 0 {
		v.Evidence = answer.Trail
	}
	v.attempt, v.lane, v.begin = a, lane, answer.begin
	v.end = max(v.end, answer.end)
	return v
}

// settle looks at what the sentinels saw. Denials of a time in doubt are asked
// again, slowly and one by one, if the door has recovered; else they are
// unknown. A leak stands: content is its own proof.
func (t *Trial) settle(ctx context.Context, verdicts []Verdict) []Verdict {
	s := t.door.sentinels
	if slices.ContainsFunc(verdicts, t.unsure) {
		t.isolated(ctx, verdicts, t.unsure)
	}
	for round := 0; round < 4 && slices.ContainsFunc(verdicts, t.doubts) && s.recover(ctx, t.group); round++ {
		t.isolated(ctx, verdicts, t.doubts)
	}
	for i, v := range verdicts {
		if a, answer, ok := t.openedTo(v); ok {
			verdicts[i] = t.verdict(ctx, a, v.lane, answer)
		}
	}
	for i, v := range verdicts {
		if v.signed || v.Outcome != finding.Pass && !v.onDenial {
			continue
		}
		if why := s.tainted(v.begin, v.end); why != "" {
			verdicts[i].Outcome = finding.Unknown
			verdicts[i].Reason = doubt(why)
		}
	}
	return verdicts
}

// openedTo says whether a sentinel was served what this attempt, the very first
// request, was denied.
func (t *Trial) openedTo(v Verdict) (Attempt, Answer, bool) {
	t.group.mu.Lock()
	defer t.group.mu.Unlock()
	answer, ok := t.group.opened[v.lane]
	a := v.attempt
	if !ok || !a.Cold || v.Outcome == finding.Fail {
		return a, answer, false
	}
	a.Cold, a.Variant = false, "the first request once more"
	return a, answer, true
}

// doubt names why a denial counts for nothing.
func doubt(why string) string {
	if strings.Contains(why, "check.budget") || why == "interrupted" {
		return "not seen to be more than a rate limit or a ban: " + why
	}
	return "throttled or banned: " + why
}

// isolation is the pause before and between requests that are repeated alone.
const isolation = 250 * time.Millisecond

// isolated repeats verdicts one by one, no other trial of the door doing the
// same meanwhile, and asks the sentinels afterwards.
func (t *Trial) isolated(ctx context.Context, verdicts []Verdict, which func(Verdict) bool) {
	t.door.slow.Lock()
	defer t.door.slow.Unlock()
	pause := isolation
	if t.door.pace.slowed() {
		pause = 0 // the pace does it
	}
	if sleep(ctx, 4*pause) != nil {
		return
	}
	for i, v := range verdicts {
		if which(v) && sleep(ctx, pause) == nil {
			verdicts[i] = t.again(ctx, v)
		}
	}
	t.door.sentinels.check(ctx, t.group)
}

// again repeats one attempt, and does not take the answer from before.
func (t *Trial) again(ctx context.Context, v Verdict) Verdict {
	v.attempt.Again++
	v = t.try(ctx, v.attempt, v.lane)
	v.unsure = false // seen twice, the second time alone
	return v
}

// unsure says whether a verdict that counts has to be seen once more.
func (t *Trial) unsure(v Verdict) bool { return v.unsure && v.attempt.Class != Variant }

// doubts says whether a verdict that counts rests on a denial of a time in
// doubt.
func (t *Trial) doubts(v Verdict) bool {
	return !v.signed && (v.Outcome != finding.Fail || v.onDenial) && v.attempt.Class != Variant && t.door.sentinels.tainted(v.begin, v.end) != ""
}

var anonymous = &login.Identity{Name: login.Anonymous}
