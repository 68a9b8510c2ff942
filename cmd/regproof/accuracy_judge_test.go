// SPDX-License-Identifier: Apache-2.0

package main_test

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// accuracyResult is what regproof said of a case.
type accuracyResult struct {
	ran      bool
	got      []string // probes that failed on the weak half
	exit     int
	twin     []string // and on the twin
	twinExit int
	cause    string // the message of the probe that was expected
	missed   bool   // the weakness was not found
	accused  bool   // the twin was found weak
	problems []string
}

// judge runs regproof on both halves and compares.
func (w *accuracyWorld) judge(t *testing.T, c accuracyCase) accuracyResult {
	r := accuracyResult{ran: true}
	complain := func(format string, args ...any) { r.problems = append(r.problems, fmt.Sprintf(format, args...)) }
	call := func(h half) outcome {
		s := h(t, w)
		if c.prime {
			s.image = s.host + "/" + sandboxImage
			s.args = append(s.args, "--prime-caches")
		}
		s.args = slices.Concat(s.args, c.args, []string{"--fail-on", "medium"})
		return w.check(t, s.target)
	}
	twin := call(c.twin)
	r.twin, r.twinExit = twin.failed(""), twin.exit
	var weak outcome
	if c.weak != nil {
		weak = call(c.weak)
		r.got, r.exit = weak.failed(""), weak.exit
		if want := c.exit(); r.exit != want {
			complain("the weak half: exit %d, want %d", r.exit, want)
		}
		for _, probe := range c.fails {
			if !slices.ContainsFunc(strings.Split(probe, "|"), func(p string) bool { return slices.Contains(r.got, p) }) {
				r.missed = true
				complain("missed: %s does not fail", probe)
			}
		}
		for _, probe := range r.got {
			if !c.expects(probe) && (!slices.Contains(weak.failed("low"), probe) || !slices.Contains(r.twin, probe)) {
				complain("the weak half: %s fails too", probe)
			}
		}
		r.cause = weak.said(c.fails)
		if !r.missed && c.cause != "" && !regexp.MustCompile("(?i)"+c.cause).MatchString(weak.blocks(c.fails)) {
			complain("the cause is not named, want %q in it:\n%s", c.cause, weak.blocks(c.fails))
		}
	}
	if r.twinExit != c.exits {
		complain("the twin: exit %d, want %d: %s", r.twinExit, c.exits, twin.Exit.Reason)
	}
	for _, probe := range r.twin {
		if !slices.Contains(twin.failed("low"), probe) || slices.Contains(c.fails, probe) {
			r.accused = true
			complain("the twin is accused: %s", probe)
		}
	}
	for _, problem := range r.problems {
		t.Error(problem)
	}
	if t.Failed() {
		t.Logf("regproof said of the weak half:\n%s\nand of the twin:\n%s", weak.text, twin.text)
	}
	return r
}

// exit is the code that the weak half must come to.
func (c accuracyCase) exit() int {
	if c.low {
		return 0
	}
	return 1
}

// expects says whether a probe may fail on the weak half.
func (c accuracyCase) expects(probe string) bool {
	for _, p := range c.fails {
		if slices.Contains(strings.Split(p, "|"), probe) {
			return true
		}
	}
	return slices.ContainsFunc(c.may, func(pattern string) bool {
		ok, err := path.Match(pattern, probe)
		return err == nil && ok
	})
}

// failed lists the probes that failed with a severity, "" is any.
func (o outcome) failed(severity string) []string {
	var out []string
	for _, f := range o.Findings {
		if f.Outcome == "fail" && (severity == "" || f.Severity == severity) {
			out = append(out, f.Probe)
		}
	}
	return sorted(out)
}

// said is the message of the first of these probes that failed.
func (o outcome) said(probes []string) string {
	for _, f := range o.Findings {
		if f.Outcome == "fail" && among(probes, f.Probe) {
			return f.Message
		}
	}
	return ""
}

// blocks is what a person reads about these probes.
func (o outcome) blocks(probes []string) string {
	var out []string
	for _, f := range o.Findings {
		if f.Outcome == "fail" && among(probes, f.Probe) {
			out = append(out, f.Message+" "+f.Reason)
		}
	}
	for block := range strings.SplitSeq(o.text, "\n\n") {
		block = block[max(0, strings.Index(block, "FAIL  ")):]
		words := strings.Fields(block)
		if strings.HasPrefix(block, "FAIL  ") && len(words) > 2 && among(probes, words[2]) {
			out = append(out, block)
		}
	}
	return strings.Join(out, "\n")
}

func among(probes []string, probe string) bool {
	return slices.ContainsFunc(probes, func(p string) bool { return slices.Contains(strings.Split(p, "|"), probe) })
}
