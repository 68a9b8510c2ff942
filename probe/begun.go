// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/regproof/regproof/access"
	"github.com/regproof/regproof/oci"
	"github.com/regproof/regproof/wire"
)

// Begun is an upload that somebody began. It is to be cancelled.
type Begun struct {
	Owner      *Identity
	Repository string
	Location   *url.URL
	Answer     Answer
}

// BeginUpload starts an upload as an identity. why says why there is none that
// can be asked for: the answer is no 202, or its Location is no upload of this
// repository here.
func (t *Trial) BeginUpload(ctx context.Context, id *Identity, r oci.Request) (s Begun, why string) {
	r.Method, r.Kind = http.MethodPost, oci.UploadStart
	s = Begun{Owner: id, Repository: r.Repository}
	if why = t.barred(id); why != "" {
		s.Answer.NotAsked = why
		return s, why
	}
	s.Answer = t.As(ctx, id, r, Attempt{Fresh: true})
	if s.Answer.Status != http.StatusAccepted {
		return s, "no upload was started"
	}
	defer func() {
		if why != "" {
			t.door.run.say(fmt.Sprintf("an upload that %s started in %s at %s could not be cancelled: %s; registries remove such ones in time", id.Name, r.Repository, t.door.name(), why))
		}
	}()
	to, err := t.door.reg.Guard.Check(ctx, t.door.ep.URL, s.Answer.Header.Get("Location"), wire.Upload)
	switch {
	case err != nil:
		return s, "its Location: " + err.Error()
	case !to.SameOrigin:
		return s, fmt.Sprintf("its Location is on another host (%s)", to.Origin)
	}
	place := to.URL.EscapedPath()
	if inUploads(place, homes(t.door.ep.Prefix + r.Repository)[1]) { // ghcr.io
		t.door.oneUpload.Store(true)
		place = strings.Replace(place, "/blobs/upload/", "/blobs/uploads/", 1)
	}
	if at, err := oci.ParseRequest(http.MethodDelete, place); err != nil || at.Kind != oci.Upload || at.Repository != t.door.ep.Prefix+r.Repository {
		return s, "its Location is no upload of this repository"
	}
	s.Location = to.URL
	return s, ""
}

// Under asks for the upload under a repository, with or without what its
// Location carries beside the name: the signed state of some registries.
func (s Begun) Under(method, repository string, state bool) oci.Request {
	r := oci.Request{Method: method, Kind: oci.Upload, Repository: repository, Reference: path.Base(s.Location.Path)}
	if state {
		r.Query = s.Location.RawQuery
	}
	return r
}

// AskBegun asks for an upload as an identity, nil for a stranger.
func (t *Trial) AskBegun(ctx context.Context, id *Identity, r oci.Request, again int) Answer {
	if why := t.barred(id); why != "" {
		return Answer{NotAsked: why}
	}
	q := t.inName(id, Attempt{Request: r, Again: again, Fresh: true})
	q.private = true
	typed := func(*wire.Request) {}
	if r.Method == http.MethodPatch { // with nothing in it
		typed = made(func(w *wire.Request) {
			w.Header = append(w.Header, [2]string{"Content-Type", "application/octet-stream"})
		})
	}
	q.change = func(w *wire.Request) {
		typed(w)
		if t.door.oneUpload.Load() {
			w.Target = strings.Replace(w.Target, "/blobs/uploads/", "/blobs/upload/", 1)
		}
	}
	return t.ask(ctx, q)
}

// Cancel ends an upload as who began it. Some registries want the right to
// delete for that: then somebody does it whom policy lets delete there. What was
// begun is cancelled also when the run is interrupted.
func (t *Trial) Cancel(ctx context.Context, s Begun) (done string, trail []string) {
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
	said := ""
	for _, id := range by {
		a := t.AskBegun(ctx, id, s.Under(http.MethodDelete, s.Repository, true), 0)
		trail = append(trail, a.Trail...)
		if over(a.Response) {
			return "it was cancelled", trail
		}
		if said == "" {
			if said = "it could not be cancelled: " + unanswered(a); unanswered(a) == "" {
				said = fmt.Sprintf("cancelling it was answered %d", a.Status)
			}
		}
	}
	t.door.run.say(fmt.Sprintf("an upload that %s started in %s at %s: %s; registries remove such ones in time", s.Owner.Name, s.Repository, t.door.name(), said))
	return said, trail
}

// cancelWithin bounds how long an upload is tried to be cancelled.
const cancelWithin = 10 * time.Second

// Started is an upload that was started and cancelled at once.
type Started struct {
	Begun
	Problem string   // why it cannot be asked for
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
	Started
}

// Start starts an upload as an identity and cancels it at once: one for each
// identity, repository and endpoint, however many ask.
func (t *Trial) Start(ctx context.Context, id *Identity, repository string) Started {
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
		s.Begun, s.Problem = t.BeginUpload(ctx, id, oci.Request{Repository: repository})
		s.Started.Trail = slices.Clone(s.Answer.Trail)
		if s.Answer.Status == http.StatusAccepted {
			var trail []string
			s.Done, trail = t.Cancel(ctx, s.Begun)
			s.Started.Trail = append(s.Started.Trail, trail...)
		}
	})
	return s.Started
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
