// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/regproof/regproof/access"
	"github.com/regproof/regproof/credential"
	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/login"
	"github.com/regproof/regproof/oci"
	"github.com/regproof/regproof/sandbox"
	"github.com/regproof/regproof/wire"
)

// box is what a run knows of the sandbox of one registry: who may write there,
// what was made, and what came of it.
type box struct {
	run      *run
	journal  *sandbox.Journal
	name     string   // the repository
	registry string   // what the journal calls the registry
	groups   []*group // of the endpoints, the primary first

	once    sync.Once
	writer  *login.Identity // nil when nobody could push
	base    imageBase       // blobs that every image of the run shares
	control []string        // exchanges in which the writer pushed them
	why     Result          // why there is no writer

	mu       sync.Mutex
	tags     int
	made     map[string]bool // "kind reference" of what this run wrote down
	sessions map[string]bool // places that the registry named for uploads of the sandbox
	shared   map[string]*sharedResult
	claims   sync.Mutex  // of blobs that were not pushed here
	unseen   atomic.Bool // what has a parameter that no cache has seen is served
}

type sharedResult struct {
	once   sync.Once
	result Result
}

// newBox is nil for a run that may not write.
func (r *run) newBox(whole *subject, doors []*door) *box {
	if !r.allows(SandboxWrite) || len(doors) == 0 {
		return nil
	}
	b := &box{run: r, journal: r.opts.Journal, name: r.opts.Sandbox, registry: doors[0].target.Name, made: map[string]bool{}, sessions: map[string]bool{}, shared: map[string]*sharedResult{}}
	if r.planning() {
		b.journal = sandbox.Memory(r.opts.ID, b.name)
	}
	for _, d := range doors {
		g := &group{door: d, subject: whole, cold: map[string]Answer{}, box: b}
		g.primary = g
		b.groups = append(b.groups, g)
	}
	return b
}

// Sandbox is the one repository in which a run writes, at one endpoint, as one
// identity.
type Sandbox struct {
	box *box
	g   *group
	id  *login.Identity
	// Control are exchanges in which this identity was seen to write.
	Control []string

	bearer string // what it shows instead of its own login; "" is nothing
	lent   *loan  // beside the bearer
}

// Sandbox is where the trial may write, as the identity that could push there.
// It is nil when there is none, and the result says why.
func (t *Trial) Sandbox(ctx context.Context) (*Sandbox, Result) {
	b := t.group.box
	switch {
	case b == nil:
		return nil, Result{Outcome: finding.NotChecked, Reason: fmt.Sprintf("it needs %s (effect %s)", SandboxWrite.Flag(), SandboxWrite)}
	case b.journal == nil:
		return nil, Result{Outcome: finding.NotChecked, Reason: "there is no journal, without which nothing is made"}
	}
	b.once.Do(func() { b.find(ctx) })
	if b.writer == nil {
		return nil, b.why
	}
	return &Sandbox{box: b, g: b.groups[0], id: b.writer, Control: b.control}, Result{}
}

// find looks for an identity that can push, by pushing the blobs that all images
// of the run share.
func (b *box) find(ctx context.Context) {
	g := b.groups[0]
	g.ping(ctx)
	base := newImageBase(b.run.opts.ID)
	b.why = Result{Outcome: finding.Unknown, Observed: "unknown", Repository: b.name, Expected: "an accepted push"}
	var said []string
	for _, id := range b.candidates() {
		s := &Sandbox{box: b, g: g, id: id}
		answers := []Answer{s.Upload(ctx, base.config.body, base.config.Digest)}
		if answers[0].Status == 201 {
			answers = append(answers, s.Upload(ctx, base.layer.body, base.layer.Digest))
		}
		last := answers[len(answers)-1]
		for _, a := range answers {
			b.why.Evidence = append(b.why.Evidence, a.Trail...)
		}
		b.why.Attempts += len(answers)
		if len(answers) == 2 && last.Status == 201 {
			b.writer, b.base = id, base
			b.control = slices.Concat(answers[0].Trail, last.Trail)
			return
		}
		if last.NotAsked != "" {
			b.why.Outcome, b.why.Reason = finding.NotChecked, last.NotAsked
			return
		}
		said = append(said, id.Name+" "+told(last))
	}
	b.why.Reason = "no identity could push to the sandbox " + b.name + ": " + strings.Join(said, "; ")
	if len(said) == 0 {
		b.why.Reason = "no identity could push to the sandbox " + b.name + ": none is configured that can be used"
	}
}

// told says what was answered, for a reason.
func told(a Answer) string {
	switch {
	case a.NotAsked != "":
		return "was not tried: " + a.NotAsked
	case a.Problem != "":
		return "could not be tried: " + a.Problem
	case a.Status == 0 && a.TLS != nil && a.TLS.Problem != "":
		return "got no answer: " + silence(a.Response)
	case a.Status == 0:
		return "got no answer: " + string(a.Failure)
	}
	return fmt.Sprintf("was answered %d%s", a.Status, errorCode(a.Response))
}

// maxWriters bounds how many identities are tried.
const maxWriters = 5

// candidates are those who may push, as policy has it: by a rule; without any
// rule for the sandbox everybody of this registry, since it is up to that; and
// without any identity a stranger, whom an open registry lets push.
func (b *box) candidates() []*login.Identity {
	name := b.groups[0].door.target.Name
	var ruled, others []*login.Identity
	for i := range b.run.opts.Identities {
		id := &b.run.opts.Identities[i]
		if !id.For(name) || id.Problem != "" {
			continue
		}
		others = append(others, &id.Identity)
		if b.run.opts.Policy.Decide(access.Permission{Identity: id.Name, Groups: id.Groups, Repository: b.name, Action: access.Push}).Effect == access.Allow {
			ruled = append(ruled, &id.Identity)
		}
	}
	switch {
	case len(ruled) > 0:
		others = ruled
	case len(others) == 0 && len(b.run.opts.Identities) == 0:
		others = []*login.Identity{anonymous}
	}
	return others[:min(len(others), maxWriters)]
}

// Name is who writes.
func (s *Sandbox) Name() string { return s.id.Name }

// Repository is the sandbox.
func (s *Sandbox) Repository() string { return s.box.name }

// Endpoint is where this writes.
func (s *Sandbox) Endpoint() string { return s.g.door.endpointName() }

// Tag is a tag that nobody else has.
func (s *Sandbox) Tag() string {
	s.box.mu.Lock()
	defer s.box.mu.Unlock()
	s.box.tags++
	return fmt.Sprintf("regproof-%s-%d", s.box.run.opts.ID, s.box.tags)
}

// Shared is the result of an experiment that several probes rest on: it is made
// once, by whoever needs it first.
func (s *Sandbox) Shared(key string, make func() Result) Result {
	s.box.mu.Lock()
	r, ok := s.box.shared[key]
	if !ok {
		r = &sharedResult{}
		s.box.shared[key] = r
	}
	s.box.mu.Unlock()
	r.once.Do(func() { r.result = make() })
	return r.result
}

// Others are the further endpoints of the registry to which the secret of the
// identity may go, the same identity writing; but for those that are known to be
// caches, closed, or public.
func (s *Sandbox) Others() []*Sandbox {
	var out []*Sandbox
	for _, g := range s.box.groups {
		d := g.door
		if g == s.g || !d.usable() || d.ep.Expect == Public || !s.bound(d) {
			continue
		}
		out = append(out, &Sandbox{box: s.box, g: g, id: s.id, Control: s.Control})
	}
	return out
}

// bound says whether the secret may go to an endpoint.
func (s *Sandbox) bound(d *door) bool {
	if s.id.Secret.Credential.IsZero() {
		return true
	}
	o, err := credential.ParseOrigin(d.name())
	if err != nil {
		return false
	}
	_, ok := s.id.Secret.For(o)
	return ok
}

// Parallel says whether two requests may be under way at once.
func (s *Sandbox) Parallel() bool {
	p := s.g.door.pace
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.max > 1 && p.interval == 0
}

// Cache says why this endpoint looks like a shared cache, through which nothing
// is read without --prime-caches; "" if it may be read. What it answered a
// stranger at /v2/ tells.
func (s *Sandbox) Cache(ctx context.Context) string {
	d := s.g.door
	if s.box.run.allows(PrimesCache) {
		return ""
	}
	s.g.ping(ctx)
	ping := d.pings[d.first().Address]
	return d.cached([]wire.Response{ping.First, ping.Response})
}

// Stranger is the sandbox as a stranger.
func (s *Sandbox) Stranger() *Sandbox {
	return &Sandbox{box: s.box, g: s.g, id: anonymous, Control: s.Control}
}

// Wait lets time pass. A plan has none.
func (s *Sandbox) Wait(ctx context.Context, d time.Duration) {
	if !s.box.run.planning() {
		_ = sleep(ctx, d) // whoever was interrupted sees it in the next answer
	}
}

// Result makes a result of the sandbox: who wrote, where, and what was expected.
func (s *Sandbox) Result(o finding.Outcome, reason string, answers ...Answer) Result {
	r := Result{
		Outcome: o, Reason: reason, Identity: s.id.Name, Repository: s.box.name, Control: s.Control, Attempts: len(answers),
		Observed: "unknown", Expected: "refused",
	}
	for _, a := range answers {
		r.Evidence = append(r.Evidence, a.Trail...)
	}
	switch o {
	case finding.Pass:
		r.Observed = "refused"
	case finding.Fail:
		r.Observed = "accepted"
	}
	return r
}

// Undecided says why answers say nothing about the registry: they were not
// given, or not by it. It is the zero Result when they do.
func (s *Sandbox) Undecided(answers ...Answer) Result {
	for _, a := range answers {
		var r Result
		switch {
		case a.NotAsked != "":
			r = s.Result(finding.NotChecked, a.NotAsked, a)
		case a.Problem != "":
			r = s.Result(finding.Unknown, "the login could not be finished: "+a.Problem, a)
		case a.Status == 0:
			r = s.Result(finding.Unknown, silence(a.Response), a)
		case a.Status == 429 || a.Status == 408 || a.Status >= 500:
			r = s.Result(finding.Unknown, fmt.Sprintf("answered %d, which says nothing of what is allowed", a.Status), a)
		default:
			if mark := wafMark(a.Response); mark != "" {
				r = s.Result(finding.Unknown, fmt.Sprintf("%d from a bot filter (%s): that is no rule of the registry", a.Status, mark), a)
			}
		}
		if r.Outcome != "" {
			return r
		}
	}
	return Result{}
}

// Says is a status with the code of the error body, for a reason.
func Says(a Answer) string {
	if a.Failure == wire.ClientCert {
		return inHandshake
	}
	return fmt.Sprintf("%d%s", a.Status, errorCode(a.Response))
}

// owns says whether this run wrote an object down before it was made.
func (b *box) owns(k sandbox.Kind, reference string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.made[string(k)+" "+reference]
}

// begin writes objects down that are about to be made at an endpoint.
func (s *Sandbox) begin(entries ...sandbox.Entry) (int, error) {
	d := s.g.door
	for i := range entries {
		e := &entries[i]
		e.Registry, e.Endpoint, e.Prefix, e.Repository, e.Identity = d.target.Name, d.name(), d.ep.Prefix, s.box.name, s.id.Name
		if d.ep.Address.IsValid() {
			e.Address = d.ep.Address.String()
		}
	}
	n, err := s.box.journal.Begin(entries...)
	if err != nil {
		return 0, err
	}
	s.box.mu.Lock()
	defer s.box.mu.Unlock()
	for _, e := range entries {
		s.box.made[string(e.Kind)+" "+e.Reference] = true
	}
	return n, nil
}

// OfOthers says whether a manifest that is stored under a name was made by
// somebody else than regproof: then it is left alone.
func OfOthers(h Held) bool {
	return h.Status == 200 && !strings.Contains(string(h.Body), Label)
}

// isDigest tells digests from tags.
func isDigest(reference string) bool {
	_, err := oci.ParseDigest(reference)
	return err == nil
}

// Elsewhere are all further endpoints of the registry, for what needs no secret.
func (s *Sandbox) Elsewhere() []*Sandbox {
	var out []*Sandbox
	for _, g := range s.box.groups {
		if g != s.g && g.door.usable() && g.door.ep.Expect != Public {
			out = append(out, &Sandbox{box: s.box, g: g, id: s.id, Control: s.Control})
		}
	}
	return out
}

// Attributable says whether a 403 is that of access control: it has the mark of
// a registry or of an authentication, or is how strangers were answered from
// the first request on.
func (s *Sandbox) Attributable(a Answer) bool {
	ping := s.g.door.pings[s.g.door.first().Address]
	return signed(a.First) || signed(a.Response) || ping.First.Status == http.StatusForbidden
}
