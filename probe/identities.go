// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"

	"github.com/regproof/regproof/access"
	"github.com/regproof/regproof/login"
	"github.com/regproof/regproof/oci"
)

// Identities are the named ones of this registry that can be used, in the order
// of the configuration.
func (t *Trial) Identities() []*Identity {
	var out []*Identity
	for i := range t.door.run.opts.Identities {
		if id := &t.door.run.opts.Identities[i]; id.Problem == "" && id.For(t.door.target.Name) {
			out = append(out, id)
		}
	}
	return out
}

// Entitlement is who may read the image, nil when nobody can.
func (t *Trial) Entitlement() *Identity {
	for _, id := range t.Identities() {
		if t.subject.entitled != nil && id.Name == t.subject.entitled.Name {
			return id
		}
	}
	return nil
}

// May says what policy intends for an identity in a repository. stated is false
// where policy says nothing of named identities at all, or the identity is the
// one that shows the image is there and no rule is about it: then what it may
// do is up to the registry.
func (t *Trial) May(id *Identity, repository string, action access.Action) (allow, stated bool, rule string) {
	p := t.door.run.opts.Policy
	said, ok := p.(interface {
		Mentions(string, []string) bool
		NamesAnybody() bool
	})
	switch {
	case ok && !said.NamesAnybody():
		return false, false, ""
	case ok && t.subject.entitled != nil && id.Name == t.subject.entitled.Name && !said.Mentions(id.Name, id.Groups):
		return false, false, ""
	}
	d := p.Decide(access.Permission{Identity: id.Name, Groups: id.Groups, Repository: repository, Action: action})
	if d.Effect == access.Allow {
		return true, true, d.Rule
	}
	// What strangers may do everybody may: rights are one's own plus theirs.
	open := p.Decide(access.Permission{Identity: login.Anonymous, Repository: repository, Action: action})
	return open.Effect == access.Allow, true, open.Rule
}

// Others are the identities that policy does not let do something in a
// repository: who must be denied.
func (t *Trial) Others(repository string, action access.Action) []*Identity {
	return slices.DeleteFunc(t.Identities(), func(id *Identity) bool {
		allow, stated, _ := t.May(id, repository, action)
		return allow || !stated
	})
}

// As asks as an identity, with the login that the registry wants, at the first
// address. The answer is its own: it is shared with nobody.
func (t *Trial) As(ctx context.Context, id *Identity, r oci.Request, a Attempt) Answer {
	return t.ask(ctx, question{
		lane: t.door.first(), id: &id.Identity, phase: phaseFresh + 100*a.Again, request: r, change: a.Change, limits: a.Limits, variant: true, private: true, fresh: a.Fresh,
	})
}

// alive remembers what is known of identities at a door.
type alive struct {
	mu    sync.Mutex
	known map[string]*living
}

type living struct {
	done     chan struct{}
	evidence []string
	why      string
	refuses  string // how its credential is refused, "" if it is not
}

// Alive shows that an identity is let in where a made-up one is not: only then
// does a denial of it count (a mistyped password and a missing right look the
// same). A token that names who got it shows that too, unless a made-up user gets
// one of that name, or of his own. It returns the exchanges that show it, or why
// it is not shown. It is asked once for each identity and endpoint.
func (t *Trial) Alive(ctx context.Context, id *Identity) (evidence []string, why string) {
	d := t.door
	d.alive.mu.Lock()
	l, ok := d.alive.known[id.Name]
	if !ok {
		l = &living{done: make(chan struct{})}
		if d.alive.known == nil {
			d.alive.known = map[string]*living{}
		}
		d.alive.known[id.Name] = l
	}
	d.alive.mu.Unlock()
	if !ok {
		l.evidence, l.why, l.refuses = t.seenAlive(ctx, id)
		d.run.lives.note(id.Name, d.name(), l)
		close(l.done)
	}
	select {
	case <-l.done:
		return l.evidence, l.why
	case <-ctx.Done():
		return nil, "interrupted"
	}
}

func (t *Trial) seenAlive(ctx context.Context, id *Identity) (trail []string, why, refuses string) {
	ping := oci.Request{Method: http.MethodGet, Kind: oci.Ping}
	a := t.As(ctx, id, ping, Attempt{})
	trail = slices.Clone(a.Trail)
	switch {
	case a.NotAsked != "":
		return trail, a.NotAsked, ""
	case id.Cert != nil && a.WantsCertificate():
		refuses = "its certificate is refused"
	case a.Grant.Refused:
		refuses = "the token service refuses its credential"
	case a.Problem != "":
		return trail, fmt.Sprintf("identity %s not proven live: %s", id.Name, a.Problem), ""
	case a.Status == http.StatusUnauthorized:
		refuses = "/v2/ answers its credential 401"
	case a.Status != http.StatusOK:
		return trail, fmt.Sprintf("identity %s not proven live: /v2/ answers it %d", id.Name, a.Status), ""
	}
	if refuses != "" {
		return trail, fmt.Sprintf("identity %s not proven live: %s", id.Name, refuses), refuses
	}
	more, why := t.notFor(ctx, id, a)
	return append(trail, more...), why, ""
}

// notFor shows that a made-up user does not get what an identity got at /v2/, or
// says why that is not shown.
func (t *Trial) notFor(ctx context.Context, id *Identity, a Answer) (trail []string, why string) {
	user, password := t.Stray()
	stray := t.Try(ctx, "a made-up user", user, password)
	trail = stray.Trail
	switch named := a.Grant.Subject; {
	case stray.NotAsked != "":
		return trail, stray.NotAsked
	case named != "" && stray.Problem != "": // a token that names who got it
		return trail, ""
	case named != "" && stray.Grant.Subject != named && stray.Grant.Subject != user: // where others get one of a guest
		return trail, ""
	case stray.Grant.Refused || denied(stray.Status) || stray.WantsCertificate():
		return trail, ""
	case id.Cert != nil && (denies(t.Ping(Answer{}).First.Status) || t.Ping(Answer{}).First.WantsCertificate()):
		return trail, ""
	}
	if stray.Status == 0 {
		return trail, fmt.Sprintf("identity %s not proven live: a made-up user got no answer (%s)", id.Name, cmp.Or(stray.Problem, string(stray.Failure)))
	}
	return trail, fmt.Sprintf("identity %s not proven live: a made-up user is let in at /v2/ as well (%d)", id.Name, stray.Status)
}

// lives is what is known of whether identities are let in, anywhere.
type lives struct {
	mu      sync.Mutex
	in      map[string]bool   // is let in somewhere
	refused map[string]string // how its credential is refused, and where
}

func (l *lives) note(name, door string, seen *living) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case seen.refuses == "":
		if l.in == nil {
			l.in = map[string]bool{}
		}
		l.in[name] = true
	case l.refused[name] == "":
		if l.refused == nil {
			l.refused = map[string]string{}
		}
		l.refused[name] = door + ": " + seen.refuses
	}
}

// served notes that somebody got something with a credential of his own.
func (l *lives) served(name string) { l.note(name, "", &living{}) }

// nowhere says of whom every door that was asked refuses the credential, but of
// whom it is taken away from by the run itself.
func (l *lives) nowhere(ids []Identity, revoked string) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []string
	for _, id := range ids {
		if id.Name == revoked {
			continue
		}
		// A certificate may be named to see it refused: an expired one, or another's.
		if how := l.refused[id.Name]; how != "" && !l.in[id.Name] && id.Cert == nil {
			out = append(out, fmt.Sprintf("identity %s cannot be used at %s", id.Name, how))
		}
	}
	return out
}

// Images are those of this registry that the run was told of.
func (t *Trial) Images() []ImageRef {
	return slices.DeleteFunc(slices.Clone(t.door.run.opts.Images), func(i ImageRef) bool { return i.Registry != t.door.target.Name })
}

// SandboxName is the repository in which a run may write, "" without one.
func (t *Trial) SandboxName() string { return t.door.run.opts.Sandbox }
