// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"context"
	"fmt"
	"net/http"
	"slices"

	"github.com/regproof/regproof/access"
	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/oci"
	"github.com/regproof/regproof/probe"
)

// session is an upload under test.
type session struct {
	probe.Begun
	t     *probe.Trial
	trail []string // who began it, asking
	alive []string // the exchange in which who began it was shown it
	gone  bool
}

// touch is one way to somebody else's upload.
type touch struct {
	id      *probe.Identity // nil is a stranger
	request oci.Request
	where   string // "" is its own repository
}

// attempt is what came of the ways of one identity.
type attempt struct {
	id    *probe.Identity
	hits  []probe.Result
	asked []probe.Reply
}

func (x *session) notBegun(owner *probe.Identity, why string) probe.Result {
	r := probe.Result{Outcome: finding.Unknown, Identity: owner.Name, Evidence: x.trail, Attempts: 1, Reason: fmt.Sprintf("no control: %s started no upload (%d): %s", owner.Name, x.Answer.Status, why)}
	if x.Answer.NotAsked != "" {
		r.Outcome, r.Reason = finding.NotChecked, x.Answer.NotAsked
	}
	if off(x.Answer) {
		return probe.NotApplicable(fmt.Sprintf("the registry takes no uploads (%d)", x.Answer.Status))
	}
	return r
}

// touch asks as everybody else: what changes nothing first.
func (x *session) touch(ctx context.Context) []attempt {
	if x.isThere(ctx) {
		x.alive = x.trail[len(x.trail)-1:]
	}
	who := append([]*probe.Identity{nil}, x.t.Others(x.Repository, access.Push)...)
	out := make([]attempt, len(who))
	for _, destroys := range []bool{false, true} {
		for i, id := range who {
			out[i].id = id
			for _, w := range x.ways(id, destroys) {
				if !x.gone {
					x.try(ctx, w, &out[i])
				}
			}
		}
	}
	return out
}

// ways are those of one identity. What it may do with uploads by right is none.
func (x *session) ways(id *probe.Identity, destroys bool) []touch {
	methods := []string{http.MethodGet, http.MethodPatch}
	if destroys {
		methods = []string{http.MethodDelete}
	}
	places := []string{x.Repository}
	if id != nil {
		places = append(places, x.elsewhere(id))
	}
	var out []touch
	for i, place := range places {
		for _, m := range methods {
			byRight := i == 0 && id != nil && ((m == http.MethodGet && mayPull(x.t, id, place)) || (m == http.MethodDelete && x.may(id, place, access.Delete)))
			if place == "" || byRight {
				continue
			}
			w := touch{id: id, request: x.Under(m, place, true)}
			if i > 0 {
				w.where = " under " + place
			}
			out = append(out, w)
			if w.request.Query != "" {
				w.request = x.Under(m, place, false)
				out = append(out, w)
			}
		}
	}
	return out
}

func (x *session) may(id *probe.Identity, repository string, action access.Action) bool {
	allow, stated, _ := x.t.May(id, repository, action)
	return allow && stated
}

// elsewhere is a repository in which the identity may push, "" without one.
func (x *session) elsewhere(id *probe.Identity) string {
	for _, repository := range append(x.t.Repositories(), x.t.SandboxName()) {
		if repository != "" && repository != x.Repository && x.may(id, repository, access.Push) {
			return repository
		}
	}
	return ""
}

// isThere says whether who began the upload is shown it.
func (x *session) isThere(ctx context.Context) bool {
	a := x.t.AskBegun(ctx, x.Owner, x.Under(http.MethodGet, x.Repository, true), 0)
	x.trail = append(x.trail, a.Trail...)
	return a.Status/100 == 2
}

// try asks in one way, and looks whether a 2xx means what it says.
func (x *session) try(ctx context.Context, w touch, out *attempt) {
	a := x.t.AskBegun(ctx, w.id, w.request, 0)
	if a.Status/100 != 2 {
		out.asked = append(out.asked, refusedWrite(x.t, a))
		return
	}
	trail := slices.Clone(a.Trail)
	unsure := func(why string) {
		r := x.t.Refusal(a)
		r.Saw, r.What, r.Trail = probe.Nothing, why, trail
		out.asked = append(out.asked, r)
	}
	absent := w.request
	absent.Reference, absent.Query = "00000000-0000-4000-8000-000000000000", ""
	other := x.t.AskBegun(ctx, w.id, absent, 0)
	trail = append(trail, other.Trail...)
	if w.request.Method == http.MethodDelete {
		x.gone = len(x.alive) > 0 && !x.isThere(ctx)
		trail = append(trail, x.trail[len(x.trail)-1])
		if !x.gone {
			unsure(fmt.Sprintf("%d to DELETE, and the upload is not seen to be gone", a.Status))
			return
		}
	} else {
		again := x.t.AskBegun(ctx, w.id, w.request, 1)
		trail = append(trail, again.Trail...)
		if other.Status == a.Status || again.Status != a.Status {
			unsure(fmt.Sprintf("%d to %s, and %d to a made-up name", a.Status, w.request.Method, other.Status))
			return
		}
	}
	out.hits = append(out.hits, x.finding(ctx, w, a, trail))
}

// finding is the result for a way that works.
func (x *session) finding(ctx context.Context, w touch, a probe.Answer, trail []string) probe.Result {
	what := map[string]string{http.MethodGet: "is shown", http.MethodPatch: "may fill", http.MethodDelete: "cancelled"}[w.request.Method]
	r := probe.Result{
		Outcome: finding.Fail, Observed: "allow", Variant: w.request.Method + w.where, Evidence: trail, Control: x.alive, Subject: &finding.Subject{Kind: "upload"},
		Reason: fmt.Sprintf("%s%s was answered %d", w.request.Method, w.where, a.Status),
	}
	who := "a stranger"
	if w.id != nil {
		who = w.id.Name
		if s := x.t.Start(ctx, w.id, x.Repository); w.where == "" && s.Answer.Status == http.StatusAccepted {
			return probe.NotApplicable(who + " may start uploads there itself, which authz/push tells")
		}
	} else {
		if toStrangers(ctx, x.t, x.t.Plain()) {
			return probe.NotApplicable("strangers read everything here, which anonymous/manifest-by-tag tells")
		}
		r.Severity = finding.Critical
	}
	r.Message = fmt.Sprintf("%s %s the upload that %s began in %s%s", who, what, x.Owner.Name, x.Repository, w.where)
	return r
}

// settle makes the result of one identity.
func (x *session) settle(ctx context.Context, a attempt, done string) probe.Result {
	who := "anonymous"
	if a.id != nil {
		who = a.id.Name
	}
	r := probe.Result{Outcome: finding.Unknown, Evidence: x.trail, Attempts: len(a.asked)}
	switch {
	case len(a.hits) > 0:
		r = gravest(a.hits)
	case len(x.alive) == 0:
		r.Reason = "no control: " + x.Owner.Name + " is not shown its own upload; " + done
	case len(a.asked) == 0:
		r = probe.NotApplicable("an upload was cancelled by somebody else before it was tried")
	default:
		r = denied(ctx, x.t, a.id, x.alive, a.asked...)
		if r.Outcome == finding.Pass {
			r.Reason += "; " + done
		}
	}
	r.Identity = who
	return r
}

// gravest is the last of the ways that work, the first of which only look; the
// others go with it.
func gravest(hits []probe.Result) probe.Result {
	hits = slices.Clone(hits)
	slices.SortStableFunc(hits, func(a, b probe.Result) int {
		if a.Outcome == b.Outcome {
			return 0
		}
		if a.Outcome == finding.Fail {
			return 1
		}
		return -1
	})
	r := hits[len(hits)-1]
	for _, also := range hits[:len(hits)-1] {
		if also.Outcome == finding.Fail {
			r.Deviations = append(r.Deviations, finding.Deviation{Variant: also.Variant, Evidence: also.Evidence})
		}
	}
	r.Attempts = len(hits)
	return r
}
