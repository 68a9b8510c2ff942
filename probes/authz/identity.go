// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/regproof/regproof/access"
	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/probe"
)

// nobody is the result where no identity is to be denied an action.
func nobody(repository string, action access.Action) probe.Result {
	return probe.NotApplicable(fmt.Sprintf("every named identity may %s in %s: nothing is to be denied, until one is configured that may not", action, repository))
}

// forEach asks as all identities at once, waits until it was seen whether the
// endpoint still answers as before, and judges one after the other.
func forEach[T any](ctx context.Context, t *probe.Trial, ids []*probe.Identity, ask func(*probe.Identity) T, judge func(*probe.Identity, T) probe.Result) []probe.Result {
	t.Turn(ctx)
	got := make([]T, len(ids))
	var wg sync.WaitGroup
	for i, id := range ids {
		wg.Go(func() { got[i] = ask(id) })
	}
	wg.Wait()
	t.Asked(ctx)
	out := make([]probe.Result, len(ids))
	for i, id := range ids {
		out[i] = judge(id, got[i])
		if out[i].Identity == "" {
			out[i].Identity = id.Name
		}
	}
	return out
}

// together makes the gravest result the trial's, and the others go with it.
func together(results []probe.Result, otherwise probe.Result) probe.Result {
	if len(results) == 0 {
		return otherwise
	}
	sorted := slices.Clone(results)
	slices.SortStableFunc(sorted, func(a, b probe.Result) int {
		switch {
		case a.Outcome != b.Outcome && finding.Worse(a.Outcome, b.Outcome) == a.Outcome:
			return -1
		case a.Outcome != b.Outcome:
			return 1
		}
		return cmp.Compare(b.Severity.Rank(), a.Severity.Rank())
	})
	worst := sorted[0]
	worst.Also = sorted[1:]
	return worst
}

// denied makes the result of answers that all let see nothing: a pass if each is
// a denial that counts and there was something to deny.
func denied(ctx context.Context, t *probe.Trial, id *probe.Identity, control []string, answers ...probe.Reply) probe.Result {
	r := probe.Result{Outcome: finding.Pass, Observed: "deny", Control: control, Attempts: len(answers)}
	var said []string
	for _, a := range answers {
		r.Evidence = append(r.Evidence, a.Trail...)
		if a.NotAsked != "" {
			return probe.Result{Outcome: finding.NotChecked, Reason: a.NotAsked, Evidence: a.Trail, Attempts: len(answers)}
		}
		if a.Saw != probe.Denied {
			return probe.Result{Outcome: finding.Unknown, Reason: a.What, Evidence: a.Trail, Attempts: len(answers)}
		}
		evidence, why := t.Stands(ctx, id, a.Answer)
		if why != "" {
			return probe.Result{Outcome: finding.Unknown, Reason: why, Evidence: append(slices.Clone(a.Trail), evidence...), Attempts: len(answers)}
		}
		r.Control = union(r.Control, evidence)
		if !slices.ContainsFunc(said, func(s string) bool { return strings.HasPrefix(s, a.What) }) { // HEAD has no body to tell more
			said = append(said, a.What)
		}
	}
	r.Reason = strings.Join(said, ", ")
	if id != nil {
		r.Reason += fmt.Sprintf("; %s is let in at /v2/", id.Name)
	}
	return r
}

func union(a, b []string) []string {
	out := slices.Clone(a)
	for _, s := range b {
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

func count(n int, what string) string {
	switch {
	case n == 1:
		return "1 " + what
	case strings.HasSuffix(what, "y"):
		return fmt.Sprintf("%d %sies", n, strings.TrimSuffix(what, "y"))
	}
	return fmt.Sprintf("%d %ss", n, what)
}
