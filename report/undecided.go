// SPDX-License-Identifier: Apache-2.0

package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/regproof/regproof/finding"
)

// names remembers which probes and endpoints share a reason.
func (t *text) names(key string, f finding.Finding) {
	if t.probes == nil {
		t.probes, t.places, t.spots = map[string][]string{}, map[string][]string{}, map[string][]string{}
	}
	if !slices.Contains(t.places[key], f.Endpoint) && len(t.places[key]) < 20 {
		t.places[key] = append(t.places[key], f.Endpoint)
	}
	if spot := t.where(f); !slices.Contains(t.spots[key], spot) && len(t.spots[key]) < 2 {
		t.spots[key] = append(t.spots[key], spot)
	}
	name := f.Probe
	if f.Required && f.Outcome != finding.NotApplicable {
		name += "*"
		t.starred = true
	}
	if !slices.Contains(t.probes[key], name) && len(t.probes[key]) < 500 {
		t.probes[key] = append(t.probes[key], name)
	}
}

// saw remembers which probes of a family the report has.
func (t *text) saw(id string) {
	name, _, _ := strings.Cut(id, "/")
	if t.family == nil {
		t.family = map[string][]string{}
	}
	if !slices.Contains(t.family[name], id) {
		t.family[name] = append(t.family[name], id)
	}
}

// families writes family/* for all probes of a family that the report has, when
// there are several and none is required.
func (t *text) families(ids []string) []string {
	var out []string
	for _, id := range ids {
		name, _, _ := strings.Cut(id, "/")
		all := t.family[name]
		missing := func(p string) bool { return !slices.Contains(ids, p) }
		if len(all) < 4 || slices.ContainsFunc(all, missing) {
			out = append(out, id)
		} else if whole := fmt.Sprintf("%s/* (%d)", name, len(all)); !slices.Contains(out, whole) {
			out = append(out, whole)
		}
	}
	return out
}

// undecided writes what shares an outcome and a reason.
func (t *text) undecided(key string, n int) {
	outcome, reason, _ := strings.Cut(key, "\x00")
	where := t.places[key][0]
	if len(t.places[key]) > 1 {
		where = fmt.Sprintf("%d endpoints", len(t.places[key]))
	} else if len(t.spots[key]) == 1 {
		where = t.spots[key][0]
	}
	t.line("%s  %d  %s", t.mark(finding.Outcome(outcome)), n, where)
	t.line("%s", Fold(reason, "  "))
	shown, more := t.families(t.probes[key]), ""
	if len(shown) > 20 {
		shown, more = shown[:20], fmt.Sprintf(" and %d more", len(shown)-20)
	}
	t.line("%s", t.o.dim(Fold(strings.Join(shown, " ")+more, "  ")))
	t.line("")
}

// flag is the option, or the key of the file, that would have had something
// checked, "" if it is not for the want of one.
func flag(key string) string {
	_, reason, _ := strings.Cut(key, "\x00")
	needed, ok := strings.CutPrefix(reason, "it needs ")
	if !ok || !strings.HasPrefix(key, string(finding.NotChecked)) {
		return ""
	}
	name, after, _ := strings.Cut(needed, " ")
	switch {
	case strings.HasPrefix(after, "in the file"):
		return name
	case !strings.HasPrefix(name, "--"):
		return ""
	}
	if value, _, _ := strings.Cut(after, " "); value != "" && strings.Trim(value, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == "" {
		name += " " + value // what it takes
	}
	return strings.TrimRight(name, ":,")
}

// optional writes what is left to options, in one block.
func (t *text) optional(keys []string, n map[string]int) {
	if len(keys) == 0 {
		return
	}
	all := 0
	for _, key := range keys {
		all += n[key]
	}
	to := "options"
	if slices.ContainsFunc(keys, func(k string) bool { return !strings.HasPrefix(flag(k), "--") }) {
		to += " and the file (-f)"
	}
	t.line("%s  %d  left to %s", t.mark(finding.NotChecked), all, to)
	keys = slices.Clone(keys)
	slices.SortStableFunc(keys, func(a, b string) int { // the file's come last
		return cmp.Compare(strings.Count(flag(b), "--"), strings.Count(flag(a), "--"))
	})
	var names []string
	probes := map[string][]string{} // by what they need
	for _, key := range keys {
		if name := flag(key); probes[name] == nil {
			names = append(names, name)
		}
		probes[flag(key)] = append(probes[flag(key)], t.probes[key]...)
	}
	for _, need := range names {
		for i, l := range fold(strings.Join(t.families(probes[need]), " "), Width-29) {
			name := ""
			if i == 0 {
				name = need
			}
			t.line("  %-26s %s", name, t.o.dim(l))
		}
	}
	t.line("")
}
