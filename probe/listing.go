// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"

	"github.com/regproof/regproof/access"
	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/image"
	"github.com/regproof/regproof/login"
	"github.com/regproof/regproof/oci"
)

// Entitled asks as the identity that may read the image: the control of what
// is no content. Where it got nothing it is asked at another endpoint of the
// same registry. The zero answer means that nobody could be asked.
func (t *Trial) Entitled(ctx context.Context, r oci.Request) Answer {
	g, id := t.group, t.subject.entitled
	switch {
	case id == nil && t.Known() != nil:
		id = anonymous // a stranger reads the image, so a stranger is entitled
	case id == nil:
		return Answer{}
	case t.door.ep.Cache || g.cache || (t.Repository() != "" && g.own == nil):
		g = t.subject.reader()
	}
	if g == nil {
		return Answer{}
	}
	q := question{lane: g.door.first(), id: id, phase: phaseEntitled, request: r, variant: true}
	a := g.ask(ctx, q)
	if !id.Anonymous() {
		a = g.insist(ctx, q, a)
	}
	a.elsewhere = g != t.group
	return a
}

// EntitledAll asks for each attempt as Entitled does, all at once.
func (t *Trial) EntitledAll(ctx context.Context, attempts []Attempt) []Answer {
	out := make([]Answer, len(attempts))
	var wg sync.WaitGroup
	for i, a := range attempts {
		wg.Go(func() { out[i] = t.Entitled(ctx, a.Request) })
	}
	wg.Wait()
	return out
}

// ContentOf makes content of an entitled answer, to recognise it by.
func (t *Trial) ContentOf(a Answer) *image.Content {
	c := &image.Content{Kind: image.Manifest, Digest: oci.SHA256(a.Body), MediaType: a.Header.Get("Content-Type"), Size: a.Size, Verified: true, Evidence: a.Trail}
	t.Known().Add(c)
	if own := t.group.own; own != nil && own != t.Known() && !a.elsewhere {
		own.Add(c)
	}
	return c
}

// Listing judges lists: tags, repositories, attachments. parse says what a
// body gives away, if anything. The control is what the entitled were shown.
func (t *Trial) Listing(entitled Answer, parse func([]byte) (string, bool), kind string) func(context.Context, *Trial, Attempt, Answer) Verdict {
	return func(ctx context.Context, t *Trial, a Attempt, answer Answer) Verdict {
		a.Control = nil
		if _, shown := parse(entitled.Body); shown && entitled.Status == http.StatusOK {
			a.Control, a.Elsewhere = entitled.Trail, entitled.elsewhere
		}
		subject := &finding.Subject{Kind: kind}
		if answer.Status == http.StatusOK && answer.Whole() && !html(answer.Response) {
			body := answer.Body
			if plain := unzip(answer.Response); plain != nil {
				body = plain
			}
			if !json.Valid(body) {
				return Verdict{Outcome: finding.Unknown, Reason: "200 with something that is no list", Subject: subject}
			}
			what, leaks := parse(body)
			if leaks && t.Repository() != "" {
				if same, trail := t.sameForRandom(ctx, a, answer, func(r Answer) bool { return r.Status == answer.Status && r.SHA256 == answer.SHA256 }); same {
					return Verdict{Outcome: finding.Unknown, Reason: "200 with the same list for a name that does not exist", Subject: subject, Evidence: append(answer.Trail, trail...)}
				}
			}
			switch {
			case leaks:
				v := Verdict{Outcome: finding.Fail, Reason: "listed without credentials", Message: what + " listed without credentials", Subject: subject, Control: a.Control}
				if answer.Grant.Header != "" {
					v.Message = what + " listed with a token that anybody gets"
				}
				return v
			case len(a.Control) > 0:
				return Verdict{Outcome: finding.Pass, Reason: "200 with an empty list, own control", Control: a.Control, Subject: subject}
			}
			if entitled.Status == http.StatusOK {
				return Verdict{Outcome: finding.NotApplicable, Reason: "there is nothing to list, for the entitled either", Subject: subject}
			}
			return Verdict{Outcome: finding.Unknown, Reason: "200 with an empty list, and nobody entitled was shown more", Subject: subject}
		}
		if answer.Status/100 == 2 && !html(answer.Response) {
			return Verdict{Outcome: finding.Unknown, Reason: fmt.Sprintf("%d with something else than a list: %s", answer.Status, brief(answer.Response)), Subject: subject}
		}
		v := Content(ctx, t, a, answer)
		v.Subject = subject
		return v
	}
}

// Open says whether policy lets anonymous pull a repository: its name is no
// secret.
func (t *Trial) Open(repository string) bool {
	d := t.door.run.opts.Policy.Decide(access.Permission{Identity: login.Anonymous, Repository: repository, Action: access.Pull})
	return d.Effect == access.Allow
}

// Sample keeps names of a listing, on which retrieval will be proven when a
// whole registry is checked.
func (t *Trial) Sample(repositories []string) {
	s := t.subject
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.listed) == 0 {
		s.listed = repositories
	}
}

// sample turns the names of a listing into images, by the first tag that the
// registry lists of each.
func (r *run) sample(ctx context.Context, s *subject, doors []*door) []ImageRef {
	var out []ImageRef
	for _, name := range s.listed {
		if len(out) >= r.opts.Sample || ctx.Err() != nil {
			break
		}
		if oci.CheckRepository(name) != nil {
			continue
		}
		if tag := r.firstTag(ctx, s, name, doors); tag != "" {
			out = append(out, ImageRef{Registry: s.ref.Registry, Repository: name, Reference: tag, Sampled: true})
		}
	}
	if n := len(s.listed); n > len(out) {
		why := "no tag was listed of the others"
		if len(out) >= r.opts.Sample {
			why = fmt.Sprintf("--sample %d", r.opts.Sample)
		}
		r.notes = append(r.notes, fmt.Sprintf("%d of %d listed repositories were sampled (%s)", len(out), n, why))
	}
	return out
}

// named fills in the tag of images that were named without one: latest if the
// registry lists it, else the last that it lists.
func (r *run) named(ctx context.Context, t *Target, doors []*door) error {
	for i := range r.opts.Images {
		ref := &r.opts.Images[i]
		if ref.Registry != t.Name || ref.Reference != "" {
			continue
		}
		ref.Reference = r.firstTag(ctx, r.newSubject(*ref), ref.Repository, doors)
		if ref.Reference == "" {
			return fmt.Errorf("%w: %s", ErrNoTag, ref.Repository)
		}
		r.notes = append(r.notes, fmt.Sprintf("no tag was named, so %s:%s is checked", ref.Repository, ref.Reference))
	}
	return nil
}

// ErrNoTag is returned by Run for an image without a tag, of which the
// registry lists none.
var ErrNoTag = errors.New("no tag was named, and none could be listed")

func (r *run) firstTag(ctx context.Context, s *subject, name string, doors []*door) string {
	for _, d := range doors {
		if !d.usable() {
			continue
		}
		g := &group{door: d, subject: s}
		for _, id := range []*login.Identity{anonymous, s.entitled} {
			if id == nil || (d.ep.Cache && !id.Anonymous()) {
				continue
			}
			a := g.ask(ctx, question{lane: d.first(), id: id, phase: phaseEntitled, request: oci.Request{Method: "GET", Kind: oci.Tags, Repository: name}})
			if _, tags, ok := oci.ParseTags(a.Body); ok && a.Status == http.StatusOK {
				tags = slices.DeleteFunc(tags, func(tag string) bool { return oci.CheckTag(tag) != nil || oci.Attachment(tag) })
				if slices.Contains(tags, "latest") {
					return "latest"
				}
				if len(tags) > 0 {
					return tags[len(tags)-1]
				}
			}
		}
	}
	return ""
}
