// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"slices"
	"sync"
	"time"

	"github.com/regproof/regproof/access"
	"github.com/regproof/regproof/oci"
	"github.com/regproof/regproof/wire"
)

// Session is an upload that somebody began. It is to be cancelled.
type Session struct {
	Owner      *Identity
	Repository string
	Location   *url.URL
	Began      Answer
}

// BeginUpload starts an upload as an identity. why says why there is no session: the
// answer is no 202, or its Location is no upload of this repository here.
func (t *Trial) BeginUpload(ctx context.Context, id *Identity, r oci.Request) (s Session, why string) {
	r.Method, r.Kind = http.MethodPost, oci.UploadStart
	s = Session{Owner: id, Repository: r.Repository}
	s.Began = t.As(ctx, id, r, Attempt{})
	if s.Began.Status != http.StatusAccepted {
		return s, "no upload was started"
	}
	to, err := t.door.reg.Guard.Check(ctx, t.door.ep.URL, s.Began.Header.Get("Location"), wire.Upload)
	switch {
	case err != nil:
		return s, "its Location: " + err.Error()
	case !to.SameOrigin:
		return s, fmt.Sprintf("its Location is on another host (%s)", to.Origin)
	}
	if at, err := oci.ParseRequest(http.MethodDelete, to.URL.EscapedPath()); err != nil || at.Kind != oci.Upload || at.Repository != t.door.ep.Prefix+r.Repository {
		return s, "its Location is no upload of this repository"
	}
	s.Location = to.URL
	return s, ""
}

// In is the session asked for under a repository, with or without what its
// Location carries beside the name: the signed state of some registries.
func (s Session) In(method, repository string, state bool) oci.Request {
	r := oci.Request{Method: method, Kind: oci.Upload, Repository: repository, Reference: path.Base(s.Location.Path)}
	if state {
		r.Query = s.Location.RawQuery
	}
	return r
}

// AskSession asks for a session as an identity, nil for a stranger.
func (t *Trial) AskSession(ctx context.Context, id *Identity, r oci.Request, again int) Answer {
	q := t.inName(id, Attempt{Request: r, Again: again, Fresh: true})
	q.private = true
	if r.Method == http.MethodPatch { // with nothing in it
		q.change = made(func(w *wire.Request) {
			w.Header = append(w.Header, [2]string{"Content-Type", "application/octet-stream"})
		})
	}
	return t.ask(ctx, q)
}

// Cancel ends an upload as who began it. Some registries want the right to
// delete for that: then somebody does it whom policy lets delete there. What was
// begun is cancelled also when the run is interrupted.
func (t *Trial) Cancel(ctx context.Context, s Session) (done string, trail []string) {
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), cancelWithin)
	defer stop()
	if s.Location == nil {
		return "it could not be cancelled", nil
	}
	by := []*Identity{s.Owner}
	for _, id := range t.Identities() {
		if allow, stated, _ := t.May(id, s.Repository, access.Delete); allow && stated && id.Name != s.Owner.Name {
			by = append(by, id)
		}
	}
	status := 0
	for _, id := range by {
		a := t.AskSession(ctx, id, s.In(http.MethodDelete, s.Repository, true), 0)
		trail = append(trail, a.Trail...)
		if a.Status/100 == 2 || a.Status == http.StatusNotFound {
			return "it was cancelled", trail
		}
		if status == 0 {
			status = a.Status
		}
	}
	return fmt.Sprintf("cancelling it was answered %d", status), trail
}

// cancelWithin bounds how long an upload is tried to be cancelled.
const cancelWithin = 10 * time.Second

// Start is an upload that was started and cancelled at once.
type Start struct {
	Session
	Problem string   // why there is no session
	Done    string   // what became of it
	Trail   []string // of all of it
}

// starts remembers the uploads that identities were let start at an endpoint.
type starts struct {
	mu   sync.Mutex
	made map[string]*starting
}

type starting struct {
	once sync.Once
	Start
}

// Start starts an upload as an identity and cancels it at once: one for each
// identity, repository and endpoint, however many ask.
func (t *Trial) Start(ctx context.Context, id *Identity, repository string) Start {
	d := t.door
	key := id.Name + "\x00" + repository
	d.starts.mu.Lock()
	s, ok := d.starts.made[key]
	if !ok {
		s = &starting{}
		if d.starts.made == nil {
			d.starts.made = map[string]*starting{}
		}
		d.starts.made[key] = s
	}
	d.starts.mu.Unlock()
	s.once.Do(func() {
		s.Session, s.Problem = t.BeginUpload(ctx, id, oci.Request{Repository: repository})
		s.Start.Trail = slices.Clone(s.Began.Trail)
		if s.Began.Status == http.StatusAccepted {
			var trail []string
			s.Done, trail = t.Cancel(ctx, s.Session)
			s.Start.Trail = append(s.Start.Trail, trail...)
		}
	})
	return s.Start
}

// StartsAt is the one repository in which an identity is let try to start an
// upload: the first that was configured, and in which policy does not let it.
func (t *Trial) StartsAt(id *Identity) string {
	for _, repository := range t.Repositories() {
		if allow, stated, _ := t.May(id, repository, access.Push); stated && !allow {
			return repository
		}
	}
	if t.Chosen() {
		return t.Repository()
	}
	return ""
}
