// SPDX-License-Identifier: Apache-2.0

package main_test

import (
	"fmt"
	"os"
	"path"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/internal/labtest"
	"github.com/regproof/regproof/lab"
)

// labRun is every probe, with every effect, at one door of the lab.
type labRun struct {
	door string
	way  labWay

	ran      bool
	got      map[string]finding.Finding // the first of each probe
	fails    []string
	unproven []string // required, and neither passed nor without meaning here
	broken   []string // errors of the engine
}

// labCase is one entry of the lab, and the sound one that looks alike.
type labCase struct {
	lab.Weakness
	run, twin *labRun
}

// labWidth is how many doors are proven at once: most of a run is waiting.
const labWidth = 6

// TestAccuracyLab runs every probe, with every effect, against every door of
// the lab and the sound one beside it.
func TestAccuracyLab(t *testing.T) {
	if testing.Short() {
		t.Skip("opens every door of the lab")
	}
	if os.Getenv("REGPROOF_ACCURACY") == "" {
		t.Skip("REGPROOF_ACCURACY is not set")
	}
	cases, runs := labCases()
	t.Run("doors", func(t *testing.T) {
		next := make(chan *labRun)
		var wg sync.WaitGroup
		for range labWidth {
			wg.Go(func() {
				for r := range next {
					t.Run(strings.TrimSpace(r.door+" "+r.way.String()), r.prove)
				}
			})
		}
		for _, r := range runs {
			next <- r
		}
		close(next)
		wg.Wait()
	})
	for _, c := range cases {
		for _, problem := range c.problems() {
			t.Errorf("%s: %s", c.Name, problem)
		}
	}
	text := labTable(cases)
	t.Log(text)
	if dir := os.Getenv("REGPROOF_TABLES"); dir != "" {
		if err := os.WriteFile(tableFile(dir, "accuracy-lab.md"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// labCases are the entries, and the runs that they need, each once. Hostile
// doors are about what they do to a run: the tests of the families hold them.
func labCases() (cases []*labCase, runs []*labRun) {
	type key struct {
		door string
		way  labWay
	}
	known := map[key]*labRun{}
	get := func(door string, way labWay) *labRun {
		r, ok := known[key{door, way}]
		if !ok {
			r = &labRun{door: door, way: way}
			known[key{door, way}] = r
			runs = append(runs, r)
		}
		return r
	}
	for _, w := range lab.Weaknesses() {
		if w.Kind == lab.Hostile {
			continue
		}
		c := &labCase{Weakness: w, run: get(w.Name, wayOf(w))}
		if w.Twin != "" {
			c.twin = get(w.Twin, wayOf(w))
		}
		cases = append(cases, c)
	}
	slices.SortStableFunc(runs, func(a, b *labRun) int { return b.way.slow(b.door) - a.way.slow(a.door) })
	return cases, runs
}

// prove runs all probes. Each run has a lab of its own: what one writes must not
// stand in the listings of another.
func (r *labRun) prove(t *testing.T) {
	l := labtest.Open(t)
	d := labtest.Door(t, l, lab.DoorOptions{Weaknesses: []string{r.door}, Lifetime: r.way.lifetime})
	got := labtest.Prove(t, l, d, r.way.setting(t, l, d))
	r.fails = slices.DeleteFunc(got.Of(finding.Fail), func(id string) bool {
		return slices.Contains(r.way.always(r.door), id)
	})
	r.broken, r.got = got.Of(finding.Error), map[string]finding.Finding{}
	for _, f := range got.Findings {
		if before, ok := r.got[f.Probe]; !ok || finding.Worse(before.Outcome, f.Outcome) != before.Outcome {
			r.got[f.Probe] = f
		}
		if f.Required && f.Outcome != finding.Pass && f.Outcome != finding.NotApplicable && f.Outcome != finding.Fail {
			r.unproven = append(r.unproven, f.Probe)
		}
	}
	r.unproven, r.ran = sorted(r.unproven), true
}

// problems are what is not as it should be.
func (c *labCase) problems() (out []string) {
	say := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	sound := func(which string, r *labRun) {
		if v := r.verdict(); v != "holds" {
			say("%s: %s", which, v)
		}
	}
	if !c.run.ran {
		return nil // its test says why
	}
	switch f, ok := c.run.got[c.Probe]; {
	case !ok:
		say("no probe %s was run", c.Probe)
	case c.Kind == lab.Sound:
		sound("it", c.run)
	case f.Outcome != c.want():
		say("%s is %s, want %s: %s", c.Probe, f.Outcome, c.want(), f.Reason)
	case len(c.others()) > 0:
		say("fails too: %s", names(c.others()))
	}
	if c.Kind != lab.Sound && len(c.run.broken) > 0 {
		say("errors: %s", names(c.run.broken))
	}
	if c.twin != nil && c.twin.ran {
		sound("its twin "+c.Twin, c.twin)
	}
	return out
}

// others are the probes that fail, though the entry is not for them.
func (c *labCase) others() []string {
	return slices.DeleteFunc(slices.Clone(c.run.fails), func(id string) bool {
		return id == c.Probe && c.Kind == lab.Weak || slices.ContainsFunc(labMay[c.Name], func(p string) bool { ok, _ := path.Match(p, id); return ok })
	})
}

// verdict is what a sound door came to.
func (r *labRun) verdict() string {
	switch {
	case len(r.fails) > 0:
		return "accused: " + names(r.fails)
	case len(r.broken) > 0:
		return "errors: " + names(r.broken)
	case len(r.unproven) > 0:
		return "not proven: " + names(r.unproven)
	}
	return "holds"
}

// want is the outcome of the probe that the entry is for.
func (c *labCase) want() finding.Outcome {
	switch c.Kind {
	case lab.Weak:
		return finding.Fail
	case lab.Unprovable:
		return finding.Unknown
	}
	return finding.Pass
}
