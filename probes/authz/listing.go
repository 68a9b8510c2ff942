// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/regproof/regproof/access"
	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/oci"
	"github.com/regproof/regproof/probe"
)

// listing is a list of names.
type listing struct {
	what     string
	attempt  probe.Attempt
	catalog  bool
	entitled probe.Answer
	names    func(body []byte) []string
}

// listings are the lists of the repository, and for the first private one that
// of the registry; each as the entitled are shown it.
func listings(ctx context.Context, t *probe.Trial) []*listing {
	request := func(k oci.Kind) oci.Request {
		return oci.Request{Method: http.MethodGet, Kind: k, Repository: t.Repository()}
	}
	out := []*listing{{what: "tag", attempt: probe.Attempt{Request: request(oci.Tags)}, names: func(b []byte) []string {
		_, tags, _ := oci.ParseTags(b)
		return tags
	}}}
	if k := t.Known(); k != nil {
		r := request(oci.Referrers)
		r.Reference, r.Accept = string(k.Root.Digest), []string{oci.MediaImageIndex}
		out = append(out, &listing{what: "attachment", attempt: probe.Attempt{Request: r}, names: func(b []byte) []string {
			d, err := oci.ParseDocument(b)
			var names []string
			for _, m := range d.Manifests {
				if err == nil {
					names = append(names, string(m.Digest))
				}
			}
			return names
		}})
	}
	if t.Chosen() {
		out = append(out, &listing{what: "repository", catalog: true, attempt: probe.Attempt{Request: oci.Request{Method: http.MethodGet, Kind: oci.Catalog, Query: "n=100"}}, names: func(b []byte) []string {
			all, _ := oci.ParseCatalog(b)
			var names []string
			for _, name := range all { // what is not below the prefix is none of this registry
				if own, ok := strings.CutPrefix(name, t.Name("")); ok {
					names = append(names, own)
				}
			}
			return names
		}})
	}
	for _, l := range out {
		l.entitled = t.Entitled(ctx, l.attempt.Request)
	}
	return out
}

// asks says whether policy does not let an identity have the list.
func (l *listing) asks(t *probe.Trial, id *probe.Identity) bool {
	repository, action := t.Repository(), access.List
	if l.catalog {
		repository, action = "", access.Catalog
	}
	allow, stated, _ := t.May(id, repository, action)
	return stated && !allow
}

// private are the names in an answer on which policy gives the identity no right.
func (l *listing) private(t *probe.Trial, id *probe.Identity, a probe.Answer) []string {
	if a.Status != http.StatusOK || !a.Whole() || !json.Valid(a.Body) {
		return nil
	}
	return slices.DeleteFunc(l.names(a.Body), func(name string) bool {
		return l.catalog && slices.ContainsFunc([]access.Action{access.Pull, access.List, access.Push}, func(action access.Action) bool {
			allow, _, _ := t.May(id, name, action)
			return allow
		})
	})
}

func (l *listing) judge(ctx context.Context, t *probe.Trial, id *probe.Identity, got probe.Reply) probe.Result {
	control := l.control(ctx, t, id)
	shown := l.private(t, id, control)
	names := l.private(t, id, got.Answer)
	switch {
	case len(names) > 0 && !l.known(t, names, shown):
		return probe.Result{Outcome: finding.Unknown, Evidence: got.Trail, Attempts: 1, Reason: fmt.Sprintf("listed %s, none of which is known", plural(l.what))}
	case len(names) > 0:
		return l.tells(ctx, t, id, got, names, control.Trail)
	case control.Status == http.StatusOK && len(shown) == 0:
		return probe.NotApplicable(fmt.Sprintf("nobody is shown any %s either", l.what))
	case control.Status == http.StatusNotFound || control.Status == http.StatusMethodNotAllowed:
		return probe.NotApplicable(fmt.Sprintf("the registry has no such list (%d)", control.Status))
	case len(shown) == 0:
		return probe.Result{Outcome: finding.Unknown, Evidence: got.Trail, Attempts: 1, Reason: fmt.Sprintf("no control: nobody was shown %s", plural(l.what))}
	case got.Status == http.StatusOK && json.Valid(got.Body) && got.Whole():
		got.Saw, got.What = probe.Denied, fmt.Sprintf("200 with a list that names no %s that is private to others", l.what)
	}
	return denied(ctx, t, id, control.Trail, got)
}

// control is the list of somebody else in which there is something that the
// identity is not to see; without one it is what the entitled are shown.
func (l *listing) control(ctx context.Context, t *probe.Trial, id *probe.Identity) probe.Answer {
	if !l.catalog || len(l.private(t, id, l.entitled)) > 0 {
		return l.entitled
	}
	for _, other := range t.Identities() {
		if a := t.Read(ctx, other, l.attempt); other.Name != id.Name && len(l.private(t, id, a.Answer)) > 0 {
			return a.Answer
		}
	}
	return l.entitled
}

// known says whether a list names something that is known to be there: a mock
// lists the same to everybody.
func (l *listing) known(t *probe.Trial, names, shown []string) bool {
	known := append(slices.Clone(shown), t.Repositories()...)
	if l.what == "tag" {
		known = append(shown, t.Reference())
	}
	return slices.ContainsFunc(names, func(name string) bool { return slices.Contains(known, name) })
}

// tells is the result for a list that names what it should not.
func (l *listing) tells(ctx context.Context, t *probe.Trial, id *probe.Identity, got probe.Reply, names, control []string) probe.Result {
	for n := range 2 {
		a := l.attempt
		a.Again, a.Fresh, a.Confirms = n+1, true, true
		if open := t.Read(ctx, nil, a); len(l.private(t, id, open.Answer)) > 0 {
			return probe.NotApplicable("it is open to strangers too, which is no right of " + id.Name)
		}
		again := t.Read(ctx, id, a)
		got.Trail = append(slices.Clone(got.Trail), again.Trail...)
		if len(l.private(t, id, again.Answer)) == 0 {
			return probe.Result{Outcome: finding.Unknown, Evidence: got.Trail, Attempts: n + 2, Reason: "listed at first, and not when it was asked again"}
		}
	}
	where := " of " + t.Repository()
	if l.catalog {
		where = " in the catalog (" + some(names) + ")"
	}
	r := probe.Result{
		Outcome: finding.Fail, Observed: "allow", Reason: "listed", Evidence: got.Trail, Control: control, Attempts: 3,
		Subject: &finding.Subject{Kind: map[string]string{"tag": "tags", "attachment": "referrers", "repository": "catalog"}[l.what]},
		Message: fmt.Sprintf("%s is shown %s%s, which policy does not let it list", id.Name, count(len(names), l.what), where),
	}
	if !l.catalog && mayPull(t, id, t.Repository()) {
		r.Severity = finding.Low
		r.Message += "; it may pull there"
	}
	return r
}

// some writes the first few names.
func some(names []string) string {
	if len(names) > 3 {
		return strings.Join(names[:3], ", ") + " and others"
	}
	return strings.Join(names, ", ")
}

func plural(what string) string { return strings.TrimPrefix(count(2, what), "2 ") }
