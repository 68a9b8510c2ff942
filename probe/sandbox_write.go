// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/regproof/regproof/image"
	"github.com/regproof/regproof/login"
	"github.com/regproof/regproof/oci"
	"github.com/regproof/regproof/sandbox"
	"github.com/regproof/regproof/wire"
)

// errOutside is wrapped by every refusal of a write.
var errOutside = errors.New("not sent, since it is not in the sandbox")

// permits is the one place that decides whether a request that changes anything
// may be sent: its target must lie in the sandbox, read literally, or be where
// the registry itself put an upload of the sandbox. What it deletes must have
// been written down.
func (b *box) permits(d *door, r wire.Request) error {
	refuse := func(why string) error { return fmt.Errorf("%w: %s %s: %s", errOutside, r.Method, r.Target, why) }
	path, query, _ := strings.Cut(r.Target, "?")
	q, err := url.ParseQuery(query)
	if err != nil || !b.mounts(d, r, q) {
		return refuse("its query")
	}
	if !b.run.allows(SandboxWrite) || oci.CheckRepository(b.name) != nil || b.name != b.run.opts.Sandbox {
		return refuse("there is no sandbox")
	}
	if b.session(r.Scheme+"://"+r.Host+path) && r.Method != http.MethodPost {
		return nil
	}
	if r.Scheme != d.ep.URL.Scheme || r.Host != d.ep.URL.Host || !slices.Contains(d.addresses, r.Address) {
		return refuse("it goes elsewhere")
	}
	rest, ok := strings.CutPrefix(path, "/v2/"+d.ep.Prefix+b.name+"/")
	if !ok {
		return refuse("its path")
	}
	if rest == "blobs/uploads/" && r.Method == http.MethodPost {
		return nil
	}
	route, last, _ := strings.Cut(rest, "/")
	reference, err := url.PathUnescape(last)
	if err != nil || oci.CheckReference(reference) != nil {
		return refuse("its reference")
	}
	kind := sandbox.Tag
	switch {
	case route == "blobs":
		kind = sandbox.Blob
	case route != "manifests":
		return refuse("its route")
	case isDigest(reference):
		kind = sandbox.Manifest
	}
	if (r.Method == http.MethodDelete || (r.Method == http.MethodPut && route == "manifests")) && b.owns(kind, reference) {
		return nil
	}
	return refuse("it was not written down")
}

func (b *box) session(place string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.sessions[place]
}

// write sends a request that changes something. It is refused outside of the
// sandbox, and never repeated by itself.
func (s *Sandbox) write(ctx context.Context, req oci.Request, change func(*wire.Request)) Answer {
	d := s.g.door
	q := question{
		lane: d.first(), id: s.id, phase: phaseAsk, request: req, change: change, private: true, once: true,
		fresh: req.Method == http.MethodPost, // or a connection that was closed would have it sent twice
	}
	s.bear(&q)
	if err := s.box.permits(d, d.request(q)); err != nil {
		return Answer{NotAsked: err.Error()}
	}
	if ctx.Err() != nil {
		return Answer{NotAsked: "interrupted"}
	}
	ctx, done := unbroken(ctx)
	defer done()
	if s.bearer == "" && s.id.Anonymous() {
		return s.stranger(ctx, q)
	}
	a := s.g.ask(ctx, q)
	if a.Failure == wire.Stale {
		q.fresh = true
		again := s.g.ask(ctx, q)
		again.Trail = append(a.Trail, again.Trail...)
		return again
	}
	return a
}

// grace is how long a write that is under way may take after an interrupt.
const grace = 5 * time.Second

// unbroken is a context that outlives an interrupt for a moment: a registry may
// go on with a write whose client has left, and make what was just removed.
func unbroken(ctx context.Context) (context.Context, func()) {
	out, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		_ = sleep(out, grace)
		cancel()
	})
	return out, func() { stop(); cancel() }
}

// stranger sends a request without a login, and once more with the token that
// everybody gets if that was denied.
func (s *Sandbox) stranger(ctx context.Context, q question) (a Answer) {
	d := s.g.door
	a = Answer{begin: d.clock.Add(1)}
	defer func() { a.end = d.clock.Add(1) }()
	if why := d.stopped(q.id); why != "" {
		a.NotAsked = why
		return a
	}
	r := d.request(q)
	a.First = s.g.send(ctx, q, r, &a)
	a.Response = a.First
	if a.NotAsked != "" || !denies(a.First.Status) {
		return a
	}
	challenges := login.ParseChallenges(a.First.Header.Values("Www-Authenticate"))
	if !slices.ContainsFunc(challenges, namesRealm) { // the token service of the ping is there all the same
		challenges = append(challenges, rescoped(d.lastChallenges(), true)...)
	}
	a.Grant = d.logins.Authorize(ctx, d.reg, *q.id, challenges, d.scope(q))
	a.Trail = append(a.Trail, a.Grant.Evidence...)
	if a.Grant.Header == "" || a.Grant.Empty() {
		return a
	}
	with := Answer{}
	with.Response = s.g.send(ctx, q, authorized(r, a.Grant), &with)
	a.Trail = append(a.Trail, with.Trail...)
	a.Response, a.NotAsked = with.Response, with.NotAsked
	return a
}

// Writing is how a manifest is pushed, when not plainly.
type Writing struct {
	Type   string      // Content-Type; "" is the manifest's own
	Tags   []string    // ?tag= for each (distribution-spec end-7b)
	Header [][2]string // more
	Spell  func(reference string) string
}

// Put pushes a manifest under a tag or a digest. Both are written down first.
func (s *Sandbox) Put(ctx context.Context, reference string, d Doc, way Writing) Answer {
	return s.Prepare(reference, d, way)(ctx)
}

// Prepare writes down what Put pushes, and returns what sends it: for those that
// are to be sent at one moment.
func (s *Sandbox) Prepare(reference string, d Doc, way Writing) func(context.Context) Answer {
	var entries []sandbox.Entry
	for _, tag := range append(slices.Clone(way.Tags), reference) {
		if !isDigest(tag) {
			entries = append(entries, sandbox.Entry{Kind: sandbox.Tag, Reference: tag, Digest: string(d.Digest)})
		} else if tag != string(d.Digest) {
			entries = append(entries, sandbox.Entry{Kind: sandbox.Manifest, Reference: tag})
		}
	}
	entries = append(entries, sandbox.Entry{Kind: sandbox.Manifest, Reference: string(d.Digest)})
	if _, err := s.begin(entries...); err != nil {
		return func(context.Context) Answer { return Answer{NotAsked: err.Error()} }
	}
	req := oci.Request{Method: http.MethodPut, Kind: oci.Manifest, Repository: s.box.name, Reference: reference}
	body := func(r *wire.Request) {
		r.Body = d.Body
		r.Header = append(r.Header, [2]string{"Content-Type", orElse(way.Type, d.MediaType)})
	}
	change := func(r *wire.Request) {
		body(r)
		made(func(r *wire.Request) {
			r.Header = append(r.Header, way.Header...)
			if way.Spell != nil {
				r.Target = strings.TrimSuffix(r.Target, reference) + way.Spell(reference)
			}
			for i, tag := range way.Tags {
				r.Target += [...]string{"?", "&"}[min(i, 1)] + "tag=" + tag
			}
		})(r)
	}
	return func(ctx context.Context) Answer { return s.write(ctx, req, change) }
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// Delete removes an object that this run made.
func (s *Sandbox) Delete(ctx context.Context, kind oci.Kind, reference string) Answer {
	return s.write(ctx, oci.Request{Method: http.MethodDelete, Kind: kind, Repository: s.box.name, Reference: reference}, nil)
}

// Held is what is stored under a reference: the digest that the bytes have, not
// the one that a header claims.
type Held struct {
	Answer
	Digest oci.Digest // "" without whole bytes
}

// Get reads a manifest by tag or digest. Fresh asks on a new connection.
func (s *Sandbox) Get(ctx context.Context, reference string, fresh bool) Held {
	return s.read(ctx, manifestOf(s.box.name, reference), image.Limits{}, fresh)
}

// Past reads a manifest with a parameter that no cache has seen.
func (s *Sandbox) Past(ctx context.Context, reference string) Held {
	return s.read(ctx, unseen(manifestOf(s.box.name, reference)), image.Limits{}, true)
}

// unseen adds a parameter that no cache has seen to a request.
func unseen(r oci.Request) oci.Request {
	r.Query = "regproof=" + hexRandom(6)
	return r
}

// Blob reads a blob.
func (s *Sandbox) Blob(ctx context.Context, digest oci.Digest, fresh bool) Held {
	return s.read(ctx, oci.Request{Method: http.MethodGet, Kind: oci.Blob, Repository: s.box.name, Reference: string(digest)}, image.Limits{}, fresh)
}

func (s *Sandbox) read(ctx context.Context, r oci.Request, l image.Limits, fresh bool) Held {
	q := question{lane: s.g.door.first(), id: s.id, phase: phaseFresh, request: r, limits: l, private: true, fresh: fresh}
	h := Held{Answer: s.g.ask(ctx, q)}
	if h.NotAsked == "" && h.Problem == "" && h.Status/100 == 3 {
		h.Response, h.Trail, h.Problem = s.g.follow(ctx, q, h.Response, h.Trail)
	}
	if h.Status == http.StatusOK && h.Whole() {
		h.Digest = oci.Digest("sha256:" + h.SHA256)
		if plain := unzip(h.Response); plain != nil {
			h.Digest = oci.SHA256(plain)
		}
	}
	return h
}
