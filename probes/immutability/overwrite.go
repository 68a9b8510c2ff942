// SPDX-License-Identifier: Apache-2.0

package immutability

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/oci"
	"github.com/regproof/regproof/probe"
)

// A registry may answer before what it stored is to be seen: a change is looked
// for this often, with this pause, before an accepted push counts as ignored.
const (
	looks = 4
	pause = 700 * time.Millisecond
)

// lies marks the reason of a tag that stayed although the push was accepted.
const lies = "answered 201 and kept the first"

// move is what came of a push to a tag that named first.
type move struct {
	tag     string
	first   oci.Digest
	answers []probe.Answer // as evidence
	pushed  probe.Answer
	now     probe.Held
	moved   bool
	barred  bool         // nobody may push to a tag of this name
	result  probe.Result // why it says nothing; the zero Result when it does
}

// place pushes an image to a tag, and sees it there.
func place(ctx context.Context, s *probe.Sandbox, tag string, d probe.Doc) move {
	m := move{tag: tag, first: d.Digest}
	put := s.Put(ctx, tag, d, probe.Writing{})
	m.answers = []probe.Answer{put}
	if m.result = s.Undecided(put); m.result.Outcome != "" {
		return m
	}
	if put.Status/100 != 2 {
		m.barred = slices.Contains([]int{http.StatusBadRequest, http.StatusForbidden, http.StatusMethodNotAllowed, http.StatusConflict, http.StatusPreconditionFailed, http.StatusUnprocessableEntity}, put.Status)
		m.pushed = put
		m.result = s.Result(finding.Unknown, fmt.Sprintf("no control: the first push to a new tag was answered %s", probe.Says(put)), put)
		return m
	}
	held := s.Get(ctx, tag, false)
	for i := 1; i < looks && held.Status == 404; i++ {
		s.Wait(ctx, pause)
		held = s.Get(ctx, tag, false)
	}
	m.answers, m.now = append(m.answers, held.Answer), held
	if m.result = s.Undecided(held.Answer); m.result.Outcome == "" && held.Digest != d.Digest {
		m.result = s.Result(finding.Unknown, fmt.Sprintf("no control: what was pushed to a new tag was not read back (%s)", probe.Says(held.Answer)), m.answers...)
	}
	return m
}

// after looks what the tag names once something was tried on it. An accepted
// push that changed nothing is looked at again, in case it takes its time; a
// change is read twice, the second time on a new connection. What stayed all the
// same is asked for once more past a cache.
func (m *move) after(ctx context.Context, s *probe.Sandbox, pushed probe.Answer) {
	m.pushed = pushed
	m.answers = append(m.answers, pushed)
	if m.result = s.Undecided(pushed); m.result.Outcome != "" && pushed.Status < 500 {
		return
	}
	again := 1
	if pushed.Status/100 == 2 {
		again = looks
	}
	for i := range again {
		if i > 0 {
			s.Wait(ctx, pause)
		}
		m.now = s.Get(ctx, m.tag, false)
		if m.now.Digest != "" && m.now.Digest != m.first {
			break
		}
	}
	m.answers = append(m.answers, m.now.Answer)
	fresh := func() probe.Held { return s.Get(ctx, m.tag, true) }
	if pushed.Status/100 == 2 && m.now.Digest == m.first { // a cache may have kept it
		if past := s.Past(ctx, m.tag); past.Digest != "" && past.Digest != m.first {
			m.now, fresh = past, func() probe.Held { return s.Past(ctx, m.tag) }
			m.answers = append(m.answers, past.Answer)
		}
	}
	if m.now.Digest != "" && m.now.Digest != m.first {
		seen := m.now.Digest
		m.now = fresh()
		m.answers = append(m.answers, m.now.Answer)
		m.moved = m.now.Digest == seen
	}
	if m.moved {
		m.result = probe.Result{}
	} else if r := s.Undecided(m.now.Answer); r.Outcome != "" {
		m.result = r
	}
}

// pushedOver pushes another image to a tag that names one.
func pushedOver(ctx context.Context, s *probe.Sandbox, tag string) move {
	m := place(ctx, s, tag, s.Image())
	if m.result.Outcome == "" {
		m.after(ctx, s, s.Put(ctx, tag, s.Image(), probe.Writing{}))
	}
	return m
}

// accepted says how a push was answered, for a message.
func accepted(a probe.Answer) string {
	if a.Status/100 == 2 {
		return ""
	}
	return fmt.Sprintf(", although the push was answered %s", probe.Says(a))
}

// failed is the failure of a tag that moved.
func (m move) failed(s *probe.Sandbox, message string) probe.Result {
	r := s.Result(finding.Fail, fmt.Sprintf("%s became %s", m.first.Short(), m.now.Digest.Short()), m.answers...)
	r.Message = message
	r.Subject = &finding.Subject{Kind: "manifest", Digest: string(m.now.Digest)}
	return r
}

// kept says how the tag was held.
func (m move) kept() string {
	if m.pushed.Status/100 == 2 {
		return lies
	}
	return "refused with " + probe.Says(m.pushed)
}

// overwrite is whether a plain push moves a tag. All probes of immutable tags
// rest on it, so it is made once.
func overwrite(ctx context.Context, s *probe.Sandbox) probe.Result {
	return s.Shared("overwrite", func() probe.Result {
		m := pushedOver(ctx, s, s.Tag())
		switch {
		case m.result.Outcome != "":
			return m.result
		case m.moved:
			return m.failed(s, fmt.Sprintf("%s pushed another image to a tag that was there, and the tag now names it%s", s.Name(), accepted(m.pushed)))
		}
		return s.Result(finding.Pass, "another image for the same tag was "+m.kept(), m.answers...)
	})
}

// immutable is nil and why, unless a plain push was seen not to move a tag.
func immutable(ctx context.Context, t *probe.Trial) (*probe.Sandbox, probe.Result) {
	s, why := t.Sandbox(ctx)
	if s == nil {
		return nil, why
	}
	switch r := overwrite(ctx, s); r.Outcome {
	case finding.Pass:
		return s, probe.Result{}
	case finding.Fail:
		r := s.Result(finding.NotApplicable, "tags are mutable anyway (immutability/tag)")
		r.Control = nil
		return nil, r
	default:
		r.Reason = "whether tags are immutable is not known: " + r.Reason
		return nil, r
	}
}
