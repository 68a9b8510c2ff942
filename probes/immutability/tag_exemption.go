// SPDX-License-Identifier: Apache-2.0

package immutability

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/probe"
)

// TagExemption pushes twice to tags whose names rules like to exempt.
var TagExemption = probe.Probe{
	ID:    "immutability/tag-exemption",
	Title: "No name of a tag is exempt from immutability",
	Why: "Rules for immutable tags exempt latest, or know patterns that some name does not " +
		"match. What is deployed is often pulled by just that name (CVE-2026-31801: zot let latest be overwritten by who may only create).",
	How: []string{
		"only where a plain push does not move a tag",
		"in the sandbox: latest, LATEST, v1, 1.0, dev, main, test, a name in capitals, one of 128 characters and one that begins with _, two images each",
		"a failure: one of them names the second image, by the bytes that are read back, twice",
		"a name to which nothing may be pushed holds, since the same identity pushed to others",
		"a name that exists already, or that cannot be seen not to, is left alone, unless what it names was made by an earlier run of regproof",
	},
	Fix: "Make the rule cover every tag (Harbor: ** on both; ECR: IMMUTABLE without exclusion filters; zot: 2.1.15 or " +
		"newer), and give what must move a repository of its own.",
	NotWhen:  "The name is exempt on purpose, and nothing is deployed by it.",
	Severity: finding.High,
	Control:  "tag-exemption",
	Effect:   probe.SandboxWrite,
	Per:      probe.Primary,
	Run: func(ctx context.Context, t *probe.Trial) probe.Result {
		s, why := immutable(ctx, t)
		if s == nil {
			return why
		}
		names := exempt(s)
		all := make([]tried, len(names))
		var wg sync.WaitGroup
		for i, name := range names {
			wg.Go(func() { all[i] = named(ctx, s, name) })
		}
		wg.Wait()
		var done []tried
		var left, barred []string
		for _, a := range all {
			if a.tag == "" {
				left = append(left, a.what)
				continue
			}
			if a.barred {
				barred = append(barred, a.what)
			}
			done = append(done, a)
		}
		if len(done) == 0 {
			return s.Result(finding.NotApplicable, "every name exists already, and was not made by regproof")
		}
		r := fold(s, done, func(name string) string {
			return fmt.Sprintf("a push moves the tag %s, though other tags cannot be overwritten", name)
		})
		if r.Outcome == finding.Pass {
			r.Reason = fmt.Sprintf("%d names held", len(done))
			if len(barred) > 0 {
				r.Reason += "; may not be pushed at all: " + strings.Join(barred, ", ")
			}
			if len(left) > 0 {
				r.Reason += "; left alone, since they exist: " + strings.Join(left, ", ")
			}
		}
		return r
	},
}

// exempt are the names to try.
func exempt(s *probe.Sandbox) []string {
	return []string{
		"latest", "LATEST", "v1", "1.0", "dev", "main", "test",
		strings.ToUpper(s.Tag()), "_" + s.Tag(), long(s.Tag()),
	}
}

// long makes a tag of the greatest length.
func long(tag string) string { return tag + "-" + strings.Repeat("x", 128-len(tag)-1) }

// named pushes twice to one name. It has no tag when the name is left alone.
func named(ctx context.Context, s *probe.Sandbox, name string) tried {
	is := s.Get(ctx, name, false)
	if why := s.Undecided(is.Answer); why.Outcome != "" {
		return tried{what: name, move: move{tag: name, result: why, answers: []probe.Answer{is.Answer}}}
	}
	if probe.OfOthers(is) {
		return tried{what: name}
	}
	if is.Status == 200 && is.Digest != "" { // of an earlier run, which could not remove it
		m := move{tag: name, first: is.Digest, answers: []probe.Answer{is.Answer}}
		m.after(ctx, s, s.Put(ctx, name, s.Image(), probe.Writing{}))
		if m.moved { // or that run has removed it meanwhile: then this is the first, and a second must move it too
			again := move{tag: name, first: m.now.Digest, answers: m.answers}
			again.after(ctx, s, s.Put(ctx, name, s.Image(), probe.Writing{}))
			m = again
		}
		return tried{what: name, move: m}
	}
	if is.Status != http.StatusNotFound { // whether it exists is not known
		return tried{what: name}
	}
	return tried{what: name, move: pushedOver(ctx, s, name)}.held()
}
