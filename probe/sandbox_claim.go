// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/oci"
	"github.com/regproof/regproof/sandbox"
	"github.com/regproof/regproof/wire"
)

// SandboxAs is the sandbox at the endpoint of the trial, as an identity. It is
// nil where nothing may be written, and the result says why.
func (t *Trial) SandboxAs(id *Identity) (*Sandbox, Result) {
	b := t.group.box
	if b == nil || b.journal == nil {
		return nil, Result{Outcome: finding.NotChecked, Reason: fmt.Sprintf("it needs %s (effect %s)", SandboxWrite.Flag(), SandboxWrite)}
	}
	if why := t.barred(id); why != "" {
		return nil, Result{Outcome: finding.NotChecked, Reason: why}
	}
	for _, g := range b.groups {
		if g.door == t.door {
			return &Sandbox{box: b, g: g, id: &id.Identity}, Result{}
		}
	}
	return nil, Result{Outcome: finding.NotChecked, Reason: "the sandbox is not written to at this endpoint"}
}

// With is the sandbox with a token that the identity was given, instead of a login
// of its own. What is to be taken back is taken back by the identity itself.
func (s *Sandbox) With(t *Trial, token string) *Sandbox {
	t.hide(token)
	out := *s
	out.bearer, out.lent = token, t.lent()
	return &out
}

// own is the sandbox as the identity itself.
func (s *Sandbox) own() *Sandbox {
	out := *s
	out.bearer, out.lent = "", nil
	return &out
}

// bear makes a question one with the token, where there is one.
func (s *Sandbox) bear(q *question) {
	if s.bearer == "" {
		return
	}
	change := q.change
	q.id, q.direct, q.lent = anonymous, true, s.lent
	q.change = named(s.id.Name, func(r *wire.Request) {
		r.Header = append(r.Header, [2]string{"Authorization", "Bearer " + s.bearer})
		if change != nil {
			change(r)
		}
	})
}

// Mount asks the registry to take a blob over from another repository, or from
// wherever it is where from is "" (distribution-spec end-11). Nothing is sent.
func (s *Sandbox) Mount(ctx context.Context, d oci.Digest, from string) Answer {
	q := url.Values{"mount": {string(d)}}
	if from != "" {
		q.Set("from", s.g.door.ep.Prefix+from)
	}
	return s.claim(ctx, d, q)
}

// Announce asks for an upload that is said to be complete (end-4b), without
// sending anything.
func (s *Sandbox) Announce(ctx context.Context, d oci.Digest) Answer {
	return s.claim(ctx, d, url.Values{"digest": {string(d)}})
}

// claim asks for a blob whose bytes are not sent. It is written down first; an
// upload that comes of it is cancelled at once.
func (s *Sandbox) claim(ctx context.Context, d oci.Digest, q url.Values) Answer {
	n, err := s.begin(sandbox.Entry{Kind: sandbox.Blob, Reference: string(d)}, sandbox.Entry{Kind: sandbox.Upload})
	if err != nil {
		return Answer{NotAsked: err.Error()}
	}
	blob, upload := n, n+1
	a := s.write(ctx, oci.Request{Method: http.MethodPost, Kind: oci.UploadStart, Repository: s.box.name, Query: q.Encode()}, nil)
	answered := (a.Status >= 200 && a.Status < 500) || (a.NotAsked != "" && a.ID == "")
	if answered && (a.Status/100 != 2 || a.Status == http.StatusAccepted) { // 200 and 204 may be how a proxy puts 201
		_ = s.box.journal.Removed(blob) // an error of the journal shows at the next object
	}
	if answered && a.Status != http.StatusAccepted {
		_ = s.box.journal.Removed(upload)
	}
	if a.Status != http.StatusAccepted {
		return a
	}
	to, err := s.place(ctx, a)
	if err != nil {
		return a
	}
	where := to.URL.RequestURI()
	if !to.SameOrigin { // its query may be a signature
		where = pathOnly(to.URL)
	}
	if err := s.box.journal.Place(upload, where); err != nil || !to.SameOrigin {
		return a
	}
	c := s.own().Cancel(ctx, &Session{Started: a, n: upload, to: to})
	a.Trail = append(slices.Clone(a.Trail), c.Trail...)
	return a
}

// mounts says whether the query of a request is that of no mount, or of one from
// a repository of the configuration whose blob was written down.
func (b *box) mounts(d *door, r wire.Request, q url.Values) bool {
	if !q.Has("mount") && !q.Has("from") {
		return true
	}
	from, ok := strings.CutPrefix(q.Get("from"), d.ep.Prefix)
	known := q.Get("from") == "" || (ok && slices.ContainsFunc(b.run.opts.Images, func(i ImageRef) bool { return i.Registry == d.target.Name && i.Repository == from }))
	return r.Method == http.MethodPost && len(q) <= 2 && len(q["mount"]) == 1 && len(q["from"]) <= 1 && known && b.owns(sandbox.Blob, q.Get("mount"))
}

// Withdraw takes a blob out of the sandbox again, as whoever claimed it or as
// whoever else may, and looks whether it is gone. It goes on when the run was
// interrupted.
func (s *Sandbox) Withdraw(ctx context.Context, d oci.Digest) string {
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), cancelWithin)
	defer stop()
	found := false
	for _, o := range s.box.objects() {
		if o.entry.Kind != sandbox.Blob || o.entry.Reference != string(d) || o.g != s.g {
			continue
		}
		found = true
		if s.box.remove(ctx, o); o.why == "" {
			s.box.verify(ctx, o)
		}
		if o.why != "" {
			return "it could not be taken out of the sandbox again: " + o.why
		}
		for _, n := range o.numbers {
			_ = s.box.journal.Removed(n)
		}
	}
	if !found {
		return "the journal does not hold it, so it was left alone"
	}
	return "it was taken out of the sandbox again"
}

// Alone lets nobody else claim a blob until it is released: what one mounted
// would be there for the other.
func (s *Sandbox) Alone() (release func()) {
	s.box.claims.Lock()
	return s.box.claims.Unlock
}
