// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/regproof/regproof/credential"
	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/oci"
	"github.com/regproof/regproof/product"
	"github.com/regproof/regproof/wire"
)

// shutTimeout is how long a door that is meant to be shut may take to say so.
const shutTimeout = 3 * time.Second

// ShutDoor judges an endpoint that is meant to be closed, or to send everybody
// to https: it is asked plainly, as a stranger, at every address.
func (t *Trial) ShutDoor(ctx context.Context) Result {
	t.turn(ctx)
	defer t.done(ctx)
	d := t.door
	if d.problem != "" {
		r := Result{Outcome: finding.Unknown, Observed: "unknown", Reason: d.problem, Evidence: []string{d.run.nothing(d)}, Control: []string{"none"}}
		if d.nameless {
			r.Outcome, r.Observed, r.Reason = finding.Pass, "deny", "not reachable from here: "+d.problem
		}
		return r
	}
	ask := []oci.Request{{Method: http.MethodGet, Kind: oci.Ping}}
	if image, ok := t.anyPrivate(); ok {
		ask = append(ask, manifestOf(image.Repository, image.Reference))
	}
	if d.ep.Expect == Redirected {
		ask = append(ask, oci.Request{Method: http.MethodGet, Kind: oci.Catalog})
	}
	var all []Verdict
	var mu sync.Mutex
	var wg sync.WaitGroup
	for _, lane := range d.addressLanes() {
		for _, r := range ask {
			wg.Go(func() {
				a := Attempt{Request: r, Class: Canonical}
				answer := t.ask(ctx, question{
					lane: lane, id: anonymous, phase: phaseAsk, request: r, variant: true, direct: true,
					// A certificate that does not verify keeps no stranger out.
					change: func(w *wire.Request) { w.Timeout, w.AnyName = shutTimeout, true },
				})
				v := t.shut(answer)
				v.attempt, v.lane = a, lane
				if len(v.Evidence) == 0 {
					v.Evidence = answer.Trail
				}
				v.Control = v.Evidence
				mu.Lock()
				defer mu.Unlock()
				all = append(all, v)
			})
		}
	}
	wg.Wait()
	slices.SortStableFunc(all, func(a, b Verdict) int {
		return cmp.Or(b.Severity.Rank()-a.Severity.Rank(), cmp.Compare(a.attempt.Request.Kind, b.attempt.Request.Kind))
	})
	r := t.result(all)
	if r.Outcome == finding.Fail {
		r.Subject, r.Deviations = &finding.Subject{Kind: "door"}, nil
	}
	return r
}

// shut judges one answer of a door that is meant to be shut.
func (t *Trial) shut(a Answer) Verdict {
	d := t.door
	switch {
	case a.NotAsked != "":
		return Verdict{Outcome: finding.NotChecked, Reason: a.NotAsked}
	case a.Failure == wire.NoRoute:
		return Verdict{Outcome: finding.NotChecked, Reason: "no route to " + a.Request.Address.Addr().String() + " from here", noRoute: true}
	case a.Failure == wire.Handshake || a.Failure == wire.TooLarge:
		return Verdict{Outcome: finding.Unknown, Reason: "something answers there that cannot be read (" + string(a.Failure) + ")"}
	case a.Status == 0:
		return Verdict{Outcome: finding.Pass, Reason: "not reachable from here (" + string(a.Failure) + ")", signed: true}
	}
	fail := Verdict{Outcome: finding.Fail, Severity: finding.High}
	if doc, err := oci.ParseDocument(a.Body); err == nil && a.Status == http.StatusOK && (len(doc.Layers) > 0 || len(doc.Manifests) > 0) {
		fail.Severity = finding.Critical
		fail.Reason = "it serves a manifest to anybody"
		fail.Message = fmt.Sprintf("%s is meant to be %s, and serves a private manifest to anybody", d.name(), meant(d.ep.Expect))
		return fail
	}
	if d.ep.Expect == Redirected {
		return t.sentAway(a, fail)
	}
	if product.Detect(a.Header) == product.Unknown && ErrorCode(a.Response) == "" && !a.Header.Has("Www-Authenticate") && a.Status != http.StatusOK {
		if a.Status == http.StatusTooManyRequests || a.Status >= 500 {
			return Verdict{Outcome: finding.Unknown, Reason: fmt.Sprintf("answered %d, which says nothing of what is there", a.Status)}
		}
		return Verdict{Outcome: finding.Pass, Reason: fmt.Sprintf("answered %d by something that is no registry", a.Status), signed: true}
	}
	fail.Reason = fmt.Sprintf("answered %d", a.Status)
	fail.Message = fmt.Sprintf("%s is meant to be closed, and a registry answers there (%d)", d.name(), a.Status)
	return fail
}

// sentAway judges one answer of a port that should redirect.
func (t *Trial) sentAway(a Answer, fail Verdict) Verdict {
	d := t.door
	location := a.Header.Get("Location")
	to, err := d.ep.URL.Parse(location)
	switch {
	case a.Status/100 == 3 && err == nil && to.Scheme == "https" && t.configured(to.Scheme+"://"+to.Host):
		return Verdict{Outcome: finding.Pass, Reason: fmt.Sprintf("%d to %s://%s", a.Status, to.Scheme, to.Host), signed: true}
	case a.Status/100 == 3 && err == nil && to.Scheme == "https":
		fail.Severity = finding.Medium
		fail.Reason = fmt.Sprintf("%d to %s", a.Status, to.Host)
		fail.Message = fmt.Sprintf("%s sends clients to %s, which is not in the configuration", d.name(), to.Host)
		return fail
	case a.Status == http.StatusTooManyRequests || a.Status >= 500:
		return Verdict{Outcome: finding.Unknown, Reason: fmt.Sprintf("answered %d", a.Status)}
	}
	fail.Reason = fmt.Sprintf("answered %d", a.Status)
	fail.Message = fmt.Sprintf("%s is meant to send everybody to https, and answers %s with %d itself", d.name(), a.Request.Target, a.Status)
	return fail
}

// configured says whether an origin is one of the registry's endpoints.
func (t *Trial) configured(raw string) bool {
	o, err := credential.ParseOrigin(raw)
	return err == nil && slices.Contains(allowed(t.door.target), o)
}

func meant(e Expect) string {
	if e == Redirected {
		return "a redirect"
	}
	return "closed"
}

// nothing records that a door could not be asked at all.
func (r *run) nothing(d *door) string {
	return r.note(wire.Request{Identity: anonymous.Name, Method: http.MethodGet, Target: "/v2/", Host: d.ep.URL.Host}, fmt.Errorf("%s", d.problem))
}
