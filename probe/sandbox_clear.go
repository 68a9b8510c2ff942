// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/regproof/regproof/access"
	"github.com/regproof/regproof/image"
	"github.com/regproof/regproof/login"
	"github.com/regproof/regproof/oci"
	"github.com/regproof/regproof/sandbox"
	"github.com/regproof/regproof/wire"
)

// clearTimeout is how long the removal of what was made may take, also after an
// interrupt.
const clearTimeout = 45 * time.Second

// Remains are objects of one kind at one endpoint that could not be removed, for
// one reason.
type Remains struct {
	Endpoint, Repository, Why string
	Names                     []string
	Final                     bool // the registry does not let anybody remove them
}

// String names all of them, those of a kind together.
func (r Remains) String() string {
	var parts []string
	for _, k := range sandbox.Kinds() {
		var names []string
		for _, n := range r.Names {
			if name, ok := strings.CutPrefix(n, string(k)+" "); ok {
				names = append(names, name)
			}
		}
		if len(names) > 0 {
			parts = append(parts, string(k)+"s "+strings.Join(names, ", "))
		}
	}
	for _, n := range r.Names {
		if strings.HasPrefix(n, "an ") {
			parts = append(parts, n)
		}
	}
	return fmt.Sprintf("left behind in %s at %s, %s: %s", r.Repository, r.Endpoint, r.Why, strings.Join(parts, "; "))
}

// object is one thing to remove, whatever number of entries is about it.
type object struct {
	entry   sandbox.Entry
	numbers []int
	g       *group
	deleted string // what the attempt to remove it was answered
	status  int
	why     string // why it is left behind
	done    bool   // nothing more is tried
	other   bool   // the name is there, and what it names is not of this run
	lost    bool   // an upload that lives where nobody can be asked to end it
}

// clear removes what this run has made in the registry, in order, and looks
// whether it is gone. It goes on when the run was interrupted.
func (b *box) clear(ctx context.Context) (gone, all int, left []Remains) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), clearTimeout)
	defer cancel()
	b.run.clearing.Store(true)
	defer b.run.clearing.Store(false)
	objects := b.objects()
	for _, g := range b.groups {
		if slices.ContainsFunc(objects, func(o *object) bool { return o.g == g }) {
			g.door.logins.Forget()
		}
	}
	for range removals {
		if !b.sweep(ctx, objects) {
			break
		}
		_ = sleep(ctx, 500*time.Millisecond)
	}
	for _, o := range objects {
		for _, n := range o.numbers {
			if o.why == "" {
				_ = b.journal.Removed(n) // what cannot be written is removed once more by the next clean
			} else {
				_ = b.journal.Kept(n, o.why)
			}
		}
		if o.why == "" {
			gone++
		}
	}
	return gone, len(objects), remains(objects)
}

// removals is how often what was accepted to be removed, and is still there, is
// removed again: a write that was under way may have come after it.
const removals = 3

// sweep removes what is not known to be gone, and says whether that is worth
// doing again.
func (b *box) sweep(ctx context.Context, objects []*object) bool {
	var open []*object
	for _, o := range objects {
		if !o.done {
			o.why, o.deleted, o.status = "", "", 0
			open = append(open, o)
		}
	}
	for _, k := range sandbox.Kinds() {
		those(open, func(o *object) bool { return o.entry.Kind == k }, func(o *object) { b.remove(ctx, o) })
	}
	those(open, func(o *object) bool { return o.entry.Kind != sandbox.Upload }, func(o *object) { b.verify(ctx, o) })
	again := false
	for _, o := range open {
		o.done = o.why == "" || o.status/100 != 2
		again = again || !o.done
	}
	return again
}

// objects are what the journal holds of this registry, each once.
func (b *box) objects() []*object {
	var out []*object
	by := map[string]*object{}
	for _, e := range b.journal.Left() {
		g := b.groupOf(e)
		if e.Registry != b.registry || g == nil {
			continue
		}
		key := strings.Join([]string{e.Endpoint, e.Address, e.Prefix, string(e.Kind), e.Reference}, " ")
		if e.Kind == sandbox.Upload {
			key += fmt.Sprint(" ", e.N)
		}
		o, ok := by[key]
		if !ok {
			o = &object{entry: e, g: g}
			by[key] = o
			out = append(out, o)
		}
		o.numbers = append(o.numbers, e.N)
	}
	return out
}

// groupOf finds the endpoint of an entry, nil if it is none of the run.
func (b *box) groupOf(e sandbox.Entry) *group {
	i := slices.IndexFunc(b.groups, func(g *group) bool {
		ep, address := g.door.ep, ""
		if ep.Address.IsValid() {
			address = ep.Address.String()
		}
		return g.door.name() == e.Endpoint && ep.Prefix == e.Prefix && address == e.Address
	})
	if i < 0 {
		return nil
	}
	return b.groups[i]
}

func those(objects []*object, which func(*object) bool, do func(*object)) {
	var wg sync.WaitGroup
	for _, o := range objects {
		if which(o) {
			wg.Go(func() { do(o) })
		}
	}
	wg.Wait()
}

// removers are who may be able to remove an object: whoever made it, whoever
// writes here, and whom policy lets delete.
func (b *box) removers(e sandbox.Entry) []*login.Identity {
	var out []*login.Identity
	add := func(id *login.Identity) {
		if id != nil && !slices.Contains(out, id) && len(out) < maxWriters {
			out = append(out, id)
		}
	}
	name := b.groups[0].door.target.Name
	rank := func(id *Identity) int {
		may := access.Permission{Identity: id.Name, Groups: id.Groups, Repository: b.name, Action: access.Delete}
		switch {
		case id.Name == e.Identity:
			return 0
		case b.writer != nil && id.Name == b.writer.Name:
			return 1
		case b.run.opts.Policy.Decide(may).Effect == access.Allow:
			return 2
		}
		return 3
	}
	var ids []*Identity
	for i := range b.run.opts.Identities {
		if id := &b.run.opts.Identities[i]; id.For(name) && id.Problem == "" {
			ids = append(ids, id)
		}
	}
	slices.SortStableFunc(ids, func(a, b *Identity) int { return cmp.Compare(rank(a), rank(b)) })
	for _, id := range ids {
		add(&id.Identity)
	}
	if e.Identity == anonymous.Name || len(out) == 0 {
		add(anonymous)
	}
	return out
}

// remove asks the registry to remove one object. A tag that names something
// else by now than what this run put there is left alone.
func (b *box) remove(ctx context.Context, o *object) {
	e := o.entry
	switch {
	case o.g.door.problem != "":
		o.why = o.g.door.problem
		return
	case e.Kind == sandbox.Upload:
		b.cancel(ctx, o)
		return
	}
	for _, id := range b.removers(e) {
		s := &Sandbox{box: b, g: o.g, id: id}
		if e.Kind == sandbox.Tag {
			h := s.really(ctx, manifestOf(b.name, e.Reference), image.Limits{})
			if denies(h.Status) { // a 404 may be how it is hidden from this one
				o.status, o.deleted = h.Status, told(h.Answer)
				continue
			}
			if h.Digest == "" { // it may name something that is not of this run
				o.status, o.deleted = 0, "was not tried, since what the tag names could not be read ("+told(h.Answer)+")"
				continue
			}
			if !b.owns(sandbox.Manifest, string(h.Digest)) {
				o.other = true
				return
			}
		}
		kind := oci.Manifest
		if e.Kind == sandbox.Blob {
			kind = oci.Blob
		}
		a := s.Delete(ctx, kind, e.Reference)
		o.status, o.deleted = a.Status, told(a)
		if !denies(a.Status) && a.Problem == "" {
			return
		}
	}
}

// cancel ends an upload that is under way.
func (b *box) cancel(ctx context.Context, o *object) {
	d := o.g.door
	u, err := d.ep.URL.Parse(o.entry.Reference)
	switch {
	case o.entry.Reference == "":
		o.lost, o.why = true, "since where it lives was not told before the run ended"
		return
	case err != nil || u.Scheme+"://"+u.Host != d.name() || uploadPath(u, d.ep.Prefix+b.name) != nil:
		o.lost, o.why = true, "it lives where nothing is sent"
		return
	}
	to := wire.Destination{URL: u, SameOrigin: true}
	b.opened(d, to)
	for _, id := range b.removers(o.entry) {
		s := &Sandbox{box: b, g: o.g, id: id}
		a := s.end(ctx, &Session{to: to})
		if o.why = ""; over(a.Response) {
			return
		}
		o.status, o.why = a.Status, "cancelling it "+told(a)
	}
}

// verify looks whether an object is gone.
func (b *box) verify(ctx context.Context, o *object) {
	if o.why != "" || o.other {
		return
	}
	e := o.entry
	r := manifestOf(b.name, e.Reference)
	if e.Kind == sandbox.Blob {
		r = oci.Request{Method: http.MethodGet, Kind: oci.Blob, Repository: b.name, Reference: e.Reference}
	}
	var h Held
	refused := true // who h is of was not let in
	for i, id := range b.removers(e) {
		s := &Sandbox{box: b, g: o.g, id: id}
		got := s.really(ctx, r, image.Limits{Limit: 64 << 10})
		if got.Status == http.StatusOK || got.Status == http.StatusNotFound && o.status/100 == 2 {
			h = got
			break
		}
		// A 404 is how a registry hides, too: that of a delete which nobody accepted
		// is believed when each of them gets it who is let in.
		out := got.NotAsked != "" || got.Problem != "" || got.Grant.Refused || got.WantsCertificate() || got.Status == http.StatusUnauthorized || got.Status == http.StatusForbidden
		if i == 0 || !out && (got.Status != http.StatusNotFound || refused) {
			h, refused = got, out
		}
	}
	switch {
	case h.Status == http.StatusNotFound:
	case h.Status == http.StatusOK || h.Status/100 == 2:
		o.why = "since deleting " + orElse(o.deleted, "was not tried")
	default:
		o.why = "whether it is gone is not to be seen: reading it " + told(h.Answer)
	}
}

// really reads what the registry has, and not what a cache has kept: with a
// parameter that none has seen. Where nothing was seen to be served so, its word
// that something is not there is not enough.
func (s *Sandbox) really(ctx context.Context, r oci.Request, l image.Limits) Held {
	h := s.read(ctx, unseen(r), l, false)
	if h.Status == http.StatusOK {
		s.box.unseen.Store(true)
	}
	if h.NotAsked != "" || h.Status == http.StatusOK || denies(h.Status) && s.box.unseen.Load() {
		return h
	}
	return s.read(ctx, r, l, false)
}

// remains groups what is left by reason. A manifest goes without saying where a
// tag of it is named.
func remains(objects []*object) []Remains {
	tagged := map[string]*object{}
	for _, o := range objects {
		if o.entry.Kind == sandbox.Tag && o.why != "" {
			tagged[o.entry.Digest] = o
		}
	}
	objects = slices.Clone(objects)
	slices.SortStableFunc(objects, func(a, b *object) int { return a.entry.N - b.entry.N })
	var out []Remains
	for _, o := range objects {
		tag := tagged[o.entry.Reference]
		if o.why == "" || o.entry.Kind == sandbox.Manifest && tag != nil && tag.final() == o.final() {
			continue
		}
		where := o.entry.Prefix + o.entry.Repository
		i := slices.IndexFunc(out, func(r Remains) bool {
			return r.Endpoint == o.entry.Endpoint && r.Repository == where && r.Why == o.why
		})
		if i < 0 {
			i = len(out)
			out = append(out, Remains{Endpoint: o.entry.Endpoint, Repository: where, Why: o.why, Final: o.final()})
		}
		out[i].Names = append(out[i].Names, o.entry.String())
	}
	return out
}

// final says whether the registry has said that nobody removes this: 405, a rule
// for tags (409, 412), or an upload of which nobody knows where it lives.
func (o *object) final() bool {
	switch o.status {
	case http.StatusMethodNotAllowed, http.StatusConflict, http.StatusPreconditionFailed:
		return true
	}
	return o.lost
}

// leave tells the user what became of what was made.
func (r *run) leave(gone, all int, left []Remains) {
	if all == 0 {
		return
	}
	how := fmt.Sprintf("%d of the %s", gone, count(all, "object"))
	if gone == all {
		how = "nothing is left of the " + count(all, "object")
	}
	r.say(fmt.Sprintf("sandbox %s: %s that the trials pushed, or tried to push%s", r.opts.Sandbox, how, map[bool]string{true: "", false: ", are gone again"}[gone == all]))
	for _, l := range left {
		r.say(l.String())
	}
}
