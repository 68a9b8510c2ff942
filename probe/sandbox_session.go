// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"slices"

	"github.com/regproof/regproof/oci"
	"github.com/regproof/regproof/wire"
)

// Fill sends the first part of an upload (distribution-spec end-5), which then
// lives where the answer says. why says why it cannot be finished.
func (s *Sandbox) Fill(ctx context.Context, up *Session, body []byte) (a Answer, why string) {
	a = s.at(ctx, up, http.MethodPatch, "", body)
	if a.Status != http.StatusAccepted {
		return a, "the first part of an upload " + told(a)
	}
	to, err := s.place(ctx, a)
	if err != nil {
		return a, "the upload was filled, and cannot be finished: " + err.Error()
	}
	if to.SameOrigin {
		if err := s.box.journal.Place(up.n, to.URL.RequestURI()); err != nil {
			return a, err.Error()
		}
	}
	up.to = to
	return a, ""
}

// FinishBegun asks in the sandbox for an upload that was begun in another
// repository, to be stored in the sandbox with content that is sent now. state
// is whether what its Location carries beside the name goes along. Nothing is
// asked for under the other repository.
func (s *Sandbox) FinishBegun(ctx context.Context, b Begun, state bool, body []byte) Answer {
	d := s.g.door
	home := homes(d.ep.Prefix + s.box.name)[0]
	if d.oneUpload.Load() {
		home = homes(d.ep.Prefix + s.box.name)[1]
	}
	u := url.URL{Scheme: d.ep.URL.Scheme, Host: d.ep.URL.Host, Path: home + path.Base(b.Location.Path)}
	if state {
		u.RawQuery = b.Location.RawQuery
	}
	if err := uploadPath(&u, d.ep.Prefix+s.box.name); err != nil {
		return Answer{NotAsked: err.Error()}
	}
	to := wire.Destination{URL: &u, SameOrigin: true}
	s.box.opened(d, to)
	return s.Finish(ctx, &Session{to: to}, body, oci.SHA256(body))
}

// ByWriter is the sandbox at the endpoint of the trial, as who was seen to push
// there. It is nil without anybody, and the result says why.
func (t *Trial) ByWriter(ctx context.Context) (*Sandbox, Result) {
	w, why := t.Sandbox(ctx)
	if w == nil {
		return nil, why
	}
	ids := t.Identities()
	i := slices.IndexFunc(ids, func(id *Identity) bool { return id.Name == w.Name() })
	if i < 0 {
		return nil, NotApplicable(fmt.Sprintf("it is %s who pushes to the sandbox: an upload is nobody's", w.Name()))
	}
	s, why := t.SandboxAs(ids[i])
	if s != nil {
		s.Control = w.Control
	}
	return s, why
}
