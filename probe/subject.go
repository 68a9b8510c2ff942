// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/regproof/regproof/access"
	"github.com/regproof/regproof/image"
	"github.com/regproof/regproof/login"
)

// subject is one image of one registry, over all its doors. A subject without
// a repository is the registry as such.
type subject struct {
	ref      ImageRef
	entitled *login.Identity // who may read it; nil when nobody can
	why      string          // why nobody can
	pull     decision        // what policy says of anonymous
	list     decision

	asked    chan struct{} // closed when all that may be required was asked, on every door
	askOnce  sync.Once
	doors    atomic.Int64 // that are still at it
	chosen   bool         // for what is done once for each endpoint
	read     *group
	mu       sync.Mutex
	listed   []string     // names of a listing, to prove retrieval on
	seen     *image.Known // from whichever door showed it first
	entitles bool         // it was shown to the entitled, not to a stranger
}

type decision struct {
	allow bool
	rule  string
}

// forget lets go of what was read, once every door was judged: a run over many
// images holds only those that are under way.
func (s *subject) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.read, s.seen = nil, nil
}

// reader is a group in which the entitled got the image, nil if there is none.
func (s *subject) reader() *group {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.read
}

func (s *subject) known() *image.Known {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seen
}

func (s *subject) byEntitled() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.entitles
}

// learn keeps the first walk; one by the entitled replaces a stranger's.
func (s *subject) learn(k *image.Known, by *group, entitled bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if entitled && s.read == nil {
		s.read = by
	}
	if s.seen == nil || (entitled && !s.entitles) {
		s.seen, s.entitles = k, entitled
	}
}

// whyUnknown says why there is no control on this door, and what to do.
func (s *subject) whyUnknown(g *group, c *image.Content) string {
	if g.own != nil && c != nil {
		if o := g.own.Find(c.Digest); o != nil && o.Problem != "" {
			return fmt.Sprintf("%s did not get it either: %s", s.entitled.Name, o.Problem)
		}
	}
	switch {
	case s.entitled == nil && s.why == noLogin && g.door.wantsCertificate():
		return "no identity with a client certificate was given: pass --cert-file and --key-file"
	case s.entitled == nil:
		return s.why
	case g.ownProblem != "":
		return fmt.Sprintf("%s did not get it here: %s", s.entitled.Name, g.ownProblem)
	}
	return "nobody who may read it was asked here"
}

// wasAsked says that all that may be required of the subject was asked.
func (s *subject) wasAsked() { s.askOnce.Do(func() { close(s.asked) }) }

// noLogin is why there is no control when no identity was given.
const noLogin = "no identity that may read it was given: log in, or pass --username"

// wantsCertificate says whether strangers are refused here for having none.
func (d *door) wantsCertificate() bool { return d.pings[d.first().Address].First.WantsCertificate() }

// newSubject finds who may read an image, and what a stranger may.
func (r *run) newSubject(ref ImageRef) *subject {
	s := &subject{ref: ref, asked: make(chan struct{})}
	decide := func(a access.Action) decision {
		d := r.opts.Policy.Decide(access.Permission{Identity: login.Anonymous, Repository: ref.Repository, Action: a})
		return decision{allow: d.Effect == access.Allow, rule: d.Rule}
	}
	s.pull, s.list = decide(access.Pull), decide(access.List)
	if ref.Repository == "" {
		s.list = decide(access.Catalog)
	}
	for i := range r.opts.Identities {
		id := &r.opts.Identities[i]
		if !id.For(ref.Registry) || (ref.Control != "" && ref.Control != id.Name) {
			continue
		}
		if ref.Control == "" && !r.mayPull(id, ref) {
			continue
		}
		if id.Problem != "" {
			s.why = fmt.Sprintf("the credential of %s cannot be used: %s", id.Name, id.Problem)
			continue
		}
		s.entitled = &id.Identity
		return s
	}
	if s.why == "" {
		s.why = noLogin
	}
	return s
}

// mayPull asks policy; without any rule for an identity, it is up to the
// registry. For the registry as such anybody will do: whoever is shown a list
// shows that there is one.
func (r *run) mayPull(id *Identity, ref ImageRef) bool {
	if ref.Repository == "" {
		return true
	}
	if p, ok := r.opts.Policy.(interface{ Mentions(string, []string) bool }); ok && !p.Mentions(id.Name, id.Groups) {
		return true
	}
	return r.opts.Policy.Decide(access.Permission{Identity: id.Name, Groups: id.Groups, Repository: ref.Repository, Action: access.Pull}).Effect == access.Allow
}
