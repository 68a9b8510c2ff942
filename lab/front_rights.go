// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"encoding/json"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"sync"
)

// Sandbox is the repository, with what is below it, in which both users may push
// where Basic knows rights.
const Sandbox = "regproof-sandbox"

// basicRights are the rights of a registry that knows its users by password:
// ci may do everything in team-a and in the sandbox, dev reads team-b and pushes
// to the sandbox. Each field that is set is a right that is not asked for.
type basicRights struct {
	reads, lists, pushes, deletes bool // whoever is known may
	blobs                         bool // a blob is looked for under no repository
	mounts                        bool // the source of a mount is not asked for
	links                         bool // HEAD of a blob that is anywhere links it where it is asked for
	looks                         bool // a blob is looked for before the right to read it is
	tells                         bool // an upload of what is there anywhere is done at once
	sessions                      bool // an upload is found by its name alone
	cancels                       bool // strangers may cancel an upload
	ends                          bool // and finish it
	finishes                      bool // an upload is finished by its name alone, in the repository in the path
}

// users is what each user may do in a repository.
func (b basicRights) may(u user, repository, action string) bool {
	switch {
	case action == "list" && b.lists, action == "pull" && b.reads, action == "push" && b.pushes, action == "delete" && b.deletes:
		return true
	case repository == Sandbox || strings.HasPrefix(repository, Sandbox+"/"):
		return action != "delete" || u.name == "ci"
	case u.name == "ci":
		return strings.HasPrefix(repository, "team-a/")
	}
	return strings.HasPrefix(repository, "team-b/") && (action == "pull" || action == "list")
}

// front guards the open registry: strangers are left to htpasswd.
func (b basicRights) front(next http.Handler, d *Door) http.Handler {
	var begun sync.Map // where uploads were begun, by name
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		t := routeOf(r)
		u, known := d.lab.keys.knows(r)
		switch {
		case (b.cancels && r.Method == http.MethodDelete || b.ends && r.Method == http.MethodPut) && t.kind == upload && t.reference != "":
			d.open.ServeHTTP(w, r)
			return
		case !known || !isAPI(r) || t.kind == base:
			next.ServeHTTP(w, r)
			return
		case t.kind == catalog:
			b.catalog(w, r, d, u)
			return
		}
		if at, ok := begun.Load(t.reference); ok && b.sessions && t.kind == upload {
			d.open.ServeHTTP(w, onward(r, &url.URL{Path: "/v2/" + at.(string) + "/blobs/uploads/" + t.reference, RawQuery: r.URL.RawQuery}))
			return
		}
		if !b.may(u, t.repository, actionOf(r, t)) {
			if b.looks && t.kind == blob && isRead(r) && ask(r, d.open, r.URL.Path) == http.StatusNotFound {
				d.open.ServeHTTP(w, r)
				return
			}
			deny403(w, r, d)
			return
		}
		at, ok := begun.Load(t.reference)
		switch {
		case ok && b.finishes && at != t.repository && t.kind == upload && r.Method == http.MethodPut:
			b.finish(w, r, d, t, at.(string))
		case t.kind == blob && isRead(r) && b.blobs:
			b.anywhere(w, r, d, t)
		case t.kind == blob && r.Method == http.MethodHead && b.links:
			d.lab.link(r, d, t)
			d.open.ServeHTTP(w, r)
		case t.kind == upload && r.Method == http.MethodPost:
			b.start(w, r, d, u, t, &begun)
		default:
			d.open.ServeHTTP(w, r)
		}
	})
}

// actionOf is the right that a request needs.
func actionOf(r *http.Request, t route) string {
	switch {
	case t.kind == tags || t.kind == referrer:
		return "list"
	case t.kind == upload: // who may push may cancel
		return "push"
	case isRead(r):
		return "pull"
	case r.Method == http.MethodDelete:
		return "delete"
	}
	return "push"
}

// catalog shows each user what it may list.
func (b basicRights) catalog(w http.ResponseWriter, r *http.Request, d *Door, u user) {
	a, err := call(r.Context(), d.open, http.MethodGet, "/v2/_catalog", nil, nil)
	var list struct {
		Repositories []string `json:"repositories"`
	}
	if err != nil || json.Unmarshal(a.body.Bytes(), &list) != nil {
		broken(w, r, d)
		return
	}
	list.Repositories = slices.DeleteFunc(list.Repositories, func(name string) bool { return !b.may(u, name, "list") })
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(list)
}

// anywhere serves a blob from whichever repository holds it.
func (b basicRights) anywhere(w http.ResponseWriter, r *http.Request, d *Door, t route) {
	for _, o := range d.lab.content.blobs {
		if o.digest == t.reference {
			d.open.ServeHTTP(w, onward(r, &url.URL{Path: "/v2/" + o.repository + "/blobs/" + o.digest}))
			return
		}
	}
	d.open.ServeHTTP(w, r)
}

// start begins an upload, or spares it: by a mount, for which the right to pull
// the source is wanted, or because of what is there.
func (b basicRights) start(w http.ResponseWriter, r *http.Request, d *Door, u user, t route, begun *sync.Map) {
	q := r.URL.Query()
	if digest := q.Get("digest"); b.tells && d.lab.stored(digest) {
		w.Header().Set("Location", "/v2/"+t.repository+"/blobs/"+digest)
		w.Header().Set("Docker-Content-Digest", digest)
		w.WriteHeader(http.StatusCreated)
		return
	}
	if from := q.Get("from"); q.Has("mount") && !b.mounts && (from == "" || !b.may(u, from, "pull")) {
		r = onward(r, &url.URL{Path: r.URL.Path})
	}
	d.open.ServeHTTP(&rewriter{ResponseWriter: w, on: func(w http.ResponseWriter, status int) bool {
		if status == http.StatusAccepted {
			if at, err := url.Parse(w.Header().Get("Location")); err == nil {
				begun.Store(path.Base(at.Path), t.repository)
			}
		}
		return false
	}}, r)
}

// stored says whether any repository was filled with this blob.
func (l *Lab) stored(digest string) bool {
	return slices.ContainsFunc(l.content.blobs, func(o object) bool { return o.digest == digest })
}

// link mounts a blob from whichever repository was filled with it.
func (l *Lab) link(r *http.Request, d *Door, t route) {
	for _, o := range l.content.blobs {
		if o.digest == t.reference && o.repository != t.repository {
			q := url.Values{"mount": {o.digest}, "from": {o.repository}}
			_, _ = call(r.Context(), d.open, http.MethodPost, "/v2/"+t.repository+"/blobs/uploads/?"+q.Encode(), nil, nil)
			return
		}
	}
}

// finish ends an upload where it was begun, and moves the blob to where the
// request says.
func (b basicRights) finish(w http.ResponseWriter, r *http.Request, d *Door, t route, at string) {
	a := &answer{header: http.Header{}}
	d.open.ServeHTTP(a, onward(r, &url.URL{Path: "/v2/" + at + "/blobs/uploads/" + t.reference, RawQuery: r.URL.RawQuery}))
	if digest := r.URL.Query().Get("digest"); a.status == http.StatusCreated {
		q := url.Values{"mount": {digest}, "from": {at}}
		_, _ = call(r.Context(), d.open, http.MethodPost, "/v2/"+t.repository+"/blobs/uploads/?"+q.Encode(), nil, nil)
		_, _ = call(r.Context(), d.open, http.MethodDelete, "/v2/"+at+"/blobs/"+digest, nil, nil)
	}
	a.send(w)
}
