// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"context"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/regproof/regproof/credential"
	"github.com/regproof/regproof/discover"
	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/oci"
	"github.com/regproof/regproof/wire"
)

// seen is what a run learns of a registry, for the search for its other doors.
type seen struct {
	mu         sync.Mutex
	repository string     // of an image that is private
	digest     oci.Digest // of its manifest
	challenges []string
	altSvc     []string
	hosts      []string // of redirects
	names      []string // in certificates
	survey     *discover.Survey
	elsewhere  []ForeignLayer
}

// maxSeen bounds each list of what servers name.
const maxSeen = 20

func (s *seen) add(list *[]string, values ...string) {
	for _, v := range values {
		if v != "" && len(*list) < maxSeen && !slices.Contains(*list, v) {
			*list = append(*list, v)
		}
	}
}

// answer keeps what an answer of the registry names.
func (s *seen) answer(resp wire.Response) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.add(&s.challenges, resp.Header.Values("Www-Authenticate")...)
	s.add(&s.altSvc, resp.Header.Values("Alt-Svc")...)
	if resp.Status/100 == 3 {
		if u, err := url.Parse(resp.Header.Get("Location")); err == nil && u.Host != "" {
			s.add(&s.hosts, u.Scheme+"://"+u.Host)
		}
	}
	if resp.TLS != nil {
		s.add(&s.names, resp.TLS.Names...)
	}
}

// image keeps the first private image that the entitled were seen to get.
func (s *seen) image(repository string, digest oci.Digest) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.digest == "" && digest.Algorithm() == "sha256" {
		s.repository, s.digest = repository, digest
	}
}

// discovered are the doors that nobody configured. It looks for them once.
func (t *Trial) discovered(ctx context.Context) discover.Survey {
	d, s := t.door, t.door.target.seen
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.survey != nil {
		return *s.survey
	}
	survey := discover.Scan(ctx, d.run.strangers(d), t.wanted())
	s.survey = &survey
	for _, note := range survey.Notes {
		d.run.say("--discover: " + note)
	}
	return survey
}

// wanted says whose doors to look for. The lock of what was seen is held.
func (t *Trial) wanted() discover.Want {
	d, s := t.door, t.door.target.seen
	w := discover.Want{
		URL: d.ep.URL, Addresses: d.addresses, Ports: d.run.opts.Ports, Names: s.names, Hosts: slices.Clone(s.hosts), AltSvc: s.altSvc, Challenges: s.challenges,
		Repository: s.repository, Digest: s.digest, Guard: d.reg.Guard, Headers: d.reg.Headers,
	}
	for _, c := range s.challenges {
		for pair := range strings.SplitSeq(c, ",") {
			if _, realm, ok := strings.Cut(pair, `realm="`); ok {
				if u, err := url.Parse(strings.TrimSuffix(realm, `"`)); err == nil && u.Host != "" {
					w.Hosts = append(w.Hosts, u.Scheme+"://"+u.Host)
				}
			}
		}
	}
	for _, e := range d.target.Endpoints {
		if o, err := credential.ParseOrigin(e.URL.Scheme + "://" + e.URL.Host); err == nil {
			k := discover.Known{Origin: o}
			if e.Address.IsValid() {
				k.Addresses = []netip.Addr{e.Address}
			}
			w.Known = append(w.Known, k)
		}
	}
	return w
}

// stranger makes exchanges with doors that nobody configured: it goes on when
// their certificate does not verify, since it has nothing to lose there.
type stranger struct {
	run  *run
	wire *wire.Client
}

// Do implements discover.Exchanger.
func (s stranger) Do(ctx context.Context, r wire.Request) wire.Response {
	if !s.run.spend() {
		err := fmt.Errorf("the budget of %d requests is spent (check.budget.requests)", s.run.opts.MaxRequests)
		return wire.Response{Request: r, Failure: wire.Canceled, Err: err, ID: s.run.note(r, err)}
	}
	return s.wire.Do(ctx, r)
}

func (r *run) strangers(d *door) stranger {
	trust := d.target.Trust
	trust.Insecure = true
	return stranger{run: r, wire: &wire.Client{Recorder: r.opts.Recorder, Trust: trust, Timeout: r.opts.RequestTimeout}}
}

// say adds a note to the run, once.
func (r *run) say(note string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !slices.Contains(r.notes, note) {
		r.notes = append(r.notes, note)
	}
}

// Doors makes findings of the doors that lead to this registry: the first is
// the result, the others go with it.
func (t *Trial) Doors(ctx context.Context) Result {
	if !t.door.run.opts.Discover {
		return Result{Outcome: finding.NotChecked, Reason: "it needs --discover"}
	}
	if t.door.run.planning() {
		return Result{Outcome: finding.NotChecked, Reason: "a plan looks for no doors"}
	}
	survey := t.discovered(ctx)
	var all []Result
	unclear, looked := 0, 0
	var trail []string
	for _, d := range survey.Doors {
		if d.State == discover.NotAsked {
			continue
		}
		looked++
		trail = append(trail, d.Evidence...)
		if d.State == discover.Unclear {
			unclear++
		}
		if d.Kind == discover.Registry {
			if r, ok := t.unlisted(d); ok {
				all = append(all, r)
			}
		}
	}
	if len(all) == 0 && t.door.run.exhausted() {
		return t.spent()
	}
	return t.several(ctx, all, Result{
		Outcome: finding.Pass, Observed: "deny", Attempts: looked, Evidence: trail[:min(len(trail), 20)], Control: trail[:min(len(trail), 1)],
		Reason: fmt.Sprintf("%s looked at, none of which leads to this registry%s", count(looked, "other door"), also(unclear, "; %s gave no clear answer")),
	})
}

// DebugPorts makes findings of the debug servers on other ports.
func (t *Trial) DebugPorts(ctx context.Context) Result {
	if !t.door.run.opts.Discover {
		return Result{Outcome: finding.NotChecked, Reason: "it needs --discover"}
	}
	if t.door.run.planning() {
		return Result{Outcome: finding.NotChecked, Reason: "a plan looks for no doors"}
	}
	var all []Result
	looked := 0
	var trail []string
	for _, d := range t.discovered(ctx).Doors {
		if d.Kind != discover.Debug || d.State == discover.NotAsked {
			continue
		}
		looked++
		trail = append(trail, d.Evidence...)
		if d.State == discover.Shows {
			all = append(all, Result{
				Outcome: finding.Fail, Observed: "allow", Attempts: 1, Evidence: d.Evidence, Endpoint: d.URL.String(), Address: d.Address.Addr().String(),
				Subject: &finding.Subject{Kind: "door"}, Reason: "debug pages", Message: fmt.Sprintf("a debug server at %s shows strangers %s", d.URL, strings.Join(d.Pages, ", ")),
			})
		}
	}
	if len(all) == 0 && t.door.run.exhausted() {
		return t.spent()
	}
	return t.several(ctx, all, Result{
		Outcome: finding.Pass, Observed: "deny", Attempts: looked, Evidence: trail[:min(len(trail), 10)], Control: trail[:min(len(trail), 1)],
		Reason: fmt.Sprintf("no debug pages on %s", count(looked, "usual port")),
	})
}

// spent is the result of a search that the budget ended.
func (t *Trial) spent() Result {
	return Result{Outcome: finding.NotChecked, Reason: fmt.Sprintf("not every door was asked: the budget of %d requests is spent (check.budget.requests)", t.door.run.opts.MaxRequests)}
}

// several folds findings at other endpoints into one result.
func (t *Trial) several(ctx context.Context, all []Result, none Result) Result {
	switch {
	case ctx.Err() != nil && len(all) == 0:
		return Result{Outcome: finding.NotChecked, Reason: "interrupted"}
	case len(all) == 0 && none.Attempts == 0:
		return Result{Outcome: finding.NotApplicable, Reason: "there is no other door to look at"}
	case len(all) == 0:
		return none
	}
	slices.SortStableFunc(all, func(a, b Result) int { return b.Severity.Rank() - a.Severity.Rank() })
	first := all[0]
	first.Attempts, first.Also = none.Attempts, all[1:]
	return first
}

func also(n int, text string) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf(text, count(n, "door"))
}

// unlisted judges one door that nobody configured.
func (t *Trial) unlisted(d discover.Door) (Result, bool) {
	r := Result{
		Outcome: finding.Fail, Observed: "allow", Attempts: 1, Evidence: d.Evidence, Endpoint: d.URL.String(), Address: d.Address.Addr().String(),
		Subject: &finding.Subject{Kind: "door", Digest: d.Digest}, Reason: d.Why + ": " + string(d.State),
	}
	registry := d.Same || d.Product != ""
	switch {
	case d.State == discover.Serves:
		r.Severity = finding.Critical
		r.Message = fmt.Sprintf("%s is not in the configuration, and serves the same private manifest to anybody", d.URL)
	case !registry:
		return r, false
	case d.URL.Scheme == "http" && t.door.ep.URL.Scheme == "https" && d.State != discover.Redirects && (d.Same || d.State == discover.Denies):
		r.Severity = finding.High
		r.Message = fmt.Sprintf("%s speaks plain HTTP beside https: who logs in there sends the password in the clear", d.URL)
	case d.Same || d.State == discover.Denies || d.State == discover.IsRegistry:
		r.Severity = finding.Medium
		r.Message = fmt.Sprintf("%s is a registry that is not in the configuration (%s): list it under endpoints, so that it is proven too", d.URL, d.State)
	default:
		return r, false
	}
	if d.Note != "" {
		r.Message += "; " + d.Note
	}
	return r, true
}
