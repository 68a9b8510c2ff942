// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/regproof/regproof/oci"
	"github.com/regproof/regproof/sandbox"
	"github.com/regproof/regproof/wire"
)

// Session is an upload that was started.
type Session struct {
	Started Answer
	n       int // in the journal
	to      wire.Destination
}

// Start starts an upload (distribution-spec end-4a). Its place is nil when none
// was started, or when it lives where nothing is sent.
func (s *Sandbox) Start(ctx context.Context) (Answer, *Session) {
	n, err := s.begin(sandbox.Entry{Kind: sandbox.Upload})
	if err != nil {
		return Answer{NotAsked: err.Error()}, nil
	}
	a := s.write(ctx, oci.Request{Method: http.MethodPost, Kind: oci.UploadStart, Repository: s.box.name}, nil)
	if a.Status != http.StatusAccepted {
		if (a.Status >= 200 && a.Status < 500) || (a.Status == 0 && a.Took == 0) || a.Failure == wire.ClientCert { // answered, or not sent at all
			_ = s.box.journal.Removed(n) // nothing was made; an error of the journal shows at the next object
		}
		return a, nil
	}
	to, err := s.place(ctx, a)
	if err != nil {
		a.Problem = "the upload was started, and cannot be finished: " + err.Error()
		if u, err := url.Parse(a.Header.Get("Location")); err == nil {
			_ = s.box.journal.Place(n, pathOnly(u)) // for whoever has to look for it
		}
		return a, nil
	}
	where := to.URL.RequestURI()
	if !to.SameOrigin { // its query may be a signature
		where = pathOnly(to.URL)
	}
	if err := s.box.journal.Place(n, where); err != nil {
		a.NotAsked = err.Error()
		return a, nil
	}
	return a, &Session{Started: a, n: n, to: to}
}

// pathOnly is a URL without what may be secret in it.
func pathOnly(u *url.URL) string {
	place := u.EscapedPath()
	if u.Host != "" {
		place = u.Scheme + "://" + u.Host + place
	}
	return place[:min(len(place), 2000)]
}

// place checks where an upload lives: in the sandbox, or at a place that is no
// part of the API and was named for it by the registry.
func (s *Sandbox) place(ctx context.Context, a Answer) (wire.Destination, error) {
	d := s.g.door
	to, err := d.reg.Guard.Check(ctx, d.ep.URL, a.Header.Get("Location"), wire.Upload)
	if err != nil {
		return to, err
	}
	if !to.SameOrigin && !slices.Contains(d.reg.Guard.Allowed, to.Origin) {
		// Not even without a credential: PUT and DELETE do harm where nobody asks for one.
		return to, fmt.Errorf("it lives on another host, %s, to which nothing is written that redirects in the file does not name", to.Origin)
	}
	if err := uploadPath(to.URL, d.ep.Prefix+s.box.name); err != nil {
		return to, err
	}
	s.box.opened(d, to)
	return to, nil
}

// opened lets requests be sent to where an upload of the sandbox lives.
func (b *box) opened(d *door, to wire.Destination) {
	origin := to.URL.Scheme + "://" + to.URL.Host
	if to.SameOrigin {
		origin = d.name()
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.sessions[origin+to.URL.EscapedPath()] = true
}

// uploadPath refuses a path that is another part of the API than the uploads of
// the sandbox, or could be read as one.
func uploadPath(u *url.URL, repository string) error {
	raw := u.EscapedPath()
	refused := errors.New("its Location is no upload of the sandbox")
	if u.Path != path.Clean(u.Path) && u.Path != path.Clean(u.Path)+"/" || strings.ContainsAny(u.Path, "\\;%") {
		return refused
	}
	if inUploads(raw, homes(repository)...) {
		return nil
	}
	lower := strings.ToLower(u.Path) + "/"
	if strings.Contains(lower, "/v2/") || strings.Contains(lower, "/manifests/") || strings.Contains(lower, "/v1/") || strings.Trim(lower, "/") == "" {
		return refused
	}
	return nil
}

// homes are where the uploads of a repository live: ghcr.io calls it blobs/upload.
func homes(repository string) []string {
	return []string{"/v2/" + repository + "/blobs/uploads/", "/v2/" + repository + "/blobs/upload/"}
}

// inUploads says whether a path is below the uploads of a repository, and is no
// other part of the API, however it is read.
func inUploads(path string, homes ...string) bool {
	rest, ok := "", false
	for _, home := range homes {
		if !ok {
			rest, ok = strings.CutPrefix(path, home)
		}
	}
	return ok && rest != "" && !slices.ContainsFunc(strings.Split(rest, "/"), func(part string) bool {
		return slices.Contains([]string{"manifests", "blobs", "tags", "referrers", ".", ".."}, part) || strings.ContainsAny(part, "%\\;")
	})
}

// Finish sends the whole content, to be stored under a digest (end-6).
func (s *Sandbox) Finish(ctx context.Context, up *Session, body []byte, as oci.Digest) Answer {
	return s.finish(ctx, up, body, oci.SHA256(body), as)
}

// finish sends what is left of the content, to be stored under a digest that may
// not be its own.
func (s *Sandbox) finish(ctx context.Context, up *Session, rest []byte, is, as oci.Digest) Answer {
	entries := []sandbox.Entry{{Kind: sandbox.Blob, Reference: string(as)}}
	if is != as {
		entries = append(entries, sandbox.Entry{Kind: sandbox.Blob, Reference: string(is)})
	}
	if _, err := s.begin(entries...); err != nil {
		return Answer{NotAsked: err.Error()}
	}
	a := s.at(ctx, up, http.MethodPut, "digest="+string(as), rest)
	if a.Status == http.StatusCreated {
		_ = s.box.journal.Removed(up.n) // it is a blob now
	}
	return a
}

// add sends content to an upload (end-5), which lives where the answer says from
// then on.
func (s *Sandbox) add(ctx context.Context, up *Session, body []byte) Answer {
	a := s.at(ctx, up, http.MethodPatch, "", body)
	if a.Status/100 != 2 || a.Header.Get("Location") == "" { // it lives on where it did
		return a
	}
	to, err := s.place(ctx, a)
	if err != nil || to.SameOrigin != up.to.SameOrigin {
		a.Problem = "what was sent was taken, and the upload cannot be finished where it is said to live then"
		return a
	}
	up.to = to
	if to.SameOrigin {
		_ = s.box.journal.Place(up.n, to.URL.RequestURI()) // an error shows at the next object
	}
	return a
}

// Cancel ends an upload (end-14).
func (s *Sandbox) Cancel(ctx context.Context, up *Session) Answer {
	a := s.end(ctx, up)
	if over(a.Response) {
		_ = s.box.journal.Removed(up.n)
	}
	return a
}

// invalid says whether an upload is there and the registry takes it for a broken
// one: distribution 2.8 answers 404 then, as for one that is gone.
func invalid(resp wire.Response) bool {
	return resp.Status == http.StatusNotFound && strings.Contains(errorCode(resp), "BLOB_UPLOAD_INVALID")
}

// end deletes an upload. A registry whose places carry the state of the upload
// (distribution) answers 416 to one of before: it is asked for the new one (end-13).
func (s *Sandbox) end(ctx context.Context, up *Session) Answer {
	a := s.at(ctx, up, http.MethodDelete, "", nil)
	if a.Status != http.StatusRequestedRangeNotSatisfiable {
		return a
	}
	where := s.at(ctx, up, http.MethodGet, "", nil)
	a.Trail = append(a.Trail, where.Trail...)
	to, err := s.place(ctx, where)
	if err != nil || where.Status/100 != 2 {
		return a
	}
	again := s.at(ctx, &Session{to: to}, http.MethodDelete, "", nil)
	again.Trail = append(a.Trail, again.Trail...)
	return again
}

// at sends a request to where an upload lives. On another origin it goes without
// credentials.
func (s *Sandbox) at(ctx context.Context, up *Session, method, query string, body []byte) Answer {
	u := *up.to.URL
	if query != "" {
		u.RawQuery = strings.TrimPrefix(u.RawQuery+"&"+query, "&")
	}
	change := func(r *wire.Request) {
		r.Target, r.Body = u.RequestURI(), body
		if body != nil {
			r.Header = append(r.Header, [2]string{"Content-Type", "application/octet-stream"})
		}
	}
	req := oci.Request{Method: method, Kind: oci.Upload, Repository: s.box.name, Reference: "regproof"}
	if up.to.SameOrigin {
		return s.write(ctx, req, change)
	}
	d := s.g.door
	r := d.request(question{lane: d.first(), id: anonymous, request: req, change: change})
	r.Scheme, r.Host, r.SNI, r.Address, r.Timeout = u.Scheme, u.Host, u.Hostname(), up.to.Address, hopTimeout
	if err := s.box.permits(d, r); err != nil {
		return Answer{NotAsked: err.Error()}
	}
	if ctx.Err() != nil {
		return Answer{NotAsked: "interrupted"}
	}
	ctx, done := unbroken(ctx)
	defer done()
	resp := paced{d: d, odd: true}.Do(ctx, r)
	a := Answer{Response: resp, First: resp, Trail: []string{resp.ID}}
	if resp.Failure == wire.Canceled {
		a.NotAsked = "interrupted"
	}
	return a
}

// Upload stores a blob under a digest, which may be a wrong one. An upload that
// was refused at its end is cancelled.
func (s *Sandbox) Upload(ctx context.Context, body []byte, as oci.Digest) Answer {
	started, up := s.Start(ctx)
	if up == nil {
		if started.Status == http.StatusAccepted && started.Problem == "" {
			started.Problem = fmt.Sprintf("answered %d without a place for the upload", started.Status)
		}
		return started
	}
	rest, is := body, oci.SHA256(body)
	if is != as {
		// What a refused PUT has written makes distribution 2.8 take the upload for
		// an invalid one, which nobody can cancel: the content goes before it.
		added := s.add(ctx, up, body)
		started.Trail = append(started.Trail, added.Trail...)
		if added.Problem != "" {
			s.Cancel(ctx, up)
			return added
		}
		if added.Status/100 == 2 {
			rest = []byte{}
		}
	}
	a := s.finish(ctx, up, rest, is, as)
	a.Trail = append(started.Trail, a.Trail...)
	if a.Status != http.StatusCreated {
		c := s.Cancel(ctx, up)
		a.Trail = append(a.Trail, c.Trail...)
	}
	return a
}
