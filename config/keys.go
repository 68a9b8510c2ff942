// SPDX-License-Identifier: Apache-2.0

package config

import (
	"reflect"
	"slices"
	"strings"
)

// keys are the keys of a struct, from its yaml tags: omitempty marks what may be left out. The schema is made from the
// same tags.
type keys struct {
	names    []string
	required []string
	index    map[string]int
}

func keysOf(t reflect.Type) keys {
	k := keys{index: map[string]int{}}
	for i := range t.NumField() {
		name, options, _ := strings.Cut(t.Field(i).Tag.Get("yaml"), ",")
		if name == "" || name == "-" {
			continue
		}
		k.names = append(k.names, name)
		k.index[name] = i
		if options != "omitempty" {
			k.required = append(k.required, name)
		}
	}
	return k
}

// later lists keys that are designed and not built, by the struct they will be in. They are refused like any unknown
// key, but not called a misspelling.
var later = map[reflect.Type][]string{
	reflect.TypeFor[File]():   {"waivers", "directories", "gate", "sources", "watch"},
	reflect.TypeFor[Policy](): {"images", "upstreams", "cedar"},
	reflect.TypeFor[Rule]():   {"deny", "registries", "when", "why"},
}

// unknown reports a key that does not exist. It returns the key that was probably meant, and whether the key is one
// to come: then the struct is one to come too, and nothing more can be said of it.
func (d *decoder) unknown(p pair, t reflect.Type, k keys) (near string, planned bool) {
	if sensitive(p.key) {
		d.hide(p.value)
	}
	if slices.Contains(later[t], p.key) {
		d.add(p.at, "", "key %q is not built yet in this version", p.key)
		return "", true
	}
	if near = d.nearest(p.key, k.names); near != "" {
		d.add(p.at, "", "unknown key %s, did you mean %q?", quote(p.key), near)
		return near, false
	}
	d.add(p.at, "", "unknown key %s; valid here: %s", quote(p.key), strings.Join(k.names, ", "))
	return "", false
}

// hide keeps a value out of every excerpt.
func (d *decoder) hide(n *node) {
	d.source.hide(n.at)
	for line := 1; line < n.lines; line++ {
		d.source.hide(Position{n.at.Line + line, 1})
	}
	for _, item := range n.items {
		d.source.hide(item.at)
	}
	for _, p := range n.pairs {
		d.source.hide(p.value.at)
	}
}

// nearest is the candidate that a misspelt word was probably meant to be, or "".
func (c *collector) nearest(word string, candidates []string) string {
	const enough = 200 // candidates tried; a file may define thousands of names
	if c.full() || len(word) > 64 {
		return ""
	}
	best, found := 4, ""
	for _, candidate := range candidates[:min(len(candidates), enough)] {
		a, b := fold(word), fold(candidate)
		// Short words are near to everything, so half of the longer one must be right.
		n := distance(a, b)
		nearer := n < best || n == best && found != "" && len(a) == len(b) && len(fold(found)) != len(a)
		if nearer && 2*n <= max(len(a), len(b)) {
			best, found = n, candidate
		}
	}
	return found
}

// fold forgets what people get wrong without misspelling: case and separators.
func fold(s string) string {
	return strings.NewReplacer("_", "", "-", "").Replace(strings.ToLower(s))
}

// distance is Levenshtein's, with two neighbours swapped as one mistake (form for from).
func distance(a, b string) int {
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		before, last, row = last, row, before
		row[0] = i + 1
		for j := range len(b) {
			change := last[j]
			if a[i] != b[j] {
				change++
			}
			row[j+1] = min(change, last[j+1]+1, row[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
	}
	return row[len(b)]
}
