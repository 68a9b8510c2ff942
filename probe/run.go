// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/regproof/regproof/access"
	"github.com/regproof/regproof/discover"
	"github.com/regproof/regproof/evidence"
	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/image"
	"github.com/regproof/regproof/oci"
	"github.com/regproof/regproof/policy"
	"github.com/regproof/regproof/sandbox"
	"github.com/regproof/regproof/upstream"
	"github.com/regproof/regproof/wire"
)

// Options is what a run is made of.
type Options struct {
	ID             string // of the run
	Version        string
	Targets        []Target
	Identities     []Identity
	Images         []ImageRef
	Policy         Decider
	Probes         []Probe
	Effects        []Effect         // beyond Read
	Selected       func(Probe) bool // nil is all; the others are left out
	Skipped        func(Probe) bool // left out by the user; may be nil
	Require        func(Probe) bool // further required probes; may be nil
	RegistryWide   bool             // listings of the registry are required (a registry was named, not an image)
	Sandbox        string           // the repository that may be written to (SandboxWrite), and whose content may be left in caches (PrimesCache); "" is none
	Journal        *sandbox.Journal // of what is made there; nil makes nothing
	Sample         int              // repositories of an open listing to prove retrieval on
	Slow           bool             // wait for what takes its time: the end of a token, a revocation
	Decoy          string           // a user that exists and may be locked out; "" is none
	Revocation     *Revocation      // how a credential is taken away; nil is not at all
	Discover       bool             // look for doors that nobody configured
	Ports          *discover.Ports  // where; nil is the usual ones
	PlainPort      uint16           // where plain HTTP is looked for beside https; 0 is 80
	MaxRequests    int
	MaxDenied      int
	Upstream       *upstream.Server // where this run listens as the upstream of a cache; nil is nowhere
	Resolve        map[string][]netip.Addr
	RequestTimeout time.Duration
	Recorder       *evidence.Recorder
	Progress       func(Progress) // may be nil
}

// Decider says what is intended; policy.Policy is one.
type Decider interface {
	Decide(access.Permission) policy.Decision
}

// Progress is how far a run has come.
type Progress struct {
	Requests, Trials, Total int
	Doing                   string
}

// Sink takes what a run finds, in an order that does not change between runs.
type Sink interface {
	Finding(finding.Finding) error
	Row(access.Row) error
}

// Door is what was learnt of an endpoint.
type Door struct {
	Registry  string   `json:"registry"`
	Endpoint  string   `json:"endpoint"`
	Addresses []string `json:"addresses"`
	Product   string   `json:"product"`
	TLS       string   `json:"tls"`
	Serves    []string `json:"serves"`
	Problem   string   `json:"-"`
}

// Summary is what a run leaves beside its findings.
type Summary struct {
	Doors       []Door
	Sources     map[string]string // endpoint -> local address
	Interrupted bool
	Notes       []string
	Refused     []string // identities whose credential every door refuses, and how
}

// The phases of a run: answers are never shared between them.
const (
	phaseCold     = iota // anonymous, before anything else
	phaseEntitled        // who may: digests and controls
	phaseAsk             // anonymous and variants
	phaseFresh           // once more on new connections
	phaseSentinel
	phaseRights // named identities, and what they are compared with
	phaseStill  // whether they are alive afterwards
)

type run struct {
	opts     Options
	doors    []*door // of all registries, complete before the first is asked
	spent    atomic.Int64
	box      *box        // the sandbox of the registry under test; nil when nothing is written
	clearing atomic.Bool // what was made is being removed, which no budget stops
	trials   atomic.Int64
	public   digestSet
	random   string
	simulate *simulation // set while planning: nothing is sent
	sink     Sink
	mu       sync.Mutex
	notes    []string
	failed   error
	waits    waits
	lives    lives
	ends     []ending // registries whose last trials are still to come
	wrong    attempts // wrong passwords with configured names
	guessed  attempts // passwords that were guessed, by where
}

// Run makes all trials. It returns an error only when it could not begin or
// not keep what it found; everything else is a finding.
func Run(ctx context.Context, opts Options, sink Sink) (Summary, error) {
	r := &run{opts: opts, random: hexRandom(6), sink: sink}
	return r.all(ctx)
}

func (r *run) all(ctx context.Context) (Summary, error) {
	for _, id := range r.opts.Identities {
		c := id.Secret.Credential
		pair := base64.StdEncoding.EncodeToString([]byte(c.Username + ":" + c.Password.Reveal()))
		r.opts.Recorder.Hide(c.Password.Reveal(), c.Token.Reveal(), c.Refresh.Reveal(), pair)
	}
	var doors []*door
	for i := range r.opts.Targets {
		t := &r.opts.Targets[i]
		t.seen = &seen{}
		for _, ep := range t.Endpoints {
			doors = append(doors, newDoor(r, t, ep))
		}
	}
	defer func() {
		for _, d := range doors {
			if d.problem == "" {
				<-d.prepared
			}
			d.wire.Close()
		}
	}()
	r.doors = doors
	var wg sync.WaitGroup
	for _, d := range doors {
		wg.Go(func() { d.open(ctx) })
	}
	wg.Wait()
	for i := range r.opts.Targets {
		t := &r.opts.Targets[i]
		var own []*door
		for _, d := range doors {
			if d.target == t {
				own = append(own, d)
			}
		}
		r.registry(ctx, t, own)
	}
	r.collect()
	r.finals(ctx)
	return r.summary(ctx, doors), r.failed
}

func (r *run) summary(ctx context.Context, doors []*door) Summary {
	s := Summary{Interrupted: ctx.Err() != nil, Notes: r.notes, Refused: r.lives.nowhere(r.opts.Identities, r.revoked()), Sources: map[string]string{}}
	for _, d := range doors {
		out := Door{Registry: d.target.Name, Endpoint: d.name(), Product: d.product, TLS: d.tls, Problem: d.problem, Addresses: []string{}, Serves: []string{}}
		if out.Problem == "" && !d.answered {
			out.Problem = d.silent
		}
		if d.ep.shut() { // that it does not answer is as it should be
			out.Problem = ""
		}
		for _, a := range d.addresses {
			out.Addresses = append(out.Addresses, a.Addr().String())
		}
		for digest := range d.serves {
			out.Serves = append(out.Serves, digest)
		}
		if local := d.wire.Local(); local != "" {
			s.Sources[d.name()] = local
		}
		s.Doors = append(s.Doors, out)
	}
	return s
}

func (r *run) agent() string {
	return fmt.Sprintf("regproof/%s (+%s)", r.opts.Version, r.opts.ID)
}

// exchange sends one request, or simulates it while planning.
func (r *run) exchange(ctx context.Context, d *door, req wire.Request) wire.Response {
	if r.simulate != nil {
		return r.simulate.answer(d, req)
	}
	resp := d.wire.Do(ctx, req)
	r.report()
	return resp
}

func (r *run) planning() bool { return r.simulate != nil }

// spend takes one request from the budget.
func (r *run) spend() bool {
	return r.spent.Add(1) <= int64(r.opts.MaxRequests) || r.opts.MaxRequests == 0 || r.clearing.Load()
}

// unroutable notes an address that cannot be reached from here, once.
func (r *run) unroutable(a netip.Addr) {
	r.say(fmt.Sprintf("%s was not checked: there is no route to it from here", a))
}

// exhausted says whether the budget of requests is spent.
func (r *run) exhausted() bool {
	return r.opts.MaxRequests > 0 && r.spent.Load() >= int64(r.opts.MaxRequests)
}

// note records a request that was not sent, so that it can be cited.
func (r *run) note(req wire.Request, err error) string {
	if r.opts.Recorder == nil {
		return ""
	}
	return r.opts.Recorder.Record(evidence.Exchange{
		At: time.Now().UTC(), Identity: req.Identity, Method: req.Method, Target: req.Target, Host: req.Host,
		RequestHeaders: req.Header, Error: "not sent: " + err.Error(), Of: "none",
	})
}

func (r *run) allows(e Effect) bool {
	if e == Read || e == "" {
		return true
	}
	for _, have := range r.opts.Effects {
		if have == e {
			return true
		}
	}
	return false
}

// sandboxed says whether a repository is the sandbox, or lies in it.
func (r *run) sandboxed(repository string) bool {
	s := r.opts.Sandbox
	return s != "" && (repository == s || strings.HasPrefix(repository, s+"/"))
}

// randomName is a repository that does not exist, of the same depth as name.
func (r *run) randomName(name string) string {
	parts := strings.Split(name, "/")
	for i := range parts {
		parts[i] = "regproof-" + r.random
	}
	return strings.Join(parts, "/")
}

func randomDigest() string { return "sha256:" + hexRandom(32) }

func hexRandom(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails (crypto/rand)
	return hex.EncodeToString(b)
}

// digestSet holds what a stranger may have anyway.
type digestSet struct {
	mu  sync.Mutex
	set map[oci.Digest]bool
}

func (s *digestSet) has(d oci.Digest) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.set[d]
}

func (s *digestSet) add(k *image.Known) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.set == nil {
		s.set = map[oci.Digest]bool{}
	}
	for _, c := range k.All() {
		s.set[c.Digest] = true
	}
}
